import { describe, expect, it } from 'vitest';
import { canonical } from '#shared/digest.ts';
import { normalise } from '#shared/signal/dialect.ts';
import type { Proposal } from '#shared/signal/schema.ts';

const SEED_000 = {
  symbol: 'BTCUSD',
  exchange: 'bybit',
  timestamp: '2023-06-01T12:00:00Z',
  action: 'buy',
  quantity: 0.5,
  confidence: 0.85,
  stop_loss: 26500.0,
  take_profit: 28500.0,
  signal_id: 'sig-abc-123',
  model_id: 'model-xyz-789',
  features: { volatility: 0.023, trend_strength: 0.75 },
};
const SEED_001 = {
  event_type: 'quantconnect_signal',
  algorithm_id: 'momentum-strategy-v2',
  deployment_id: 'd23e4567-e89b-12d3-a456-426614174012',
  symbol: 'BTCUSDT',
  direction: 'long',
  size: 1.0,
  timestamp: '2024-03-24T10:15:00Z',
  parameters: { entry_type: 'market', position_sizing: 'risk_based', stop_loss_pct: 2.0, take_profit_pct: 6.0 },
};
const SEED_004 = {
  symbol: 'AAPL',
  action: 'BUY',
  quantity: 10,
  order_type: 'LIMIT',
  limit_price: 187.5,
  timestamp: '2024-01-05T15:30:00+00:00',
};

function read(raw: unknown, algorithm_id: string | undefined = 'alg'): Proposal {
  const result = normalise(raw, algorithm_id);
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.proposal;
}
const refusal = (raw: unknown, algorithm_id: string | undefined = 'alg') => {
  const result = normalise(raw, algorithm_id);
  return result.ok ? 'accepted' : { code: result.code, paths: result.issues.map((one) => one.path) };
};

describe('the founding messages keep every field', () => {
  it('000-40, an action', () => {
    expect(read(SEED_000)).toEqual({
      algorithm_id: 'alg',
      producer_signal_id: 'sig-abc-123',
      model_id: 'model-xyz-789',
      exchange: 'bybit',
      symbol: 'BTCUSD',
      intent: 'open',
      side: 'buy',
      direction: 'long',
      sizing: { mode: 'units', value: '0.5' },
      order: { type: 'market', time_in_force: 'gtc' },
      protect: { stop_loss: '26500', take_profit: '28500' },
      decision_at: '2023-06-01T12:00:00.000Z',
      confidence: 0.85,
      test: false,
      features: { volatility: 0.023, trend_strength: 0.75 },
      parameters: {},
      extras: {},
    });
  });

  it('001-23, a direction', () => {
    expect(read(SEED_001, 'momentum-strategy-v2')).toEqual({
      algorithm_id: 'momentum-strategy-v2',
      symbol: 'BTCUSDT',
      intent: 'open',
      side: 'buy',
      direction: 'long',
      sizing: { mode: 'risk_based', value: '1' },
      order: { type: 'market', time_in_force: 'gtc' },
      protect: { stop_loss_pct: '2', take_profit_pct: '6' },
      decision_at: '2024-03-24T10:15:00.000Z',
      test: false,
      features: {},
      parameters: {},
      extras: { deployment_id: 'd23e4567-e89b-12d3-a456-426614174012' },
    });
  });

  it('004-05, an order', () => {
    expect(read(SEED_004)).toEqual({
      algorithm_id: 'alg',
      symbol: 'AAPL',
      intent: 'open',
      side: 'buy',
      direction: 'long',
      sizing: { mode: 'units', value: '10' },
      order: { type: 'limit', limit_price: '187.5', time_in_force: 'gtc' },
      protect: {},
      decision_at: '2024-01-05T15:30:00.000Z',
      test: false,
      features: {},
      parameters: {},
      extras: {},
    });
  });
});

