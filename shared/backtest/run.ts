import { type Amount, absolute, add, amount, divide, isZero, multiply, sign, subtract } from '../amount.ts';
import { findOrder, onBar, openAccount, positionOf } from '../brokerage/account.ts';
import type { Step } from '../brokerage/event.ts';
import { isClosed } from '../brokerage/event.ts';
import { lastPrice } from '../brokerage/market.ts';
import type { AccountSettings, PaperAccount, PaperInstrument, PaperOrderEvent } from '../brokerage/schema.ts';
import { equityOf } from '../brokerage/valuation.ts';
import type { Bar } from '../market/schema.ts';
import type { ProposedTrade, Strategy, StrategyState, ToldFill } from '../strategy/schema.ts';
import { booked, emptyLedger, type Ledger, watched } from './ledger.ts';
import type { BacktestFill, BacktestSettings, Decision } from './schema.ts';
import { marketsOf } from './timeline.ts';

/** Why an order was sent. */
export interface Sent {
  readonly role: BacktestFill['role'];
  readonly market: string;
  readonly reason: string;
  /** The decision behind an entry or an exit. */
  readonly decision?: Wanted;
}

/** A decision with what became of it so far. */
export interface Wanted {
  readonly trade: ProposedTrade;
  readonly market: string;
  /** The last price when it was taken. */
  readonly price: Amount;
  readonly record: Decision;
}

/** The protection of a position: two orders of one group, by order id, and where they stand. */
export interface Protection {
  readonly group: string;
  readonly stop?: number;
  readonly take?: number;
  readonly levels: { readonly stop?: Amount | undefined; readonly take?: Amount | undefined };
}

/** What fills mean for protections: those of an entry ask for one, those of a protection end the rest of its entry. */
export interface Protecting {
  readonly protect: (run: Run, order_id: number, now: Date) => void;
  readonly renew: (run: Run, market: string, place: Place) => void;
}

/** A backtest on its way: everything that changes from one moment to the next. */
export interface Run {
  readonly settings: BacktestSettings;
  readonly strategy: Strategy;
  readonly instruments: ReadonlyMap<string, PaperInstrument>;
  account: PaperAccount;
  state: StrategyState;
  /** Opens that wait for the next open of their market to be sized. */
  waiting: Wanted[];
  readonly sent: Map<number, Sent>;
  readonly protections: Map<string, Protection>;
  readonly ledgers: Map<string, Ledger>;
  readonly decisions: Decision[];
  readonly fills: BacktestFill[];
  readonly equity: { at: string; account: Amount; gross: Amount; net: Amount; cash: PaperAccount['cash'] }[];
  readonly accrued_at: Map<string, string>;
  borrow: Amount;
  turnover: Amount;
  readonly protecting: Protecting;
}

function instrumentsOf(settings: BacktestSettings): Map<string, PaperInstrument> {
  const markets = marketsOf(settings);
  return new Map(
    settings.markets.map((of, index) => {
      const { exchange: _, symbol: __, quantity_step: ___, base_currency, minimum_quantity, ...rest } = of;
      const market = markets[index] ?? '';
      const share = of.max_volume_share ?? settings.max_volume_share;
      return [
        market,
        {
          ...rest,
          market,
          fee: of.fee ?? settings.fee,
          slippage: of.slippage ?? settings.slippage,
          can_update: true,
          ...(base_currency !== undefined && { base_currency }),
          ...(minimum_quantity !== undefined && { minimum_quantity }),
          ...(share !== undefined && { max_volume_share: share }),
        },
      ];
    }),
  );
}

export function begin(settings: BacktestSettings, strategy: Strategy, protecting: Protecting): Run {
  const instruments = instrumentsOf(settings);
  const account: AccountSettings = {
    account_type: settings.account_type,
    currency: settings.currency,
    cash: { [settings.currency]: settings.initial_capital },
    instruments: [...instruments.values()],
    fill_timing: settings.fill_timing,
  };
  return {
    settings,
    strategy,
    instruments,
    account: openAccount(account),
    state: strategy.start(settings.strategy.parameters),
    waiting: [],
    sent: new Map(),
    protections: new Map(),
    ledgers: new Map(),
    decisions: [],
    fills: [],
    equity: [],
    accrued_at: new Map(),
    borrow: '0',
    turnover: '0',
    protecting,
  };
}

/** Where in time a call to the account stands: `at` is when its fills happened, `now` what the account is told. */
export interface Place {
  readonly at: string;
  readonly now: Date;
  readonly bar?: { readonly index: number; readonly open: Amount };
}

/** Takes what a call to the account did: books the fills and tells the strategy. */
export function take(run: Run, { account, events }: Step, place: Place): void {
  run.account = account;
  const ended = new Set<string>();
  for (const event of events) {
    const role = isZero(event.fill_quantity) ? undefined : run.sent.get(event.order_id)?.role;
    if (role === 'stop_loss' || role === 'take_profit') ended.add(event.market);
    takeEvent(run, event, place);
  }
  for (const market of ended) run.protecting.renew(run, market, place);
}

