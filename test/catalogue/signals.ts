import { halt, reduce } from '#shared/control/control.ts';
import type { Document } from '#shared/document.ts';
import { changeInstrument } from '#shared/market/instrument-change.ts';
import { Books } from '#shared/position/schema.ts';
import { changeLimits } from '#shared/risk/limits-change.ts';
import { buy, type House, instant } from '../functions/push/house.ts';
import { report, reported } from '../functions/reconcile/theirs.ts';
import { bySignal, type Case, unreadable } from './case.ts';

/** Everything for which a signal is refused, at 100 a unit, with 100,000 in a book that is flat. */

const direction = (change: Document = {}, parameters: Document = {}): Document => ({
  event_type: 'quantconnect_signal',
  symbol: 'BTCUSDT',
  exchange: 'bybit',
  direction: 'long',
  size: 1,
  timestamp: instant(0),
  parameters: { position_sizing: 'fixed', ...parameters },
  ...change,
});
const ordered = (change: Document = {}): Document => ({
  symbol: 'BTCUSDT',
  action: 'BUY',
  quantity: 1,
  order_type: 'MARKET',
  timestamp: instant(0),
  ...change,
});
const proposal = (change: Document = {}): Document => ({
  symbol: 'BTCUSDT',
  exchange: 'bybit',
  intent: 'open',
  side: 'buy',
  quantity: 1,
  decision_at: instant(0),
  ...change,
});
const without = (raw: Document, ...names: string[]): Document =>
  Object.fromEntries(Object.entries(raw).filter(([name]) => !names.includes(name)));

/** Levels of objects in each other. */
const nested = (levels: number): Document => (levels === 0 ? {} : { in: nested(levels - 1) });
const limits = (fields: Document) => (of: House) => of.act(changeLimits('default', fields, 'test'));

/** Holds so many units, bought at 100. */
const holds = (quantity: string) => (of: House) =>
  report(of, 1, [reported({ id: 1, n: 1, at: instant(0), quantity })]).then(() => of.deliver('track'));

async function loses(of: House): Promise<void> {
  await holds('100')(of);
  of.bars.length = 0;
  of.to(1, '40');
}

async function fence(of: House): Promise<void> {
  const book = await of.store.get(Books, 'd-1');
  if (book === undefined) throw new Error('no book');
  const fenced = { ...book, fence: { reason: 'a difference', since: instant(0) } };
  await of.store.commit([{ collection: Books, id: 'd-1' }], () => ({
    put: [{ collection: 'books', id: 'd-1', document: fenced }],
    answer: undefined,
  }));
}

const MALFORMED: readonly (readonly [string, unknown])[] = [
  ['nothing', null],
  ['a number', 7],
  ['text', 'buy'],
  ['a list', [buy(0)]],
  ['an empty object', {}],
  ['no shape of any dialect', { nonsense: true }],
  ['no symbol', without(buy(0), 'symbol')],
  ['no action', without(buy(0), 'action')],
  ['no time', without(buy(0), 'timestamp')],
  ['a time without a zone', buy(0, { timestamp: '2026-01-05T12:00:00' })],
  ['a time of no calendar', buy(0, { timestamp: '2026-02-30T12:00:00Z' })],
  ['a quantity of zero', buy(0, { quantity: 0 })],
  ['a quantity below zero', buy(0, { quantity: -1 })],
  ['a quantity in words', buy(0, { quantity: 'all' })],
  ['a quantity of thirty digits', buy(0, { quantity: '1'.repeat(30) })],
  ['a symbol that is a path', buy(0, { symbol: '../../SWITCHES/GLOBAL' })],
  ['a symbol that is SQL', buy(0, { symbol: "X'; DROP TABLE DOCUMENTS;--" })],
  ['an exchange of two words', buy(0, { exchange: 'by bit' })],
  ['a confidence above one', buy(0, { confidence: 1.5 })],
  ['an algorithm that is a path', buy(0, { algorithm_id: '../alg' })],
  ['an id of a thousand letters', buy(0, { signal_id: 'x'.repeat(1_000) })],
  ['a stop of a hundred percent', buy(0, { stop_loss_pct: 100 })],
  ['a direction that is none', direction({ direction: 'sideways' })],
  ['an order type that is none', ordered({ order_type: 'ICEBERG' })],
  ['an intent that is none', proposal({ intent: 'hope' })],
  ['an open without a side', proposal({ order: 7 })],
  ['features that are a list', buy(0, { features: [1] })],
  ['lists in lists', buy(0, { features: { a: [[1]] } })],
  ['a field without a name', buy(0, { features: { '': 1 } })],
  ['a reserved name', buy(0, { extras: { __admin__: true } })],
  ['half a character', buy(0, { extras: { note: '\ud83d' } })],
  ['thirty levels', buy(0, { extras: nested(30) })],
  ['more bytes than a document holds', buy(0, { extras: { note: 'x'.repeat(70_000) } })],
];

