import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { csvTable } from '#functions/backtest/export.ts';
import type { BacktestResult } from '#shared/backtest/schema.ts';
import { quantbridge } from '../cli/command-line.ts';
import { swinging } from './world.ts';

vi.setConfig({ testTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'backtest-'));
afterAll(() => rmSync(folder, { recursive: true }));
const CROSSOVER = ['--strategy', 'crossover', '--fast', '10', '--slow', '30'];
const SPX = ['backtest', ...CROSSOVER, '--symbols', 'SPX', '--from', '2005-01-01'];
const run = (...args: string[]) => quantbridge(['--data', folder, ...args]);

const csvFile = join(folder, 'bars.csv');
writeFileSync(
  csvFile,
  [
    'date,open,high,low,close',
    ...swinging(58).map((b) => [b.start.slice(0, 10), b.open, b.high, b.low, b.close].join()),
  ].join('\n'),
);

describe('backtest', () => {
  test('prints its figures and writes a report that holds the page and nothing from elsewhere', async () => {
    const { code, out, err } = await run(...SPX);
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/^crossover \(fast 10, slow 30\) on cboe:SPX, 2005-01-03 to 2020-04-17$/m);
    expect(out).toMatch(/^Total return +76\.44 %$/m);
    expect(out).toMatch(/^Sharpe ratio +0\.41$/m);
    expect(out).toMatch(/^Trades +65$/m);
    expect(out).toMatch(/11 flags on the bars, none repaired: outlier 2008-09-29/);
    const page = readFileSync(/^Report: (.+)$/m.exec(out)?.[1] ?? '', 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    const markup = page.slice(0, page.indexOf('<script'));
    expect([...markup.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, target]) => target)).toEqual(['data:,']);
    expect(/<script[^>]*src=/.test(page)).toBe(false);
  });

  test('answers one JSON document with the result, the bars it used and where the report is', async () => {
    const { out, code } = await run(...SPX, '--json', '--report', join(folder, 'own.html'), '--fee', '0.1%');
    expect(code).toBe(0);
    const answer = JSON.parse(out) as { result: BacktestResult; bars: { count: number }[]; report: string };
    expect(answer.result).toMatchObject({ num_trades: 65, settings: { fee: { taker: '0.001' } } });
    expect(Number(answer.result.costs.fees)).toBeGreaterThan(0);
    expect(answer.bars).toMatchObject([
      { market: 'cboe:SPX', count: 5105, sha256: expect.stringMatching(/^9409e934/) },
    ]);
    expect(existsSync(answer.report)).toBe(true);
  });

  test('writes a table as CSV and nothing besides', async () => {
    const { out } = await run(...SPX, '--csv');
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^market,side,quantity,entry_at,/);
    expect(lines).toHaveLength(66);
    const equity = await run(...SPX, '--csv', 'equity', '--to', '2005-02-01');
    expect(equity.out.split('\n')[1]).toMatch(/^2005-01-03T21:00:00\.000Z,100000,/);
  });

  test('sweeps, shows the best cells, and warns of hindsight', async () => {
    const { out } = await run(...SPX.slice(0, 3), '--sweep', 'fast=5..15/5', 'slow=20..40/20', '--no-report');
    expect(out).toMatch(/The best 6 of 6 cells:\nfast +slow +Sharpe/);
    expect(out).toMatch(/chosen with hindsight/);
    expect(out).not.toMatch(/Report:/);
    const { out: table } = await run(...SPX.slice(0, 3), '--sweep', 'fast=5,10', '--slow', '30', '--csv', 'sweep');
    expect(table.split('\n')).toMatchObject([
      'fast,sharpe_ratio,total_return,max_drawdown,num_trades',
      /^5,/,
      /^10,/,
      '',
    ]);
  });

  test('takes bars of a file', async () => {
    const market = ['--bars', csvFile, '--symbols', 'BTCUSDT', '--session', 'always', '--no-report', '--json'];
    const { out, err } = await run('backtest', '--strategy', 'crossover', '--fast', '2', '--slow', '4', ...market);
    expect(err).toBe('');
    const { result } = JSON.parse(out) as { result: BacktestResult };
    expect(result).toMatchObject({
      num_trades: 2,
      settings: { periods_per_year: 365, markets: [{ exchange: 'csv' }] },
    });
  });

  test('charges what a brokerage charges, and slips by the share of the volume', async () => {
    const more = [
      '--no-report',
      '--json',
      '--certify',
      'none',
      '--brokerage',
      'interactive-brokers',
      '--slippage',
      'volume',
    ];
    const { out, err } = await run(...SPX, '--to', '2006-01-01', ...more);
    expect(err).toBe('');
    const { result } = JSON.parse(out) as { result: BacktestResult };
    expect(result.settings).toMatchObject({
      fee: { kind: 'per_unit', per_unit: '0.005', minimum: '1' },
      slippage: { kind: 'volume_share', impact: '0.1', limit: '0.025' },
    });
    expect(result.fills.every(({ fee }) => fee === '1')).toBe(true);
  });

  const broken = join(folder, 'broken.csv');
  writeFileSync(broken, 'date,open,high,low,close\n2026-01-02,1,1,1,0\n');
  test.each([
    ['an unknown strategy', ['--strategy', 'oracle'], 2, /There is no strategy oracle. There are: crossover,/],
    [
      'averages the wrong way round',
      ['--strategy', 'crossover', '--fast', '30', '--slow', '10'],
      2,
      /fast must be shorter/,
    ],
    ['an unknown range', [...CROSSOVER, '--sweep', 'speed=1..2'], 2, /no parameter speed. It has: fast, slow/],
    [
      'no built-in bars',
      [...CROSSOVER, '--symbols', 'ACME'],
      1,
      /no built-in bars of ACME\. Name a CSV file with --bars/,
    ],
    ['a missing file', [...CROSSOVER, '--bars', '/nowhere.csv'], 1, /nowhere\.csv: There is no such file/],
    ['a broken file', [...CROSSOVER, '--bars', broken], 1, /line 2: close is 0\. A price is zero or negative/],
    ['two sources', [...CROSSOVER, '--bars', 'a', '--provider', 'yahoo'], 2, /not both/],
    ['a provider without its key', [...CROSSOVER, '--provider', 'alpha-vantage'], 2, /ALPHA_VANTAGE_API_KEY/],
    ['a day that is none', [...CROSSOVER, '--from', '2005-13-01'], 2, /is no day/],
    ['a day that no year has', [...CROSSOVER, '--from', '2010-02-30'], 2, /"2010-02-30" is no day/],
    ['days after the bars', [...CROSSOVER, '--from', '2030-01-01'], 2, /SPX has bars from .* to 2020-04-17: none lies/],
    ['days the wrong way', [...CROSSOVER, '--from', '2010-01-01', '--to', '2009-01-01'], 2, /comes after --to 2009/],
    ['two fees', [...CROSSOVER, '--fee', '0.1%', '--brokerage', 'bybit'], 2, /--fee or --brokerage, not both/],
    ['an unknown brokerage', [...CROSSOVER, '--brokerage', 'acme'], 2, /Allowed choices are none, binance/],
    ['a certificate of a few', [...CROSSOVER, '--certify', 'some'], 2, /--certify is all, none, or a whole number/],
    ['a fee of everything', [...CROSSOVER, '--fee', '5'], 2, /with its sign: 5%/],
    ['no strategy', [], 2, /--strategy <kind>/],
  ])('ends with a sentence on what to do for %s', async (_, args, expected, words) => {
    const { code, out, err } = await quantbridge(['--data', folder, 'backtest', ...args], {
      env: { ...process.env, ALPHA_VANTAGE_API_KEY: '' },
    });
    expect(err).toMatch(words);
    expect(err).not.toMatch(/\n {4}at /);
    expect(out).toBe('');
    expect(code).toBe(expected);
  });
});

