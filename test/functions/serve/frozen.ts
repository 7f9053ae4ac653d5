import { app } from '#functions/serve/app.ts';
import type { BundleOptions } from '#functions/serve/bundles.ts';
import type { Document } from '#shared/document.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { TrailRow } from '#shared/trail/schema.ts';
import { heard, seal } from '#shared/trail/trail.ts';
import { buy, type House, house, instant } from '../push/house.ts';

/** A door that makes bundles on terms of its own. */
export function bundleDoor(of: Pick<House, 'ports'>, options: BundleOptions = {}, change: Partial<Ports> = {}) {
  return app({ ...of.ports, ...change }, { bundles: options });
}

/** A house in which a model has told of signals, one a minute from the first minute on; the second was back-filled. */
export async function told(count: number) {
  const of = await house();
  const key = await of.key('reader', ['read_history', 'submit'], 'alg');
  await of.instrument('ETHUSDT', { quantconnect: { ticker: 'ETHUSDT', security_type: 'crypto', market: 'bybit' } });
  for (let n = 1; n <= count; n++) await tell(of, n);
  return { of, key };
}

export async function tell(of: House, n: number): Promise<void> {
  of.to(n, '100');
  const symbol = n % 3 === 0 ? 'ETHUSDT' : 'BTCUSDT';
  of.bars.push({ ...(of.bars.at(-1) as House['bars'][number]), symbol });
  const change: Document = {
    symbol,
    quantity: 1 + n / 100,
    stop_loss: 98,
    take_profit: 104 + n,
    confidence: 0.5 + n / 1_000,
    features: { trend: n },
    ...(n === 2 ? { timestamp: instant(-10), valid_until: instant(20) } : {}),
  };
  const { accepted, code } = await of.submit(buy(n, change));
  if (!accepted) throw new Error(`signal ${n} was refused: ${code}`);
}

/** The trail as audit would have sealed it. */
export function trailOf(of: House): TrailRow[] {
  const facts = of.facts().filter(({ algorithm_id }) => algorithm_id === 'alg');
  return seal(
    undefined,
    facts.map((fact) => heard(fact, new Date(fact.at))),
    new Date(instant(1_000)),
  ).rows;
}
