import { add, amount, multiply, subtract, toNumber } from '#shared/amount.ts';
import { cancel, findOrder, onBar, openAccount, submit, update } from '#shared/brokerage/account.ts';
import { lastPrice } from '#shared/brokerage/market.ts';
import type { OrderChanges, OrderRequest, PaperAccount, PaperBar, PaperOrderEvent } from '#shared/brokerage/schema.ts';
import { equityOf, unrealisedProfit } from '#shared/brokerage/valuation.ts';
import type { GoldenDocument } from './comparison.ts';
import { MARKET, settingsOf } from './order-events-accounts.ts';
import { readTable } from './table.ts';

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
  setting: string;
  calls: Call[];
  expected: { events: Event[]; final: Final };
}
interface OrderEvents extends GoldenDocument {
  readonly bars_csv: string;
  readonly script: readonly Scripted[];
  readonly conventions: { readonly account: string };
  readonly cases: readonly Case[];
}

const MINUTE_MS = 60_000;

function barOf(row: Record<string, string>): PaperBar {
  const start = new Date(String(row.start));
  const side = (name: string) => ({
    open: String(row[`${name}_open`]),
    high: String(row[`${name}_high`]),
    low: String(row[`${name}_low`]),
    close: String(row[`${name}_close`]),
  });
  return {
    exchange: 'bybit',
    symbol: 'BTCUSDT',
    start: start.toISOString(),
    available_at: new Date(start.getTime() + MINUTE_MS).toISOString(),
    open: String(row.open),
    high: String(row.high),
    low: String(row.low),
    close: String(row.close),
    volume: String(row.volume),
    ...(row.bid_open && { bid: side('bid'), ask: side('ask') }),
  };
}

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
 * The engine handed the perpetual's first funding rate to the algorithm in a step of its own at midnight, before the
 * first bar: its step n is bar n - 1.
 */
const lagOf = (setting: string): number => (isPerpetual(setting) ? 1 : 0);
const isPerpetual = (setting: string): boolean => setting.includes('perpetual');
/** "funding rate 0.0001 at 00:00, …". */
const fundingOf = (setting: string): string => /funding rate (-?[\d.]+)/.exec(setting)?.[1] ?? '0.0001';
/** "100,000 USDT at the start". */
const cashOf = ({ conventions: { account } }: OrderEvents): string =>
  (/^([\d,.]+) USDT/.exec(account)?.[1] ?? '100,000').replaceAll(',', '');

/** Runs the script. */
function play(setting: string, cash: string, script: readonly Scripted[], bars: readonly PaperBar[]): Run {
  const lag = lagOf(setting);
  const result: Run = { account: openAccount(settingsOf(setting, cash)), calls: [], events: [] };
  const ids = new Map<string, number>();
  const requests = new Map<string, OrderRequest>();
  const take = (step: number, outcome: { account: PaperAccount; events: readonly PaperOrderEvent[] }) => {
    result.account = outcome.account;
    result.events.push(...outcome.events.map((event) => told(event, step)));
  };
  for (const [index, plain] of bars.entries()) {
    const step = index + 1 + lag;
    const now = new Date(plain.available_at);
    const isFunding = isPerpetual(setting) && now.getUTCMinutes() === 0 && now.getUTCHours() % 8 === 0;
    take(step - 1, onBar(result.account, isFunding ? { ...plain, funding_rate: fundingOf(setting) } : plain, now));
    for (const order of script) {
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
    for (const order of script.filter((scripted) => scripted.at === step)) {
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

const NUMBERS = ['fill_quantity', 'fill_price', 'fee'] as const;

const numbered = (event: Event) => ({
  ...event,
  ...Object.fromEntries(NUMBERS.map((field) => [field, Number(event[field])])),
});

/** Puts the calls among the expectations and takes the decimal strings of events and balances for numbers. */
export const withCalls = (document: GoldenDocument): GoldenDocument => ({
  ...document,
  cases: (document as OrderEvents).cases.map(({ name, calls, expected: { events, final } }) => {
    const { steps, cash, ...balances } = final;
    const amounts = Object.entries({ ...cash, ...balances }).map(([field, value]) => [field, Number(value)]);
    return {
      name,
      expected: { calls, events: events.map(numbered), final: { steps, ...Object.fromEntries(amounts) } },
      identities: { unexplained: '0' },
    };
  }),
});

function closing(account: PaperAccount) {
  const holding = account.holdings[MARKET];
  const balances = {
    USDT: account.cash.USDT ?? '0',
    BTC: account.cash.BTC ?? '0',
    total_value: equityOf(account),
    fees: account.fees_paid,
    net_profit: subtract(holding?.realised ?? '0', account.fees_paid),
    holding: holding?.quantity ?? '0',
    average_price: holding?.average_price ?? '0',
    unrealised: unrealisedProfit(account, MARKET),
  };
  return Object.fromEntries(Object.entries(balances).map(([field, value]) => [field, toNumber(value)]));
}

/** What of the change in value the account's own books do not explain, to the last digit. */
function unexplained(setting: string, cash: string, account: PaperAccount): string {
  const market = account.markets[MARKET];
  const holding = account.holdings[MARKET];
  if (!market || !holding) throw new Error('nothing was traded');
  const price = lastPrice(market);
  const unrealised = subtract(multiply(holding.quantity, price), holding.cost);
  const value = isPerpetual(setting) ? unrealised : multiply(account.cash.BTC ?? '0', price);
  const change = subtract(add(account.cash.USDT ?? '0', value), cash);
  return subtract(change, add(subtract(add(holding.realised, unrealised), holding.fees), holding.funding));
}

/** The paper account under the orders that LEAN was given: every call, order event and closing balance. */
export function orderEvents(document: GoldenDocument, folder: string) {
  const { script, bars_csv, cases } = document as OrderEvents;
  const cash = cashOf(document as OrderEvents);
  const bars = readTable(folder, bars_csv).map(barOf);
  return {
    cases: cases.map(({ setting }) => {
      const { account, calls, events } = play(setting, cash, script, bars);
      const steps = bars.length + lagOf(setting);
      return {
        expected: { calls, events: events.map(numbered), final: { steps, ...closing(account) } },
        identities: { unexplained: unexplained(setting, cash, account) },
      };
    }),
  };
}
