import {
  type Amount,
  absolute,
  add,
  compare,
  divide,
  isZero,
  multiply,
  negate,
  sign,
  subtract,
  towardZero,
} from '../amount.ts';
import { permits } from '../control/control.ts';
import type { Switch } from '../control/schema.ts';
import { type Instrument, instrumentId } from '../market/schema.ts';
import { equityOf, openingEquity } from '../position/position.ts';
import type { Book } from '../position/schema.ts';
import type { ReasonCode } from '../signal/reason.ts';
import type { GateResult, Proposal, Side, Verdict } from '../signal/schema.ts';
import type { Limits } from './schema.ts';
import { sizeOf } from './size.ts';

/**
 * The one gate. Every proposal passes all of its checks, in this order, and every verdict lists them all: a check
 * that could not be made for want of an earlier one says so. Checks of risk let pass what lowers risk: a signal
 * after which the position is smaller and on no other side.
 */
export interface GateContext {
  readonly now: Date;
  readonly limits: Limits;
  readonly control: Switch | undefined;
  /** The instrument that the proposal names; undefined when the map has none. */
  readonly instrument: Instrument | undefined;
  /** The last price known, by market. */
  readonly prices: Readonly<Record<string, Amount>>;
  /** The books of the deployments that would execute it. */
  readonly books: readonly Book[];
}

export interface Judgement {
  readonly verdict: Verdict;
  /** When the signal ends: its own valid_until, or its decision plus the longest age allowed. */
  readonly valid_until: string;
  readonly market?: string;
  readonly side?: Side;
  readonly quantity?: Amount;
  readonly price?: Amount;
  readonly position_before?: Amount;
  readonly position_after?: Amount;
}

type Check = Omit<GateResult, 'gate'>;
const pass = (detail?: Partial<Check>): Check => ({ passed: true, ...detail });
const refuse = (code: ReasonCode, detail?: Partial<Check>): Check => ({ passed: false, code, ...detail });
const unknown = (why: string): Check => ({ passed: false, detail: `not judged: ${why}` });

export function judge(proposal: Proposal, context: GateContext): Judgement {
  const { limits, now, instrument } = context;
  const valid_until = proposal.valid_until ?? later(proposal.decision_at, limits.max_signal_age_ms);
  const trade = tradeOf(proposal, context);
  const gates: GateResult[] = [
    { gate: 'intent', ...intentCheck(proposal) },
    { gate: 'expiry', ...expiryCheck(proposal, valid_until, limits, now) },
    { gate: 'clock', ...clockCheck(proposal, limits, now) },
    { gate: 'symbol', ...symbolCheck(instrument) },
    { gate: 'allowed_symbols', ...allowedCheck(instrument, limits) },
    { gate: 'price', ...(trade.price === undefined ? refuse('MARKET_NO_PRICE') : pass({ value: trade.price })) },
    { gate: 'protection', ...protectionCheck(proposal, trade) },
    { gate: 'size', ...trade.size },
    { gate: 'control', ...controlCheck(context.control, trade.lowersRisk) },
    { gate: 'short', ...shortCheck(trade, limits) },
    { gate: 'fence', ...fenceCheck(context.books, trade.lowersRisk) },
    { gate: 'position_limit', ...eachBook(context, trade, positionCheck) },
    { gate: 'leverage', ...eachBook(context, trade, leverageCheck) },
    { gate: 'daily_loss', ...eachBook(context, trade, dailyLossCheck) },
  ];
  const first = gates.find((gate) => gate.code !== undefined);
  const accepted = gates.every((gate) => gate.passed);
  const { price, market, side, quantity, before, after } = trade;
  return {
    verdict: { accepted, ...(first?.code === undefined ? {} : { code: first.code }), gates },
    valid_until,
    ...(market === undefined ? {} : { market }),
    ...(price === undefined ? {} : { price }),
    ...(quantity === undefined || side === undefined ? {} : { side, quantity }),
    ...(before === undefined ? {} : { position_before: before }),
    ...(after === undefined ? {} : { position_after: after }),
  };
}

/** What the proposal comes to in this context, as far as it can be known. */
interface Trade {
  readonly market: string | undefined;
  readonly price: Amount | undefined;
  readonly size: Check;
  readonly side: Side | undefined;
  readonly quantity: Amount | undefined;
  readonly before: Amount | undefined;
  readonly after: Amount | undefined;
  readonly lowersRisk: boolean;
}