const at = { symbol: 'BTCUSDT', exchange: 'bybit' };
const TIME = '2026-03-02T14:30:00.000Z';
const protect = { stop_loss_pct: '2', take_profit: '70000' };
const EQUIVALENT: readonly [string, readonly unknown[]][] = [
  [
    'a market buy',
    [
      { ...at, timestamp: TIME, action: 'buy', quantity: 0.5 },
      { ...at, timestamp: TIME, action: 'BUY', quantity: '0.50', order_type: 'MARKET', limit_price: null },
      { ...at, timestamp: TIME, event_type: 'quantconnect_signal', direction: 'long', size: 0.5 },
      { ...at, decision_at: TIME, intent: 'open', side: 'buy', quantity: '0.500' },
      { ...at, decision_at: TIME, intent: 'open', side: 'buy', sizing: { mode: 'units', value: 0.5 } },
      { symbol: 'btcusdt', exchange: 'Bybit', timestamp: '2026-03-02T09:30:00-05:00', action: 'buy', quantity: 5e-1 },
    ],
  ],
  [
    'a protected buy',
    [
      { ...at, timestamp: TIME, action: 'buy', quantity: 1, stop_loss_pct: 2, take_profit: 70000 },
      {
        ...at,
        timestamp: TIME,
        event_type: 'quantconnect_signal',
        direction: 'long',
        size: 1,
        parameters: { position_sizing: 'fixed', stop_loss_pct: 2.0, take_profit: '70000.00' },
      },
      { ...at, decision_at: TIME, intent: 'open', side: 'buy', quantity: 1, protect },
      {
        ...at,
        decision_at: TIME,
        intent: 'open',
        side: 'buy',
        quantity: 1,
        protect: { stop_loss_pct: '2.0', take_profit: 70000 },
      },
    ],
  ],
  [
    'a limit buy',
    [
      { ...at, timestamp: TIME, action: 'BUY', quantity: 2, order_type: 'LIMIT', limit_price: '99.50' },
      {
        ...at,
        timestamp: TIME,
        event_type: 'quantconnect_signal',
        direction: 'long',
        size: 2,
        parameters: { entry_type: 'limit', limit_price: 99.5 },
      },
      {
        ...at,
        decision_at: TIME,
        intent: 'open',
        side: 'buy',
        quantity: 2,
        order: { type: 'limit', limit_price: 99.5, time_in_force: 'gtc' },
      },
    ],
  ],
  [
    'a stop entry',
    [
      { ...at, timestamp: TIME, action: 'BUY', quantity: 2, order_type: 'STOP_LOSS', limit_price: 101 },
      {
        ...at,
        timestamp: TIME,
        direction: 'long',
        event_type: 'quantconnect_signal',
        size: 2,
        parameters: { entry_type: 'stop_market', stop_price: 101 },
      },
    ],
  ],
  [
    'a sale of what is held (C-19)',
    [
      { ...at, timestamp: TIME, action: 'sell', quantity: 2 },
      { ...at, timestamp: TIME, action: 'SELL', quantity: 2, order_type: 'MARKET' },
      { ...at, decision_at: TIME, intent: 'close', side: 'sell', quantity: 2 },
    ],
  ],
  [
    'flat',
    [
      { ...at, timestamp: TIME, event_type: 'quantconnect_signal', direction: 'flat' },
      { ...at, decision_at: TIME, intent: 'close' },
    ],
  ],
  [
    'hold',
    [
      { ...at, timestamp: TIME, action: 'hold' },
      { ...at, timestamp: TIME, action: 'HOLD', order_type: 'MARKET' },
      { ...at, decision_at: TIME, intent: 'hold' },
    ],
  ],
];

describe('equivalent messages', () => {
  it.each(EQUIVALENT)('of %s give the same bytes in every dialect (F-02)', (_, messages) => {
    const bytes = messages.map((message) => canonical(read(message)));
    expect(new Set(bytes)).toEqual(new Set(bytes.slice(0, 1)));
  });

  it.each(EQUIVALENT)('of %s are read again from their own canonical form', (_, messages) => {
    const first = read(messages[0]);
    expect(read(first)).toEqual(first);
  });
});

