import {
  type Amount,
  absolute,
  add,
  amount,
  divide,
  greater,
  isZero,
  multiply,
  negate,
  sign,
  subtract,
  towardZero,
} from '../amount.ts';
import { cancel, positionOf } from '../brokerage/account.ts';
import { lastPrice } from '../brokerage/market.ts';
import type { OrderRequest, PaperInstrument } from '../brokerage/schema.ts';
import { equityOf } from '../brokerage/valuation.ts';
import type { ProposedTrade } from '../strategy/schema.ts';
import { levelsOf, resize } from './protect.ts';
import { type Place, type Run, take, type Wanted } from './run.ts';
import type { Decision } from './schema.ts';
import { refuse, send } from './send.ts';
import { unitsOf } from './size.ts';

/** Sends what the strategy wants at a moment; opens that are sized by their fill wait for it. */
export function act(run: Run, trades: readonly ProposedTrade[], at: string): void {
  const place: Place = { at, now: new Date(at) };
  for (const trade of trades) {
    const market = trade.market ?? run.state.market ?? '';
    const { intent, side, reason, features } = trade;
    const record: Decision = { at, market, intent, side, reason, features: { ...features }, outcome: 'unfilled' };
    run.decisions.push(record);
    const seen = run.account.markets[market];
    const wanted: Wanted = { trade, market, record, price: seen === undefined ? '0' : lastPrice(seen) };
    if (seen === undefined) refuse(run, wanted, 'the market has no price yet');
    else if (intent === 'close') close(run, wanted, place);
    else if (run.settings.fill_timing === 'next_open' && run.settings.size_at === 'fill') run.waiting.push(wanted);
    else open(run, wanted, place);
  }
}

/** Units, or in words why there are none. */
type Units = { readonly units: Amount } | { readonly cause: string };

/** What a new position may be worth: in a cash account what is there, else what is not in use, times the leverage. */
function freeValue({ account, settings, instruments }: Run, instrument: PaperInstrument): Amount {
  if (settings.account_type === 'cash') return account.cash[instrument.currency] ?? '0';
  const used = [...instruments].map(([market, { leverage }]) => {
    const seen = account.markets[market];
    const held = absolute(positionOf(account, market));
    return seen === undefined || isZero(held) ? '0' : divide(multiply(held, lastPrice(seen)), leverage, 28);
  });
  return greater('0', multiply(subtract(equityOf(account), add('0', ...used)), instrument.leverage));
}

function opened(run: Run, wanted: Wanted): Units {
  const { trade, market } = wanted;
  const seen = run.account.markets[market];
  const instrument = run.instruments.get(market);
  if (seen === undefined || instrument === undefined) return { cause: 'the market is not traded here' };
  if (trade.side === 'sell' && !run.settings.allow_short && sign(positionOf(run.account, market)) <= 0)
    return { cause: 'short positions are not allowed' };
  const price = lastPrice(seen);
  const own = run.settings.markets.find(({ exchange, symbol }) => `${exchange}:${symbol}` === market);
  const units = unitsOf(run.settings, {
    instrument,
    market: seen,
    side: trade.side,
    price,
    equity: equityOf(run.account),
    free: freeValue(run, instrument),
    share: trade.share ?? 1,
    stop: levelsOf(run, wanted, price).stop,
    step: own?.quantity_step ?? instrument.lot_size,
  });
  return isZero(units) ? { cause: 'the size is less than one lot' } : { units };
}

/** Sizes an open at the last price and sends it. */
export function open(run: Run, wanted: Wanted, place: Place): void {
  const sized = opened(run, wanted);
  if ('cause' in sized) {
    refuse(run, wanted, sized.cause);
    return;
  }
  const { trade, market } = wanted;
  const { type, limit_price, stop_price } = trade.order;
  const request: OrderRequest = {
    market,
    type,
    quantity: sized.units,
    tag: trade.reason,
    ...(limit_price !== undefined && { limit_price }),
    ...(stop_price !== undefined && { stop_price }),
  };
  send(run, request, { role: 'entry', market, reason: trade.reason, decision: wanted }, place);
}

function closed(run: Run, { trade, market }: Wanted): Units {
  const held = positionOf(run.account, market);
  if (isZero(held)) return { cause: 'nothing is held' };
  if (isWhole(trade)) return { units: held };
  const lot = run.instruments.get(market)?.lot_size ?? '1';
  const units = towardZero(multiply(held, amount(trade.share ?? 1)), lot);
  return isZero(units) ? { cause: 'the share is less than one lot' } : { units };
}

const isWhole = ({ share = 1 }: ProposedTrade): boolean => share >= 1;

/**
 * Ends a share of what is held, at market. Entries that still wait are called off. A whole close joins the group of
 * the position's protection, so that only one of them fills; a part leaves the protection with the rest.
 */
function close(run: Run, wanted: Wanted, place: Place): void {
  const { trade, market } = wanted;
  callOff(run, market, place);
  const sized = closed(run, wanted);
  if ('cause' in sized) {
    refuse(run, wanted, sized.cause);
    return;
  }
  const request: OrderRequest = { market, type: 'market', quantity: negate(sized.units), tag: trade.reason };
  const protection = run.protections.get(market);
  if (!isWhole(trade)) resize(run, market, subtract(positionOf(run.account, market), sized.units), place);
  const grouped = isWhole(trade) && protection ? { ...request, group: protection.group } : request;
  send(run, grouped, { role: 'exit', market, reason: trade.reason, decision: wanted }, place);
}

function callOff(run: Run, market: string, place: Place): void {
  const waiting = run.waiting.filter((other) => other.market === market);
  run.waiting = run.waiting.filter((other) => other.market !== market);
  for (const wanted of waiting) refuse(run, wanted, 'closed before it was sent');
  for (const [id, sent] of [...run.sent])
    if (sent.market === market && sent.role === 'entry') take(run, cancel(run.account, id, place.now), place);
}
