import { z } from 'zod';
import { Amount, PositiveAmount } from '../amount.ts';
import { collection } from '../document.ts';
import { Id, Side } from '../signal/schema.ts';
import { Instant } from '../topics.ts';

/**
 * What is held of one market. The average price is cost / quantity; `cost` is kept because it is exact where a
 * quotient need not be: quantity and cost share their sign, a short has a negative cost.
 */
export const Position = z.strictObject({
  quantity: Amount,
  cost: Amount,
  /** Profit realised so far, before fees. */
  realised: Amount,
  fees: Amount,
  opened_at: Instant.optional(),
});
export type Position = z.infer<typeof Position>;

/** An accepted signal that has not come to its end: it takes room in the limits as if it were filled. */
export const Pending = z.strictObject({
  market: z.string(),
  side: Side,
  quantity: PositiveAmount,
  price: PositiveAmount,
  opens: z.boolean(),
  since: Instant,
});
export type Pending = z.infer<typeof Pending>;

/**
 * The book of one deployment, as we expect it to be: cash, positions, what is pending. The aggregate document that
 * the gate reads. Equity = cash + sum of position values, and
 * equity - initial_cash = realised + unrealised - fees, exactly, after every fill and mark.
 */
export const Book = z.strictObject({
  schema: z.literal(1),
  deployment_id: Id,
  algorithm_id: Id,
  currency: z.string(),
  initial_cash: Amount,
  cash: Amount,
  realised: Amount,
  fees: Amount,
  /** By market, "exchange:symbol". */
  positions: z.record(z.string(), Position),
  /** By signal_id. */
  pending: z.record(z.string(), Pending),
  /** The last report applied, per qc_deploy_id; reports are applied in this order whatever order they come in. */
  last_report_seq: z.record(z.string(), z.int().min(0)),
  /** The last valuation: prices by market, equity, and the equity with which its UTC day began. */
  mark: z.strictObject({
    at: Instant,
    equity: Amount,
    unrealised: Amount,
    opening_equity: Amount,
    prices: z.record(z.string(), PositiveAmount),
  }),
  /** Set while an unexplained break keeps new risk out. */
  fence: z.strictObject({ reason: z.string(), since: Instant }).optional(),
  updated_at: Instant,
});
export type Book = z.infer<typeof Book>;
export const Books = collection('books', Book);