describe('what the dialects refuse', () => {
  const buy = { ...at, timestamp: TIME, action: 'buy', quantity: 1 };
  const direction = { ...at, timestamp: TIME, event_type: 'quantconnect_signal', direction: 'long', size: 1 };
  const open = { ...at, decision_at: TIME, intent: 'open', side: 'buy', quantity: 1 };
  const limit = { type: 'limit', time_in_force: 'gtc' };
  it.each<[string, unknown, string, readonly string[]]>([
    ['unknown fields', { ...buy, stopp: 1, leverage: 3 }, 'SIGNAL_FIELD_UNKNOWN', ['stopp', 'leverage']],
    [
      'a nested unknown field',
      { ...open, order: { ...limit, limit_price: 1, x: 1 } },
      'SIGNAL_FIELD_UNKNOWN',
      ['order.x'],
    ],
    ['an unknown field beside a wrong one', { ...buy, x: 1, quantity: -1 }, 'SIGNAL_MALFORMED', ['quantity', 'x']],
    ['a stop in both forms', { ...buy, stop_loss: 90, stop_loss_pct: 1 }, 'SIGNAL_PROTECTION_AMBIGUOUS', ['stop_loss']],
    [
      'a target in both forms',
      { ...open, protect: { take_profit: 9, take_profit_pct: 1 } },
      'SIGNAL_PROTECTION_AMBIGUOUS',
      ['take_profit'],
    ],
    [
      'both forms as parameters',
      { ...direction, parameters: { stop_loss: 1, stop_loss_pct: 1 } },
      'SIGNAL_PROTECTION_AMBIGUOUS',
      ['stop_loss'],
    ],
    [
      'a limit order without a limit',
      { ...buy, action: 'BUY', order_type: 'LIMIT' },
      'SIGNAL_ORDER_INCOMPLETE',
      ['order.limit_price'],
    ],
    [
      'a market order with a limit',
      { ...buy, action: 'BUY', order_type: 'MARKET', limit_price: 1 },
      'SIGNAL_ORDER_INCOMPLETE',
      ['order.limit_price'],
    ],
    [
      'a stop order without a stop',
      { ...direction, parameters: { entry_type: 'stop_market' } },
      'SIGNAL_ORDER_INCOMPLETE',
      ['order.stop_price'],
    ],
    [
      'a stop limit order without a stop',
      { ...open, order: { type: 'stop_limit', limit_price: '5', time_in_force: 'gtc' } },
      'SIGNAL_ORDER_INCOMPLETE',
      ['order.stop_price'],
    ],
    [
      'a limit order with a stop',
      { ...open, order: { ...limit, limit_price: '5', stop_price: '5' } },
      'SIGNAL_ORDER_INCOMPLETE',
      ['order.stop_price'],
    ],
    ['a stop of a hundred percent', { ...buy, stop_loss_pct: 100 }, 'SIGNAL_MALFORMED', ['protect.stop_loss_pct']],
    ['a direction against its side', { ...open, direction: 'short' }, 'SIGNAL_MALFORMED', ['direction']],
    ['another algorithm than the key has', { ...buy, algorithm_id: 'other' }, 'ALGORITHM_FORBIDDEN', ['algorithm_id']],
    ['a quantity of zero', { ...buy, quantity: 0 }, 'SIGNAL_MALFORMED', ['quantity']],
    ['a time without a zone', { ...buy, timestamp: '2026-03-02T14:30:00' }, 'SIGNAL_MALFORMED', ['timestamp']],
    ['a day that does not exist', { ...buy, timestamp: '2026-02-30T00:00:00Z' }, 'SIGNAL_MALFORMED', ['timestamp']],
    ['a verb of another dialect', { ...buy, action: 'Buy' }, 'SIGNAL_MALFORMED', ['action']],
    ['confidence over one', { ...buy, confidence: 1.01 }, 'SIGNAL_MALFORMED', ['confidence']],
    ['nothing', {}, 'SIGNAL_MALFORMED', ['symbol', 'timestamp', 'action']],
  ])('%s, with the code and the path', (_, raw, code, paths) => {
    expect(refusal(raw)).toEqual({ code, paths });
  });

  it('a message that nobody owns', () => {
    expect(normalise(buy, undefined)).toMatchObject({
      ok: false,
      code: 'SIGNAL_MALFORMED',
      issues: [{ path: 'algorithm_id' }],
    });
  });

  it('nothing of what stands inside features, parameters and extras, which are kept as they came', () => {
    const kept = { anything: [1, 'two', { three: null }], 'unter strich': true, constructor: 'x', toString: 1 };
    const told = read({ ...direction, features: kept, parameters: { ...kept, entry_type: 'market' }, extras: kept });
    expect([told.features, told.parameters, told.extras]).toEqual([kept, kept, kept]);
  });
});