const UNREADABLE: readonly Case[] = [
  ...MALFORMED.flatMap(([name, raw]) => unreadable('SIGNAL_MALFORMED', name, raw)),
  // An envelope does not even carry it.
  ...unreadable(
    'SIGNAL_MALFORMED',
    'a prototype',
    JSON.parse('{"__proto__":{"action":"buy"},"symbol":"BTCUSDT"}'),
  ).slice(1),
  ...unreadable('SIGNAL_FIELD_UNKNOWN', 'a field that nobody knows', buy(0, { colour: 'red' })),
  ...unreadable('SIGNAL_FIELD_UNKNOWN', 'a wish for rights', buy(0, { admin: true, accepted: true })),
  ...unreadable('SIGNAL_FIELD_UNKNOWN', 'a field of another dialect', direction({ action: 'buy' })),
  ...unreadable('SIGNAL_FIELD_UNKNOWN', 'one inside', proposal({ sizing: { mode: 'units', value: 1, cap: 2 } })),
  ...unreadable('SIGNAL_PROTECTION_AMBIGUOUS', 'two stops', buy(0, { stop_loss: 90, stop_loss_pct: 10 })),
  ...unreadable('SIGNAL_PROTECTION_AMBIGUOUS', 'two targets', buy(0, { take_profit: 120, take_profit_pct: 20 })),
  ...unreadable('SIGNAL_PROTECTION_AMBIGUOUS', 'among parameters', direction({}, { stop_loss: 90, stop_loss_pct: 10 })),
  ...unreadable('SIGNAL_ORDER_INCOMPLETE', 'a limit without a price', ordered({ order_type: 'LIMIT' })),
  ...unreadable('SIGNAL_ORDER_INCOMPLETE', 'a stop without a price', ordered({ order_type: 'STOP_LOSS' })),
  ...unreadable('SIGNAL_ORDER_INCOMPLETE', 'a market order with a price', ordered({ limit_price: 90 })),
  ...unreadable(
    'SIGNAL_ORDER_INCOMPLETE',
    'half a stop limit',
    direction({}, { entry_type: 'stop_limit', limit_price: 90 }),
  ),
  ...unreadable('SYMBOL_AMBIGUOUS', 'two exchanges list it and none is named', without(buy(0), 'exchange'), (of) =>
    of.instrument('BTCUSDT', {}, 'kraken'),
  ),
  ...unreadable(
    'ALGORITHM_FORBIDDEN',
    'it names another algorithm than its publisher',
    buy(0, { algorithm_id: 'other' }),
  ),
];

