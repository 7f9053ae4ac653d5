import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { add, amount, multiply, subtract } from '#shared/amount.ts';
import { cancel, findOrder, onBar, openAccount, submit, update } from '#shared/brokerage/account.ts';
import { lastPrice } from '#shared/brokerage/market.ts';
import type {
  AccountSettings,
  FeeModel,
  OrderChanges,
  OrderRequest,
  PaperAccount,
  PaperBar,
  PaperInstrument,
  PaperOrderEvent,
} from '#shared/brokerage/schema.ts';
import { equityOf, unrealisedProfit } from '#shared/brokerage/valuation.ts';

interface Scripted {
  at: number;
  tag: string;
  type: OrderRequest['type'];
  quantity: number;
  stop_offset?: number;
  limit_offset?: number;
  cancel_at?: number;
  update_at?: number;
  update?: { price_shift?: number; quantity?: number };
}
interface Call {
  step: number;
  tag: string;
  call: string;
  quantity?: number;
  limit_price?: number | null;
  stop_price?: number | null;
  order_id?: number;
  status?: string;
  success?: boolean;
  error: string;
}
interface Event {
  step: number;
  time: string;
  order_id: number;
  event_id: number;
  tag: string;
  status: string;
  fill_quantity: string;
  fill_price: string;
  fee: string;
  fee_currency: string;
  message: string;
}
interface Final {
  steps: number;
  cash: Record<string, string>;
  total_value: string;
  fees: string;
  net_profit: string;
  holding: string;
  average_price: string;
  unrealised: string;
}
interface Case {
  name: string;
  calls: Call[];
  expected: { events: Event[]; final: Final };
}

const folder = import.meta.dirname;
const golden = JSON.parse(readFileSync(`${folder}/lean_order_events.json`, 'utf8')) as {
  tolerance: { rel: number; abs: number };
  script: Scripted[];
  cases: Case[];
};
const rows = parse(readFileSync(`${folder}/lean11_btcusdt_minute.csv`, 'utf8'), { columns: true }) as Record<
  string,
  string
>[];

const MARKET = 'bybit:BTCUSDT';
const at = (step: number): Date => new Date(Date.UTC(2024, 2, 4) + step * 60_000);

function barOf(row: Record<string, string>, index: number): PaperBar {
  const side = (name: string) => ({
    open: String(row[`${name}_open`]),
    high: String(row[`${name}_high`]),
    low: String(row[`${name}_low`]),
    close: String(row[`${name}_close`]),
  });
  return {
    exchange: 'bybit',
    symbol: 'BTCUSDT',
    start: at(index).toISOString(),
    available_at: at(index + 1).toISOString(),
    open: String(row.open),
    high: String(row.high),
    low: String(row.low),
    close: String(row.close),
    volume: String(row.volume),
    ...(row.bid_open && { bid: side('bid'), ask: side('ask') }),
  };
}
const bars = rows.map(barOf);

const SPOT_FEE: FeeModel = { kind: 'percent', maker: '0.001', taker: '0.001', buy_in: 'base' };
const spot: PaperInstrument = {
  market: MARKET,
  currency: 'USDT',
  base_currency: 'BTC',
  security_type: 'crypto',
  lot_size: '0.000001',
  tick_size: '0.1',
  minimum_quantity: '0.000011',
  session: 'always',
  leverage: '1',
  fee: SPOT_FEE,
  slippage: { kind: 'none' },
  can_update: false,
};
const { base_currency: _, ...quoted } = spot;
const perpetual: PaperInstrument = {
  ...quoted,
  security_type: 'cryptofuture',
  lot_size: '0.001',
  minimum_quantity: '0.001',
  leverage: '10',
  fee: { kind: 'percent', maker: '0.0002', taker: '0.00055', buy_in: 'quote' },
  can_update: true,
};
const { minimum_quantity: __, ...unlimited } = spot;

const account = (account_type: 'cash' | 'margin', instrument: PaperInstrument): AccountSettings => ({
  account_type,
  currency: 'USDT',
  cash: { USDT: '100000' },
  instruments: [instrument],
  fill_timing: 'lean',
});