function takeEvent(run: Run, event: PaperOrderEvent, place: Place): void {
  const sent = run.sent.get(event.order_id);
  const order = findOrder(run.account, event.order_id);
  if (sent === undefined || order === undefined) return;
  if (!isZero(event.fill_quantity)) bookFill(run, event, sent, place);
  if (!isZero(event.fill_quantity) && sent.role === 'entry') run.protecting.protect(run, event.order_id, place.now);
  if (!isClosed(event.status)) return;
  run.sent.delete(event.order_id);
  const { decision } = sent;
  if (decision === undefined) return;
  const executed = !isZero(order.filled_quantity);
  decision.record.outcome = executed ? 'filled' : 'refused';
  if (!executed) decision.record.cause = event.message;
  end(run, decision, executed);
}

/** Tells the strategy the end of what it proposed. */
export function end(run: Run, { trade, market }: Wanted, executed: boolean): void {
  const { intent, decision_at } = trade;
  run.state = run.strategy.on_signal_ended(run.state, { market, intent, decision_at, executed });
}

const LEGS = { entry: 'E', exit: 'X', stop_loss: 'S', take_profit: 'T' } as const;

function bookFill(run: Run, event: PaperOrderEvent, sent: Sent, { at, bar }: Place): void {
  const { market, order_id, fill_quantity: quantity, fill_price: price } = event;
  const { role, reason } = sent;
  const instrument = run.instruments.get(market);
  const charged = event.fee ?? { amount: '0', currency: '' };
  const inCoin = charged.currency === instrument?.base_currency;
  const fee = inCoin ? multiply(charged.amount, price) : charged.amount;
  run.fills.push({ order_id, market, at, role, quantity, price, fee, reason });
  run.turnover = add(run.turnover, multiply(absolute(quantity), price));
  const fill = {
    market,
    order_id,
    at,
    bar: bar?.index ?? 0,
    open: bar?.open ?? price,
    quantity,
    price,
    fee,
    reason,
    exit_reason: role === 'stop_loss' || role === 'take_profit' ? role : ('signal' as const),
  };
  run.ledgers.set(market, booked(run.ledgers.get(market) ?? emptyLedger, fill));
  const told: ToldFill = { event_id: `${order_id}-${event.event}`, market, quantity, price, leg: LEGS[role] };
  run.state = run.strategy.on_order_filled(run.state, told);
}

/** The bar as it stands at its first trade: all that is known then. */
const opening = (bar: Bar): Bar => ({ ...bar, high: bar.open, low: bar.open, close: bar.open });

/** The account sees a bar begin: market orders fill, and stops and limits that the open is beyond. */
export function seeOpen(run: Run, bar: Bar, index: number): void {
  const place = { at: bar.start, now: new Date(bar.start), bar: { index, open: bar.open } };
  take(run, onBar(run.account, opening(bar), new Date(bar.available_at)), place);
}

/** The account sees a whole bar, at its end. */
export function seeEnd(run: Run, market: string, bar: Bar, index: number): void {
  const now = new Date(bar.available_at);
  take(run, onBar(run.account, bar, now), { at: bar.available_at, now, bar: { index, open: bar.open } });
  run.ledgers.set(market, watched(run.ledgers.get(market) ?? emptyLedger, bar));
}

const YEAR_MS = 365 * 86_400_000;

/** Charges the borrow of a short position for the time since it was last charged. */
export function chargeBorrow(run: Run, market: string, at: string): void {
  const since = run.accrued_at.get(market);
  const rate = run.settings.borrow_rate_annual;
  const seen = run.account.markets[market];
  run.accrued_at.set(market, at);
  const held = positionOf(run.account, market);
  if (rate === undefined || since === undefined || seen === undefined || sign(held) >= 0) return;
  const elapsed = amount(Date.parse(at) - Date.parse(since));
  const cost = divide(multiply(subtract('0', held), lastPrice(seen), rate, elapsed), amount(YEAR_MS), 12);
  const { currency } = run.settings;
  run.borrow = add(run.borrow, cost);
  const cash = { ...run.account.cash, [currency]: subtract(run.account.cash[currency] ?? '0', cost) };
  run.account = { ...run.account, cash };
}

/** Notes the equity; false once nothing is left. While nothing is held and no cash moves, it stands still. */
export function note(run: Run, at: string): boolean {
  const { account } = run;
  const values = [...run.instruments.keys()].flatMap((market) => {
    const [seen, held] = [account.markets[market], positionOf(account, market)];
    return seen === undefined || held === '0' ? [] : [multiply(held, lastPrice(seen))];
  });
  const before = run.equity.at(-1);
  const stands = values.length === 0 && before?.cash === account.cash && before.gross === '0';
  const level = stands ? before.account : equityOf(account);
  const gross = values.length === 0 ? '0' : add(...values.map(absolute));
  const net = values.length === 0 ? '0' : add(...values);
  run.equity.push({ at, account: level, gross, net, cash: account.cash });
  return sign(level) > 0;
}