function tradeOf(proposal: Proposal, context: GateContext): Trade {
  const { instrument, prices, books } = context;
  const market = instrument && instrumentId(instrument.exchange, instrument.symbol);
  const price = market === undefined ? undefined : (proposal.order.limit_price ?? prices[market]);
  const book = smallest(books, prices);
  const before = market === undefined ? undefined : ((book && expectedPosition(book, market)) ?? '0');
  const none = { market, price, before, after: undefined, side: undefined, quantity: undefined, lowersRisk: false };
  if (instrument === undefined || price === undefined || before === undefined) {
    return { ...none, size: unknown(instrument === undefined ? 'the symbol is unknown' : 'there is no price') };
  }
  const equity = book === undefined ? undefined : equityOf(book, prices).equity;
  const sized = sizeOf(proposal, { price, equity, position: before });
  if (!sized.ok)
    return { ...none, size: refuse(sized.code, sized.detail === undefined ? {} : { detail: sized.detail }) };
  const quantity = towardZero(sized.quantity, instrument.lot_size);
  const after = add(before, sized.side === 'buy' ? quantity : negate(quantity));
  const lowersRisk =
    !isZero(quantity) && sign(after) !== -sign(before) && compare(absolute(after), absolute(before)) < 0;
  const size =
    compare(quantity, instrument.minimum_quantity) < 0 || isZero(quantity)
      ? refuse('RISK_BELOW_MINIMUM', { value: quantity, limit: instrument.minimum_quantity })
      : pass({ value: quantity });
  return {
    market,
    price,
    before,
    after,
    side: sized.side,
    quantity: isZero(quantity) ? undefined : quantity,
    lowersRisk,
    size,
  };
}

/** The position that the book expects once everything that is pending has filled. */
export function expectedPosition(book: Book, market: string): Amount {
  const pending = Object.values(book.pending).filter((one) => one.market === market);
  const signed = pending.map((one) => (one.side === 'buy' ? one.quantity : negate(one.quantity)));
  return add(book.positions[market]?.quantity ?? '0', ...signed);
}

/** The book with the least equity: what it can bear, all can. */
function smallest(books: readonly Book[], prices: GateContext['prices']): Book | undefined {
  return books.reduce<Book | undefined>(
    (least, book) =>
      least === undefined || compare(equityOf(book, prices).equity, equityOf(least, prices).equity) < 0 ? book : least,
    undefined,
  );
}

function intentCheck({ intent }: Proposal): Check {
  if (intent === 'amend' || intent === 'cancel') return refuse('SIGNAL_INTENT_UNSUPPORTED', { value: intent });
  return intent === 'hold' ? refuse('SIGNAL_HOLD') : pass({ value: intent });
}

function expiryCheck(proposal: Proposal, valid_until: string, limits: Limits, now: Date): Check {
  const oldest = later(proposal.decision_at, limits.max_signal_age_ms);
  const limit =
    proposal.valid_until === undefined || proposal.strategy_id !== undefined
      ? valid_until
      : lesserTime(valid_until, oldest);
  const value = now.toISOString();
  return value < limit ? pass({ value, limit }) : refuse('SIGNAL_EXPIRED', { value, limit });
}

function clockCheck(proposal: Proposal, limits: Limits, now: Date): Check {
  const limit = new Date(now.getTime() + limits.max_clock_skew_ms).toISOString();
  const value = proposal.decision_at;
  return value <= limit ? pass({ value, limit }) : refuse('SIGNAL_FROM_FUTURE', { value, limit });
}

function symbolCheck(instrument: Instrument | undefined): Check {
  if (instrument === undefined) return refuse('SYMBOL_UNKNOWN');
  const value = instrumentId(instrument.exchange, instrument.symbol);
  return instrument.enabled ? pass({ value }) : refuse('SYMBOL_DISABLED', { value });
}

function allowedCheck(instrument: Instrument | undefined, limits: Limits): Check {
  if (limits.allowed_symbols === undefined) return pass();
  if (instrument === undefined) return unknown('the symbol is unknown');
  const value = instrumentId(instrument.exchange, instrument.symbol);
  return limits.allowed_symbols.includes(value) ? pass({ value }) : refuse('SYMBOL_NOT_ALLOWED', { value });
}