const SETTINGS: Record<string, AccountSettings> = {
  cash: account('cash', spot),
  margin: account('margin', { ...spot, leverage: '10' }),
  perp: account('margin', perpetual),
  none: account('margin', { ...unlimited, fee: { kind: 'none' }, can_update: true }),
};

/** What one run of the script did, in the file's own words. */
interface Run {
  account: PaperAccount;
  calls: Call[];
  events: Event[];
}

const lean = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

function told(event: PaperOrderEvent, step: number): Event {
  return {
    step,
    time: event.time.replace('.000', ''),
    order_id: event.order_id,
    event_id: event.event,
    tag: event.tag,
    status: lean(event.status),
    fill_quantity: event.fill_quantity,
    fill_price: event.fill_price,
    fee: event.fee?.amount ?? '0',
    fee_currency: event.fee?.currency ?? 'QCC',
    message: event.message,
  };
}

/**
 * Runs the script. The engine handed the perpetual's first funding rate to the algorithm in a step of its own at
 * midnight, before the first bar: its step n is bar n - 1.
 */
function play(name: string): Run {
  const settings = SETTINGS[name] as AccountSettings;
  const lag = name === 'perp' ? 1 : 0;
  const result: Run = { account: openAccount(settings), calls: [], events: [] };
  const ids = new Map<string, number>();
  const requests = new Map<string, OrderRequest>();
  const take = (step: number, outcome: { account: PaperAccount; events: readonly PaperOrderEvent[] }) => {
    result.account = outcome.account;
    result.events.push(...outcome.events.map((event) => told(event, step)));
  };
  for (const [index, plain] of bars.entries()) {
    const step = index + 1 + lag;
    const now = at(index + 1);
    const isFunding = name === 'perp' && now.getUTCMinutes() === 0 && now.getUTCHours() % 8 === 0;
    take(step - 1, onBar(result.account, isFunding ? { ...plain, funding_rate: '0.0001' } : plain, now));
    for (const order of golden.script) {
      const id = ids.get(order.tag) ?? -1;
      if (order.cancel_at === step) {
        const outcome = cancel(result.account, id, now);
        result.calls.push({ step, tag: order.tag, call: 'cancel', ...answered(outcome) });
        take(step, outcome);
      }
      if (order.update_at === step) {
        const changes = changesOf(order, requests.get(order.tag));
        const outcome = update(result.account, id, changes, now);
        result.calls.push({ step, tag: order.tag, call: 'update', ...answered(outcome) });
        take(step, outcome);
      }
    }
    for (const order of golden.script.filter((scripted) => scripted.at === step)) {
      const request = requestOf(order, plain.close);
      requests.set(order.tag, request);
      const outcome = submit(result.account, request, now);
      ids.set(order.tag, outcome.order_id);
      const sent = findOrder(outcome.account, outcome.order_id);
      result.calls.push({
        step,
        tag: order.tag,
        call: order.type,
        quantity: order.quantity,
        limit_price: sent?.limit_price === undefined ? null : Number(sent.limit_price),
        stop_price: sent?.stop_price === undefined ? null : Number(sent.stop_price),
        order_id: outcome.order_id,
        status: lean(outcome.status),
        error: (outcome.error ?? 'none').toUpperCase(),
      });
      take(step, outcome);
    }
  }
  return result;
}

const answered = ({ success, error }: { success: boolean; error?: string }) => ({
  success,
  error: (error ?? 'none').toUpperCase(),
});

/** An offset of the script stands on the close of the step that sends the order. */
function requestOf(order: Scripted, close: string): OrderRequest {
  const price = (offset: number) => add(close, amount(offset));
  return {
    market: MARKET,
    type: order.type,
    quantity: amount(order.quantity),
    tag: order.tag,
    ...(order.limit_offset !== undefined && { limit_price: price(order.limit_offset) }),
    ...(order.stop_offset !== undefined && { stop_price: price(order.stop_offset) }),
  };
}

/** A price shift of the script is added to the prices that the order was sent with. */
function changesOf({ update: asked }: Scripted, sent: OrderRequest | undefined): OrderChanges {
  const { price_shift: shift, quantity } = asked ?? {};
  return {
    ...(quantity !== undefined && { quantity: amount(quantity) }),
    ...(shift !== undefined && sent?.limit_price && { limit_price: add(sent.limit_price, amount(shift)) }),
    ...(shift !== undefined && sent?.stop_price && { stop_price: add(sent.stop_price, amount(shift)) }),
  };
}

