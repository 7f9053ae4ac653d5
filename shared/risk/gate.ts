import { type Amount, absolute, add, compare, divide, isZero, multiply, sign, subtract } from '../amount.ts';
import { permits } from '../control/control.ts';
import type { Switch } from '../control/schema.ts';
import { type Instrument, instrumentId } from '../market/schema.ts';
import { equityOf, openingEquity } from '../position/position.ts';
import type { Book } from '../position/schema.ts';
import type { ReasonCode } from '../signal/reason.ts';
import type { GateResult, Proposal, Side, Verdict } from '../signal/schema.ts';
import type { Limits } from './schema.ts';
import { expectedPosition, type Move, type Trade, tradeOf } from './trade.ts';

export { expectedPosition } from './trade.ts';

/**
 * The one gate. Every proposal passes all of its checks, in this order, and every verdict lists them all: a check
 * that could not be made for want of an earlier one says so. Checks of risk are made in each book by itself and let
 * pass what lowers risk there: a signal after which the position is smaller and on no other side.
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
  /** At which it is expected to fill. */
  readonly price?: Amount;
  /** The last price known at the decision. */
  readonly reference_price?: Amount;
  readonly position_before?: Amount;
  readonly position_after?: Amount;
  /** Signed units that it trades, by deployment. */
  readonly changes: Readonly<Record<string, Amount>>;
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
    { gate: 'size', ...sizeCheck(trade, instrument) },
    { gate: 'control', ...controlCheck(context.control, trade.lowersRisk) },
    { gate: 'short', ...shortCheck(trade, limits) },
    { gate: 'fence', ...fenceCheck(context.books, trade) },
    { gate: 'position_limit', ...eachBook(context, trade, positionCheck) },
    { gate: 'leverage', ...eachBook(context, trade, leverageCheck) },
    { gate: 'daily_loss', ...eachBook(context, trade, dailyLossCheck) },
  ];
  const first = gates.find((gate) => gate.code !== undefined);
  const accepted = gates.every((gate) => gate.passed);
  return {
    verdict: { accepted, ...(first?.code === undefined ? {} : { code: first.code }), gates },
    valid_until,
    ...partsOf(trade),
  };
}