function protectionCheck({ protect, intent }: Proposal, { price, side }: Trade): Check {
  if (price === undefined || side === undefined || intent === 'close') return pass();
  const way = side === 'buy' ? 1 : -1;
  const { stop_loss, take_profit } = protect;
  if (stop_loss !== undefined && compare(stop_loss, price) !== -way) {
    return refuse('SIGNAL_PROTECTION_WRONG_SIDE', { detail: 'stop_loss', value: stop_loss, limit: price });
  }
  if (take_profit !== undefined && compare(take_profit, price) !== way) {
    return refuse('SIGNAL_PROTECTION_WRONG_SIDE', { detail: 'take_profit', value: take_profit, limit: price });
  }
  return pass();
}

function controlCheck(control: Switch | undefined, lowersRisk: boolean): Check {
  const value = control?.state ?? 'halted';
  const answer = permits(control, lowersRisk);
  return answer.permitted ? pass({ value }) : refuse(answer.code, { value });
}

function shortCheck({ after, lowersRisk }: Trade, limits: Limits): Check {
  if (after === undefined) return unknown('there is no size');
  return sign(after) >= 0 || limits.allow_short || lowersRisk
    ? pass({ value: after })
    : refuse('RISK_SHORT_NOT_ALLOWED', { value: after });
}

function fenceCheck(books: readonly Book[], lowersRisk: boolean): Check {
  const fenced = books.find((book) => book.fence !== undefined);
  if (fenced === undefined || lowersRisk) return pass();
  return refuse('RISK_FENCED', { detail: fenced.deployment_id, value: fenced.fence?.reason ?? '' });
}

type BookCheck = (book: Book, trade: { market: string; price: Amount; after: Amount }, context: GateContext) => Check;

/** A check that each book must pass: the first refusal, or the last pass. */
function eachBook(context: GateContext, trade: Trade, check: BookCheck): Check {
  const { market, price, after } = trade;
  if (market === undefined || price === undefined || after === undefined) return unknown('there is no size');
  const results = context.books.map((book) => {
    const result = check(book, { market, price, after }, context);
    return trade.lowersRisk && !result.passed ? pass({ detail: 'lowers risk', ...valuesOf(result) }) : result;
  });
  return results.find((result) => !result.passed) ?? results.at(-1) ?? pass({ detail: 'no book holds it' });
}

const valuesOf = ({ value, limit }: Check): Partial<Check> => ({
  ...(value === undefined ? {} : { value }),
  ...(limit === undefined ? {} : { limit }),
});

const positionCheck: BookCheck = (book, { price, after }, { limits, prices }) => {
  const { equity } = equityOf(book, prices);
  const limit = limits.max_position_size_pct;
  if (sign(equity) <= 0) return refuse('RISK_POSITION_LIMIT', { detail: 'equity is not above zero', limit });
  const exposure = multiply(absolute(after), price, '100');
  const value = divide(exposure, equity, 4);
  return compare(exposure, multiply(limit, equity)) <= 0
    ? pass({ value, limit })
    : refuse('RISK_POSITION_LIMIT', { value, limit });
};

const leverageCheck: BookCheck = (book, { market, price, after }, { limits, prices }) => {
  const { equity } = equityOf(book, prices);
  const limit = limits.max_portfolio_leverage;
  if (sign(equity) <= 0) return refuse('RISK_LEVERAGE_LIMIT', { detail: 'equity is not above zero', limit });
  const markets = new Set([...Object.keys(book.positions), ...Object.values(book.pending).map((one) => one.market)]);
  markets.delete(market);
  const others = [...markets].map((one) => multiply(absolute(expectedPosition(book, one)), prices[one] ?? '0'));
  const gross = add(multiply(absolute(after), price), ...others);
  const value = divide(gross, equity, 4);
  return compare(gross, multiply(limit, equity)) <= 0
    ? pass({ value, limit })
    : refuse('RISK_LEVERAGE_LIMIT', { value, limit });
};

const dailyLossCheck: BookCheck = (book, _trade, { limits, prices, now }) => {
  const opening = openingEquity(book, now);
  const limit = limits.max_daily_loss_pct;
  if (sign(opening) <= 0) return refuse('RISK_DAILY_LOSS_LIMIT', { detail: 'equity is not above zero', limit });
  const loss = subtract(opening, equityOf(book, prices).equity);
  const value = divide(multiply(loss, '100'), opening, 4);
  return compare(multiply(loss, '100'), multiply(limit, opening)) < 0
    ? pass({ value, limit })
    : refuse('RISK_DAILY_LOSS_LIMIT', { value, limit });
};

const later = (instant: string, ms: number): string => new Date(Date.parse(instant) + ms).toISOString();
const lesserTime = (a: string, b: string): string => (a < b ? a : b);