const near = (a: string, b: string): boolean => {
  const difference = Math.abs(Number(subtract(amount(a), amount(b))));
  return difference <= golden.tolerance.abs + golden.tolerance.rel * Math.max(Math.abs(Number(a)), Math.abs(Number(b)));
};

const NUMBERS = new Set(['fill_quantity', 'fill_price', 'fee']);

/** Every difference between two lists of flat records, as sentences. */
function differences(kind: string, ours: readonly object[], theirs: readonly object[]): string[] {
  const found = ours.length === theirs.length ? [] : [`${kind}: ${ours.length} of ${theirs.length}`];
  for (const [index, theirRow] of theirs.entries()) {
    const our = (ours[index] ?? {}) as Record<string, unknown>;
    for (const [field, value] of Object.entries(theirRow)) {
      const mine = our[field];
      const same = NUMBERS.has(field) ? mine !== undefined && near(String(mine), String(value)) : mine === value;
      if (!same)
        found.push(`${kind} ${index} ${field}: ${String(mine)}, LEAN ${String(value)} of ${JSON.stringify(theirRow)}`);
    }
  }
  return found;
}

function closing(account: PaperAccount): Record<string, string> {
  const holding = account.holdings[MARKET];
  return {
    USDT: account.cash.USDT ?? '0',
    BTC: account.cash.BTC ?? '0',
    total_value: equityOf(account),
    fees: account.fees_paid,
    net_profit: subtract(holding?.realised ?? '0', account.fees_paid),
    holding: holding?.quantity ?? '0',
    average_price: holding?.average_price ?? '0',
    unrealised: unrealisedProfit(account, MARKET),
  };
}

function finalDifferences(account: PaperAccount, { cash, ...rest }: Final): string[] {
  const ours = closing(account);
  const theirs: Record<string, string> = { ...cash, ...(rest as Record<string, unknown> as Record<string, string>) };
  return Object.keys(ours)
    .filter((field) => !near(String(ours[field]), String(theirs[field])))
    .map((field) => `final ${field}: ${ours[field]}, LEAN ${theirs[field]}`);
}

const runs = new Map<string, Run>();
function run(name: string): Run {
  const done = runs.get(name) ?? play(name);
  runs.set(name, done);
  return done;
}

/** A case takes 1 to 3 s on two busy cores. */
const TIMEOUT_MS = 60_000;

describe('the paper account against what LEAN did with the same orders', { timeout: TIMEOUT_MS }, () => {
  it.each(golden.cases)('reproduces every call, order event and closing balance of $name', (expected) => {
    const result = run(expected.name);
    const { events, final } = expected.expected;
    const failed = [
      ...differences('call', result.calls, expected.calls),
      ...differences('event', result.events, events),
      ...finalDifferences(result.account, final),
    ];
    const compared = expected.calls.length + events.length + Object.keys(closing(result.account)).length;
    console.log(`lean_order_events ${expected.name}: compared ${compared}, failed ${failed.length}`);
    expect(failed).toEqual([]);
  });

  it.each(golden.cases)('closes its own books of $name to the last digit', ({ name }) => {
    const { account } = run(name);
    const market = account.markets[MARKET];
    const holding = account.holdings[MARKET];
    if (!market || !holding) throw new Error('nothing was traded');
    const price = lastPrice(market);
    const unrealised = subtract(multiply(holding.quantity, price), holding.cost);
    const value = name === 'perp' ? unrealised : multiply(account.cash.BTC ?? '0', price);
    const change = subtract(add(account.cash.USDT ?? '0', value), '100000');
    expect(change).toBe(add(subtract(add(holding.realised, unrealised), holding.fees), holding.funding));
  });

  it('notices a changed price and a missing call', () => {
    const { calls, events } = run('cash');
    const expected = golden.cases[0] as Case;
    const late = events.map((event, index) => (index === 7 ? { ...event, fill_price: '1' } : event));
    expect(differences('event', late, expected.expected.events)).toHaveLength(1);
    expect(differences('call', calls.slice(1), expected.calls).length).toBeGreaterThan(1);
  });
});
