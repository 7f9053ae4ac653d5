import { z } from 'zod';
import { Alert, Alerts } from '#shared/alert/schema.ts';
import { Amount, absolute, add, divide, isZero, multiply, subtract } from '#shared/amount.ts';
import { SWITCH_ID, Switches } from '#shared/control/schema.ts';
import { Deployment, Deployments } from '#shared/deployment/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { averagePrice, bookGap, unrealised } from '#shared/position/position.ts';
import { type Book, Books } from '#shared/position/schema.ts';
import { Break, Breaks } from '#shared/reconciliation/schema.ts';
import { Instant } from '#shared/topics.ts';
import { ChainHeads, type Heard, Inbox } from '#shared/trail/schema.ts';
import { countFact } from '#shared/trail/trail.ts';

const Counts = z.record(z.string(), z.int().min(0));

const PositionStatus = z.strictObject({
  deployment_id: z.string(),
  symbol: z.string(),
  quantity: Amount,
  avg_price: Amount,
  current_price: Amount,
  market_value: Amount,
  unrealized_pnl: Amount,
  unrealized_pnl_pct: Amount,
});
type PositionStatus = z.infer<typeof PositionStatus>;

/**
 * The state of everything in one object (004-31, F-71): counts are a fold of the trail, never a second truth. Money,
 * prices and quantities are decimal strings; percentages are percents.
 */
export const Status = z.strictObject({
  running: z.boolean(),
  mode: z.union([Deployment.shape.environment, z.literal('none')]),
  control: z.strictObject({ state: z.string(), reason: z.string() }),
  portfolio: z.strictObject({
    total_value: Amount,
    cash: Amount,
    positions_value: Amount,
    unrealized_pnl: Amount,
    /** In percent of the initial cash. */
    total_return: Amount.nullable(),
    num_positions: z.int().min(0),
  }),
  positions: z.array(PositionStatus),
  account: z.strictObject({
    account_id: z.string(),
    cash: Amount,
    buying_power: Amount,
    portfolio_value: Amount,
  }),
  signals: z.strictObject({ proposed: z.int().min(0), accepted: z.int().min(0), refused: Counts }),
  commands: z.int().min(0),
  orders: z.int().min(0),
  fills: z.int().min(0),
  realised: Amount,
  unrealised: Amount,
  fees: Amount,
  /** Whether equity change = realised + unrealised - fees, exactly, in every book. */
  books_close: z.boolean(),
  breaks: Counts,
  open_breaks: z.array(
    Break.pick({ break_id: true, deployment_id: true, cause: true, subject: true, ours: true, theirs: true }),
  ),
  alerts: z.array(Alert),
  trail: z.strictObject({ rows: z.int().min(0), verified: z.boolean() }),
  last_update: Instant,
});
export type Status = Readonly<z.infer<typeof Status>>;

/** `verifyTrail` answers whether every sealed row is whole. */
export async function status(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  verifyTrail: () => Promise<{ rows: number; verified: boolean }>,
): Promise<Status> {
  const control = await store.get(Switches, SWITCH_ID);
  const deployments = (await store.query(Deployments, { limit: 1000 })).map(({ document }) => document);
  const books = (await store.query(Books, { limit: 1000 })).map(({ document }) => document);
  const newest = { order: { field: 'raised_at', direction: 'descending' as const }, equal: { open: true }, limit: 50 };
  const alerts = (await store.query(Alerts, newest)).map(({ document }) => document);
  const openBreaks = await store.query(Breaks, { equal: { open: true }, order: { field: 'seen_at' }, limit: 50 });
  const tally = await factCounts(store);
  const sum = (of: (book: Book) => Amount): Amount => add('0', ...books.map(of));
  const positions = books.flatMap(positionsOf);
  const cash = sum((book) => book.cash);
  const positions_value = add('0', ...positions.map((one) => one.market_value));
  const total_value = add(cash, positions_value);
  const initial = sum((book) => book.initial_cash);
  const open = add('0', ...positions.map((one) => one.unrealized_pnl));
  const gross = add('0', ...positions.map((one) => absolute(one.market_value)));
  const active = deployments.find((one) => one.status === 'active');
  return {
    running: control !== undefined && control.state !== 'halted',
    mode: active?.environment ?? 'none',
    control: { state: control?.state ?? 'halted', reason: control?.reason ?? 'never resumed' },
    portfolio: {
      total_value,
      cash,
      positions_value,
      unrealized_pnl: open,
      total_return: isZero(initial) ? null : divide(multiply(subtract(total_value, initial), '100'), initial, 4),
      num_positions: positions.length,
    },
    positions,
    account: {
      account_id: deployments.map((one) => one.deployment_id).join(','),
      cash,
      buying_power: subtract(total_value, gross),
      portfolio_value: total_value,
    },
    signals: {
      proposed: tally['signal.submitted'] ?? 0,
      accepted: tally['signal.accepted'] ?? 0,
      refused: byCode(tally, 'signal.rejected/'),
    },
    commands: tally['command.sent'] ?? 0,
    orders: tally['order.created'] ?? 0,
    fills: tally['order.filled'] ?? 0,
    realised: sum((book) => book.realised),
    unrealised: open,
    fees: sum((book) => book.fees),
    books_close: books.every((book) => isZero(bookGap(book, book.mark.prices))),
    breaks: byCode(tally, 'position.drifted/'),
    open_breaks: openBreaks.map(({ document }) => {
      const { break_id, deployment_id, cause, subject, ours, theirs } = document;
      return { break_id, deployment_id, cause, subject, ours, theirs };
    }),
    alerts,
    trail: await verifyTrail(),
    last_update: clock.now().toISOString(),
  };
}

/** How often each fact was stated: the tallies of the sealed chains, and what was heard since. */
async function factCounts(store: Ports['store']): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const count = (more: Readonly<Record<string, number>>): void => {
    for (const [name, n] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + n;
  };
  const heads = (await store.query(ChainHeads, { limit: 1000 })).map(({ document }) => document);
  for (const { chain, tally } of heads) {
    count(tally);
    for await (const { envelope } of unsealed(store, chain)) countFact(counts, envelope);
  }
  return counts;
}

const PAGE = 1000;

async function* unsealed(store: Ports['store'], chain: string): AsyncGenerator<Heard> {
  const query = { equal: { chain, sealed: false }, order: { field: 'order' }, limit: PAGE };
  for (let after: string | undefined; ; ) {
    const page = await store.query(Inbox, after === undefined ? query : { ...query, after });
    for (const { document } of page) yield document;
    after = page.at(-1)?.cursor;
    if (page.length < PAGE) return;
  }
}

const byCode = (tally: Readonly<Record<string, number>>, prefix: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(tally)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, n]) => [name.slice(prefix.length), n] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const positionsOf = (book: Book): PositionStatus[] =>
  Object.entries(book.positions).flatMap(([market, position]) => {
    const avg_price = averagePrice(position);
    if (avg_price === undefined) return [];
    const current_price = book.mark.prices[market] ?? avg_price;
    const profit = unrealised(position, current_price);
    return [
      {
        deployment_id: book.deployment_id,
        symbol: market,
        quantity: position.quantity,
        avg_price,
        current_price,
        market_value: multiply(position.quantity, current_price),
        unrealized_pnl: profit,
        unrealized_pnl_pct: isZero(position.cost) ? '0' : divide(multiply(profit, '100'), absolute(position.cost), 4),
      },
    ];
  });
