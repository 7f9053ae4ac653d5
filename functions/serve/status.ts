import { z } from 'zod';
import { type Alert, Alerts } from '#shared/alert/schema.ts';
import { type Amount, absolute, add, divide, isZero, multiply, subtract } from '#shared/amount.ts';
import { SWITCH_ID, Switches } from '#shared/control/schema.ts';
import { type Deployment, Deployments } from '#shared/deployment/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { averagePrice, bookGap, unrealised } from '#shared/position/position.ts';
import { type Book, Books } from '#shared/position/schema.ts';
import { type Break, Breaks } from '#shared/reconciliation/schema.ts';
import { ChainHeads, Inbox } from '#shared/trail/schema.ts';
import { countFact } from '#shared/trail/trail.ts';
import { type Route, route } from './route.ts';
import { trailChecker } from './verify-trail.ts';

/**
 * The state of everything in one object (004-31, F-71): counts are a fold of the trail, never a second truth. Money,
 * prices and quantities are decimal strings; percentages are percents.
 */
export interface Status {
  readonly running: boolean;
  readonly mode: Deployment['environment'] | 'none';
  readonly control: { readonly state: string; readonly reason: string };
  readonly portfolio: {
    readonly total_value: Amount;
    readonly cash: Amount;
    readonly positions_value: Amount;
    readonly unrealized_pnl: Amount;
    /** In percent of the initial cash. */
    readonly total_return: Amount | null;
    readonly num_positions: number;
  };
  readonly positions: readonly PositionStatus[];
  readonly account: {
    readonly account_id: string;
    readonly cash: Amount;
    readonly buying_power: Amount;
    readonly portfolio_value: Amount;
  };
  readonly signals: {
    readonly proposed: number;
    readonly accepted: number;
    readonly refused: Readonly<Record<string, number>>;
  };
  readonly commands: number;
  readonly orders: number;
  readonly fills: number;
  readonly realised: Amount;
  readonly unrealised: Amount;
  readonly fees: Amount;
  /** Whether equity change = realised + unrealised - fees, exactly, in every book. */
  readonly books_close: boolean;
  readonly breaks: Readonly<Record<string, number>>;
  readonly open_breaks: readonly Pick<Break, 'break_id' | 'deployment_id' | 'cause' | 'subject' | 'ours' | 'theirs'>[];
  readonly alerts: readonly Alert[];
  readonly trail: { readonly rows: number; readonly verified: boolean };
  readonly last_update: string;
}

export interface PositionStatus {
  readonly deployment_id: string;
  readonly symbol: string;
  readonly quantity: Amount;
  readonly avg_price: Amount;
  readonly current_price: Amount;
  readonly market_value: Amount;
  readonly unrealized_pnl: Amount;
  readonly unrealized_pnl_pct: Amount;
}

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
    const heard = await store.query(Inbox, { equal: { chain, sealed: false }, order: { field: 'order' }, limit: 1000 });
    for (const { document } of heard) countFact(counts, document.envelope);
  }
  return counts;
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

export function statusRoutes(ports: Pick<Ports, 'store' | 'clock'>): readonly Route[] {
  const checkTrail = trailChecker(ports);
  return [
    route({
      method: 'get',
      path: '/status',
      scope: 'read_status',
      does: 'Whether it trades, what is held, and what is wrong (004-31).',
      answers: { 200: { means: 'The state of everything.', schema: z.looseObject({ running: z.boolean() }) } },
      refuses: [],
      handle: async (context) => context.json(await status(ports, checkTrail)),
    }),
  ];
}
