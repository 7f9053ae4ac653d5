import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { complain } from '#functions/cli/screen.ts';
import { type CertificateCheck, verifyCertificate } from '#shared/backtest/certificate.ts';
import { BacktestSettings, Decision, LookaheadCertificate } from '#shared/backtest/schema.ts';
import { marketsOf, Unclear } from './arguments.ts';
import { gather } from './market-data.ts';
import { type Options, sourceOf } from './plan.ts';
import { bar } from './progress.ts';

/** What a file must hold to be checked: the settings, the certificate, and in a whole result what was decided. */
const Certified = z.object({
  settings: BacktestSettings,
  certificate: LookaheadCertificate,
  decisions: z.array(Decision).optional(),
});
const Answer = z.union([Certified, z.object({ result: Certified }).transform(({ result }) => result)]);

const RESULT = /<script type="application\/json" id="result">(.*?)<\/script>/s;

async function certifiedOf(path: string): Promise<z.infer<typeof Certified>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Unclear(
      `${path} cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}).`,
    );
  });
  const read = Answer.safeParse(jsonOf(RESULT.exec(text)?.[1] ?? text));
  if (read.success) return read.data;
  throw new Unclear(
    `${path} holds no backtest with a certificate. Make one: npx quantbridge backtest … --json > result.json`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const FAILED = 1;

/** Checks the certificate of a backtest on bars from here: 0 when every check holds, else 1. */
export async function checkCertificate(path: string, options: Options): Promise<void> {
  const { settings, certificate, decisions } = await certifiedOf(path);
  const tickers = new Map(marketsOf(options.symbols).map(({ symbol, ticker }) => [symbol, ticker]));
  const markets = settings.markets.map(({ exchange, symbol }) => ({
    exchange,
    symbol,
    ticker: tickers.get(symbol) ?? symbol,
  }));
  const found = await gather(markets, sourceOf(options, markets, process.env), {
    session: settings.markets[0]?.session ?? 'exchange',
    from: (settings.from ?? certificate.bars[0]?.first_at ?? '').slice(0, 10),
    now: () => new Date(),
  });
  if (!found.ok) {
    process.exitCode = FAILED;
    const { message, fix } = found;
    return complain({ code: 'BARS_UNAVAILABLE', message, fix }, `${message} ${fix}`, options.json === true);
  }
  const bars = Object.fromEntries(found.markets.map((one) => [one.market, one.bars]));
  const checks = watched((on_progress) =>
    verifyCertificate(certificate, { settings, bars, decisions }, { on_progress }),
  );
  const holds = checks.every(({ ok }) => ok);
  if (!holds) process.exitCode = FAILED;
  const whole = { certificate: certificate.sha256, backtest_id: certificate.backtest_id, holds, checks };
  process.stdout.write(options.json === true ? `${JSON.stringify(whole, null, 2)}\n` : wordsOf(whole));
}

function watched<T>(work: (on_progress: (at: { done: number; total: number }) => void) => T): T {
  const progress = bar(process.stderr, 'checking', 100);
  try {
    return work(({ done, total }) => progress.at((100 * done) / total));
  } finally {
    progress.end();
  }
}

function wordsOf({
  certificate,
  holds,
  checks,
}: {
  certificate: string;
  holds: boolean;
  checks: readonly CertificateCheck[];
}): string {
  const width = Math.max(...checks.map((check) => check.of.length));
  const lines = checks.map(({ of, ok, detail }) => `  ${ok ? 'holds' : 'FAILS'}  ${of.padEnd(width)}  ${detail}`);
  const end = holds
    ? 'It holds.'
    : 'It does not hold: this is not the backtest that was certified, or it knew its future.';
  return [`Look-ahead certificate ${certificate.slice(0, 12)}`, ...lines, end, ''].join('\n');
}