/** What is known of the trade, without members that are not. */
function partsOf({
  market,
  last,
  price,
  sized,
  quantity,
  before,
  after,
  moves,
}: Trade): Omit<Judgement, 'verdict' | 'valid_until'> {
  return {
    ...(market === undefined ? {} : { market }),
    ...(price === undefined ? {} : { price }),
    ...(last === undefined ? {} : { reference_price: last }),
    ...(sized?.ok && quantity !== undefined && !isZero(quantity) ? { side: sized.side, quantity } : {}),
    ...(before === undefined ? {} : { position_before: before }),
    ...(after === undefined ? {} : { position_after: after }),
    changes: Object.fromEntries(moves.map(({ book, change }) => [book.deployment_id, change])),
  };
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
  const limit = later(now.toISOString(), limits.max_clock_skew_ms);
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

function sizeCheck({ sized, quantity }: Trade, instrument: Instrument | undefined): Check {
  if (instrument === undefined) return unknown('the symbol is unknown');
  if (sized === undefined || quantity === undefined) {
    if (sized === undefined || sized.ok) return unknown('there is no price');
    return refuse(sized.code, sized.detail === undefined ? {} : { detail: sized.detail });
  }
  const limit = instrument.minimum_quantity;
  return isZero(quantity) || compare(quantity, limit) < 0
    ? refuse('RISK_BELOW_MINIMUM', { value: quantity, limit })
    : pass({ value: quantity });
}

/** Protection must lie around the entry: for a long the stop below and the target above, for a short mirrored. */
function protectionCheck({ protect, intent }: Proposal, { price, sized, after }: Trade): Check {
  if (price === undefined || after === undefined || !sized?.ok || intent === 'close') return pass();
  const way = intent === 'target' ? sign(after) : sized.side === 'buy' ? 1 : -1;
  if (way === 0) return pass();
  const { stop_loss, take_profit, take_profit_pct } = protect;
  const wrong = (detail: string, value: Amount, limit: Amount) =>
    refuse('SIGNAL_PROTECTION_WRONG_SIDE', { detail, value, limit });
  if (stop_loss !== undefined && compare(stop_loss, price) !== -way) return wrong('stop_loss', stop_loss, price);
  if (take_profit !== undefined && compare(take_profit, price) !== way) return wrong('take_profit', take_profit, price);
  const isBelowZero = way < 0 && take_profit_pct !== undefined && compare(take_profit_pct, '100') >= 0;
  return isBelowZero ? wrong('take_profit_pct', take_profit_pct, '100') : pass();
}

function controlCheck(control: Switch | undefined, lowersRisk: boolean): Check {
  const value = control?.state ?? 'halted';
  const answer = permits(control, lowersRisk);
  return answer.permitted ? pass({ value }) : refuse(answer.code, { value });
}

function shortCheck({ after, moves }: Trade, limits: Limits): Check {
  if (after === undefined) return unknown('there is no size');
  const short = moves.find(({ furthest, lowersRisk }) => sign(furthest) < 0 && !lowersRisk);
  if (limits.allow_short || (short === undefined && (moves.length > 0 || sign(after) >= 0)))
    return pass({ value: after });
  return refuse('RISK_SHORT_NOT_ALLOWED', { value: short?.furthest ?? after });
}

function fenceCheck(books: readonly Book[], { moves, lowersRisk }: Trade): Check {
  const isHarmless = (book: Book): boolean => lowersRisk || moves.some((move) => move.book === book && move.lowersRisk);
  const fenced = books.find((book) => book.fence !== undefined && !isHarmless(book));
  if (fenced === undefined) return pass();
  return refuse('RISK_FENCED', { detail: fenced.deployment_id, value: fenced.fence?.reason ?? '' });
}

type BookCheck = (move: Move, market: string, context: GateContext) => Check;

/** A check that each book must pass: the first refusal, or the last pass. */
function eachBook(context: GateContext, { market, after, moves }: Trade, check: BookCheck): Check {
  if (market === undefined || after === undefined) return unknown('there is no size');
  const results = moves.map((move) => {
    const result = check(move, market, context);
    return move.lowersRisk && !result.passed ? pass({ detail: 'lowers risk', ...valuesOf(result) }) : result;
  });
  return results.find((result) => !result.passed) ?? results.at(-1) ?? pass({ detail: 'no book holds it' });
}

const valuesOf = ({ value, limit }: Check): Partial<Check> => ({
  ...(value === undefined ? {} : { value }),
  ...(limit === undefined ? {} : { limit }),
});

const positionCheck: BookCheck = ({ book, exposure }, _market, { limits, prices }) => {
  const { equity } = equityOf(book, prices);
  const limit = limits.max_position_size_pct;
  if (sign(equity) <= 0) return refuse('RISK_POSITION_LIMIT', { detail: 'equity is not above zero', limit });
  const value = divide(multiply(exposure, '100'), equity, 4);
  return compare(multiply(exposure, '100'), multiply(limit, equity)) <= 0
    ? pass({ value, limit })
    : refuse('RISK_POSITION_LIMIT', { value, limit });
};

const leverageCheck: BookCheck = ({ book, exposure }, market, { limits, prices }) => {
  const { equity } = equityOf(book, prices);
  const limit = limits.max_portfolio_leverage;
  if (sign(equity) <= 0) return refuse('RISK_LEVERAGE_LIMIT', { detail: 'equity is not above zero', limit });
  const markets = new Set([...Object.keys(book.positions), ...Object.values(book.pending).map((one) => one.market)]);
  markets.delete(market);
  const gross = add(exposure, ...[...markets].map((one) => heldValue(book, one, prices[one])));
  const value = divide(gross, equity, 4);
  return compare(gross, multiply(limit, equity)) <= 0
    ? pass({ value, limit })
    : refuse('RISK_LEVERAGE_LIMIT', { value, limit });
};

/** What is expected to be held of another market; without a price, at its cost and at the prices of what is pending. */
function heldValue(book: Book, market: string, price: Amount | undefined): Amount {
  if (price !== undefined) return multiply(absolute(expectedPosition(book, market)), price);
  const pending = Object.values(book.pending).filter((one) => one.market === market);
  return add(absolute(book.positions[market]?.cost ?? '0'), ...pending.map((one) => multiply(one.quantity, one.price)));
}

const dailyLossCheck: BookCheck = ({ book }, _market, { limits, prices, now }) => {
  const opening = openingEquity(book, now);
  const limit = limits.max_daily_loss_pct;
  if (sign(opening) <= 0) return refuse('RISK_DAILY_LOSS_LIMIT', { detail: 'equity is not above zero', limit });
  const loss = subtract(opening, equityOf(book, prices).equity);
  const value = divide(multiply(loss, '100'), opening, 4);
  return compare(multiply(loss, '100'), multiply(limit, opening)) < 0
    ? pass({ value, limit })
    : refuse('RISK_DAILY_LOSS_LIMIT', { value, limit });
};

const lesserTime = (a: string, b: string): string => (a < b ? a : b);

/** The last moment that an ISO instant of four-digit years can name. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const later = (instant: string, ms: number): string =>
  new Date(Math.min(Date.parse(instant) + ms, LAST_MS)).toISOString();
