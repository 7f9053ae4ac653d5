import type { Document } from '#shared/document.ts';
import { fact } from '#shared/topics.ts';
import type { ChainHead, TrailRow } from '#shared/trail/schema.ts';
import { heard, seal } from '#shared/trail/trail.ts';
import { verifyRows } from '#shared/trail/verify.ts';

const START = Date.UTC(2026, 0, 5);
const algorithm_id = 'momentum';

/** A fill, shortened so that its row has the size of a usual fact: 600 to 700 bytes of canonical JSON. */
function body(n: number): Document {
  const order = { order_key: `L-5f1c-${n}`, order_id: n, status: 'filled', filled_quantity: '1.5', last_event: 2 };
  const market = { exchange: 'bybit', symbol: 'BTCUSDT', deployment_id: 'momentum-paper' };
  return { ...market, order, price: `${64_000 + (n % 997)}.5`, fee: { amount: '0.1', currency: 'USDT' } };
}

/** Sealed rows of one chain as lines of JSON, and its head. */
export function trailLines(count: number): { lines: string[]; head: ChainHead } {
  const lines: string[] = [];
  let head: ChainHead | undefined;
  let rows: TrailRow[] = [];
  for (let n = 1; n <= count; n++) {
    const now = new Date(START + n * 1_000);
    const links = { key: algorithm_id, algorithm_id, signal_id: `sig${n}`, causation_id: `report-${n}` };
    ({ rows, head } = seal(head, [heard(fact('order.filled', now, [n], body(n), links), now)], now));
    for (const row of rows) lines.push(JSON.stringify(row));
  }
  if (head === undefined) throw new RangeError('at least one row is needed');
  return { lines, head };
}

function* parsed(lines: readonly string[]): Generator<unknown> {
  for (const line of lines) yield JSON.parse(line);
}

/** Events a second of parsing and verifying on one core, the best of `rounds` (T-8: at least 50,000). */
export function verificationRate(count = 100_000, rounds = 5): { events_per_s: number; row_bytes: number } {
  const { lines, head } = trailLines(count);
  const row_bytes = Math.round(lines.reduce((sum, line) => sum + line.length, 0) / count);
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const { problems, rows } = verifyRows(parsed(lines), { head });
    const took_s = (performance.now() - start) / 1_000;
    if (problems.length > 0 || rows !== count) throw new Error('a sound trail did not verify');
    best = Math.max(best, count / took_s);
  }
  return { events_per_s: Math.round(best), row_bytes };
}

export async function bench(): Promise<void> {
  const { events_per_s, row_bytes } = verificationRate();
  console.log(`trail verification: ${events_per_s} events/s, rows of ${row_bytes} bytes`);
}

if (import.meta.main) await bench();