describe('lookahead', () => {
  const args = [
    'lookahead',
    '--strategy',
    'crossover',
    '--fast',
    '2',
    '--slow',
    '4',
    '--bars',
    csvFile,
    '--symbols',
    'BTCUSDT',
  ];

  test('takes every signal again, and says that none changed', async () => {
    const { code, out } = await run(...args, '--session', 'always');
    expect(out).toMatch(
      /^crossover: \d+ signals, taken again at all \d+ moments without what came after\.\nNone changed/,
    );
    expect(code).toBe(0);
    const json = JSON.parse((await run(...args, '--session', 'always', '--limit', '2', '--json')).out);
    expect(json).toMatchObject({ kind: 'crossover', checked: 2, findings: [] });
  });

  test('that had nothing to check is no proof', async () => {
    const { code, err } = await run(...args.with(6, '57'), '--session', 'always');
    expect(err).toMatch(/made no signal on these bars, so nothing was checked/);
    expect(code).toBe(1);
  });
});

describe('the certificate of a backtest (U-5)', () => {
  const made = join(folder, 'certified.html');
  const json = join(folder, 'certified.json');
  const changed = join(folder, 'changed.csv');
  const market = ['--symbols', 'BTCUSDT', '--session', 'always'];
  const check = (file: string, bars: string, ...more: string[]) =>
    run('lookahead', '--certificate', file, '--bars', bars, ...more);

  test('is in the JSON and in the report, and holds on the bars that it names', async () => {
    const args = ['backtest', '--strategy', 'crossover', '--fast', '2', '--slow', '4', ...market, '--bars', csvFile];
    const { out } = await run(...args, '--json', '--report', made);
    writeFileSync(json, out);
    const { result } = JSON.parse(out) as { result: BacktestResult };
    const { certificate } = result;
    expect(certificate).toMatchObject({ verdict: 'clean', bars: [{ market: 'csv:BTCUSDT', count: 58 }] });
    expect(certificate?.signals).toHaveLength(result.decisions.length);
    expect(readFileSync(made, 'utf8')).toContain(`<td class="hash">${certificate?.sha256}</td>`);
    for (const file of [made, json]) {
      const { code, out: said } = await check(file, csvFile);
      expect(said).toMatch(/It holds\.\n$/);
      expect(code).toBe(0);
    }
    const none = await run(...args, '--json', '--no-report', '--certify', 'none');
    expect(JSON.parse(none.out).result).not.toHaveProperty('certificate');
  });

  test('fails when one bar or one signal was changed, and says which', async () => {
    const rows = readFileSync(csvFile, 'utf8').split('\n');
    const [at, open, high, low, close] = (rows[30] ?? '').split(',');
    writeFileSync(changed, rows.with(30, [at, open, Number(high) + 0.5, low, close].join(',')).join('\n'));
    const bars = await check(made, changed);
    expect(bars.code).toBe(1);
    expect(bars.out).toMatch(/FAILS {2}bars +csv:BTCUSDT: 58 bars that are not the 58 certified ones/);

    const whole = JSON.parse(readFileSync(json, 'utf8'));
    whole.result.decisions[1].reason = 'a better one';
    writeFileSync(join(folder, 'tampered.json'), JSON.stringify(whole));
    const signals = await check(join(folder, 'tampered.json'), csvFile, '--json');
    expect(signals.code).toBe(1);
    expect(JSON.parse(signals.out)).toMatchObject({ holds: false });
    expect(signals.out).toMatch(/as written: signal 2 is another one/);
  });

  test.each([
    ['no such file', join(folder, 'nowhere.json'), /cannot be read \(ENOENT\)/],
    ['no backtest', csvFile, /holds no backtest with a certificate\. Make one: npx quantbridge backtest/],
  ])('is asked for in a sentence where the file is %s', async (_, file, words) => {
    const { code, err } = await check(file, csvFile);
    expect(err).toMatch(words);
    expect(code).toBe(2);
  });
});

test('a cell of CSV that holds a comma, a quote or a line is quoted', () => {
  const fill = {
    order_id: 1,
    market: 'a:B',
    at: 't',
    role: 'entry',
    quantity: '1',
    price: '2',
    fee: '0',
    reason: 'so, "it"',
  };
  const text = csvTable('fills', { fills: [fill] } as unknown as BacktestResult, []);
  expect(text).toBe('order_id,market,at,role,quantity,price,fee,reason\n1,a:B,t,entry,1,2,0,"so, ""it"""\n');
});
