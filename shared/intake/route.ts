import { absolute, add, compare, isZero, sign } from '../amount.ts';
import { Deliveries, type Delivery, deliveryKey } from '../delivery/schema.ts';
import type { Algorithm, Deployment } from '../deployment/schema.ts';
import { type Write, write } from '../document.ts';
import type { Book, Pending } from '../position/schema.ts';
import { expectedPosition, type Judgement } from '../risk/gate.ts';
import type { Signal } from '../signal/schema.ts';

/** The deployments to which a market's signals go. */
export const routesOf = (algorithm: Algorithm, market: string | undefined): readonly Deployment[] =>
  algorithm.deployments.filter(
    (one) =>
      one.status === 'active' &&
      one.environment !== 'backtest' &&
      market !== undefined &&
      (one.symbols.length === 0 || one.symbols.includes(market)),
  );

/** The delivery of an accepted signal to one deployment, before anything was sent. */
export function queued(
  { signal_id, version, algorithm_id }: Signal,
  where: Pick<Delivery, 'deployment_id' | 'seq' | 'batch_id' | 'valid_until'>,
  now: Date,
): Write {
  return write(Deliveries, deliveryKey(signal_id, where.deployment_id), {
    schema: 1,
    signal_id,
    version,
    algorithm_id,
    ...where,
    state: 'queued',
    open: true,
    sends: 0,
    filled_quantity: '0',
    updated_at: now.toISOString(),
  });
}

/** The book with room for what the signal trades in it; the same book where that is nothing. */
export function withRoom(book: Book, signal_id: string, { market, price, changes }: Judgement, now: Date): Book {
  const change = changes[book.deployment_id] ?? '0';
  if (market === undefined || price === undefined || isZero(change)) return book;
  const before = expectedPosition(book, market);
  const room: Pending = {
    market,
    side: sign(change) > 0 ? 'buy' : 'sell',
    quantity: absolute(change),
    price,
    opens: compare(absolute(add(before, change)), absolute(before)) > 0,
    since: now.toISOString(),
  };
  return { ...book, pending: { ...book.pending, [signal_id]: room }, updated_at: room.since };
}