const SHAPE: readonly Case[] = [
  bySignal('SIGNAL_PROTECTION_WRONG_SIDE', 'a stop above the price of a buy', buy(0, { stop_loss: 110 })),
  bySignal('SIGNAL_PROTECTION_WRONG_SIDE', 'a stop at the price', buy(0, { stop_loss: 100 })),
  bySignal('SIGNAL_PROTECTION_WRONG_SIDE', 'a target below the price of a buy', buy(0, { take_profit: 90 })),
  bySignal('SIGNAL_SIZE_MISSING', 'a buy of nobody knows how much', without(buy(0), 'quantity')),
  bySignal('SIGNAL_SIZE_MISSING', 'a target without a quantity', proposal({ intent: 'target' })),
  bySignal('SIGNAL_SIZING_IMPOSSIBLE', 'risk without a stop', direction({}, { position_sizing: 'risk_based' })),
  bySignal('SIGNAL_INTENT_UNSUPPORTED', 'an amendment', proposal({ intent: 'amend', subject_signal_id: 'sig-1' })),
  bySignal('SIGNAL_INTENT_UNSUPPORTED', 'a cancellation', proposal({ intent: 'cancel', subject_signal_id: 'sig-1' })),
  bySignal('SIGNAL_HOLD', 'hold, in small letters', without(buy(0, { action: 'hold' }), 'quantity')),
  bySignal('SIGNAL_HOLD', 'HOLD, in large ones', ordered({ action: 'HOLD' })),
  {
    ...bySignal('SIGNAL_ID_REUSED', 'another quantity under one id', buy(0, { signal_id: 'mine', quantity: 2 })),
    given: (of) => of.submit(buy(0, { signal_id: 'mine' })),
    records: [],
  },
  {
    ...bySignal('SIGNAL_ID_REUSED', 'another stop in the same decision', buy(0, { stop_loss: 90 })),
    given: (of) => of.submit(buy(0)),
    records: [],
  },
  bySignal('SIGNAL_EXPIRED', 'valid until a minute ago', buy(0, { timestamp: instant(-5), valid_until: instant(-1) })),
  bySignal('SIGNAL_EXPIRED', 'valid until this very instant', buy(0, { valid_until: instant(0) })),
  bySignal('SIGNAL_EXPIRED', 'older than any signal may be', buy(0, { timestamp: instant(-61) })),
  bySignal('SIGNAL_FROM_FUTURE', 'decided in a minute', buy(1)),
  bySignal('SIGNAL_NOT_NEEDED', 'a sell of what is not held', buy(0, { action: 'sell' })),
  bySignal('SIGNAL_NOT_NEEDED', 'flat when flat', direction({ direction: 'flat' })),
  bySignal('SIGNAL_NOT_NEEDED', 'a target that is met', proposal({ intent: 'target', target_quantity: 0 })),
];

const MARKETS: readonly Case[] = [
  bySignal('SYMBOL_UNKNOWN', 'a symbol that is not in the map', buy(0, { symbol: 'NOBODY' })),
  bySignal('SYMBOL_UNKNOWN', 'a symbol of another exchange', buy(0, { exchange: 'kraken' })),
  bySignal('SYMBOL_UNKNOWN', 'one that no exchange lists', without(buy(0, { symbol: 'NOBODY' }), 'exchange')),
  bySignal('SYMBOL_DISABLED', 'a symbol that is switched off', buy(0), (of) =>
    of.act(changeInstrument('bybit', 'BTCUSDT', { enabled: false }, 'test')),
  ),
  bySignal(
    'SYMBOL_NOT_ALLOWED',
    'a symbol that the limits leave out',
    buy(0),
    limits({ allowed_symbols: ['bybit:ETHUSDT'] }),
  ),
  bySignal('SYMBOL_NOT_ALLOWED', 'any symbol when none is allowed', buy(0), limits({ allowed_symbols: [] })),
  bySignal('MARKET_NO_PRICE', 'a market that has no bar yet', buy(0, { symbol: 'ETHUSDT' }), (of) =>
    of.instrument('ETHUSDT'),
  ),
];

const RISKS: readonly Case[] = [
  bySignal('RISK_BELOW_MINIMUM', 'less than a lot', buy(0, { quantity: 0.0004 })),
  bySignal('RISK_POSITION_LIMIT', 'more than half of the equity', buy(0, { quantity: 501 })),
  bySignal(
    'RISK_POSITION_LIMIT',
    'a share above the limit',
    direction({ size: 51 }, { position_sizing: 'percent_of_equity' }),
  ),
  bySignal(
    'RISK_LEVERAGE_LIMIT',
    'more than the equity',
    buy(0, { quantity: 1_001 }),
    limits({ max_position_size_pct: '1000' }),
  ),
  bySignal('RISK_DAILY_LOSS_LIMIT', 'on the day of a loss', buy(1, { quantity: 1 }), loses),
  bySignal('RISK_SHORT_NOT_ALLOWED', 'short in one word', direction({ direction: 'short' })),
  bySignal('RISK_SHORT_NOT_ALLOWED', 'a target below zero', proposal({ intent: 'target', target_quantity: -1 })),
  bySignal('RISK_SHORT_NOT_ALLOWED', 'a sell beyond what is held', proposal({ side: 'sell', quantity: 2 }), holds('1')),
  bySignal('RISK_FENCED', 'new risk behind a fence', buy(0), fence),
  bySignal('CONTROL_HALTED', 'while trading is halted', buy(0), (of) => of.act(halt('stop', 'test'))),
  bySignal('CONTROL_REDUCING', 'new risk while reducing', buy(0), (of) => of.act(reduce('less', 'test'))),
];

export const SIGNALS: readonly Case[] = [...UNREADABLE, ...SHAPE, ...MARKETS, ...RISKS];
