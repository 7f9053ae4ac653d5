import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GateContext, judge } from '#shared/risk/gate.ts';
import type { Limits } from '#shared/risk/schema.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import type { Proposal } from '#shared/signal/schema.ts';
import {
  book,
  control,
  deployment,
  instrument,
  limits,
  MARKET,
  NOW,
  pending,
  position,
  proposal,
} from '../intake/sample.ts';

const GATES = [
  'intent',
  'expiry',
  'clock',
  'symbol',
  'allowed_symbols',
  'price',
  'protection',
  'size',
  'control',
  'short',
  'fence',
  'position_limit',
  'leverage',
  'daily_loss',
];

const context = (change: Partial<GateContext> = {}): GateContext => ({
  now: NOW,
  limits: limits(),
  control: control(),
  instrument: instrument(),
  prices: { [MARKET]: '100' },
  books: [book()],
  ...change,
});

const ago = (ms: number): string => new Date(NOW.getTime() - ms).toISOString();
const units = (value: string): Pick<Proposal, 'sizing'> => ({ sizing: { mode: 'units', value } });
const limited = (change: Partial<Limits>) => ({ limits: limits(change) });
const buyLimit = (limit_price: string): Partial<Proposal> => ({
  order: { type: 'limit', limit_price, time_in_force: 'gtc' },
});
/** 100 units bought at 100: a tenth of an equity of 100,000. */
const holding = book({ cash: '90000', positions: { [MARKET]: position('100', '10000') } });
const fence = { reason: 'a break', since: NOW.toISOString() };
const sell = (value: string): Partial<Proposal> => ({ side: 'sell', direction: 'short', ...units(value) });
const close: Partial<Proposal> = { intent: 'close', direction: 'flat', side: 'sell', ...units('10') };
const lost = book({ cash: '95000', realised: '-5000' });

type Row = readonly [
  name: string,
  gate: string,
  code: ReasonCode,
  proposal: Partial<Proposal>,
  context: Partial<GateContext>,
];
const REFUSALS: readonly Row[] = [
  ['asks for nothing', 'intent', 'SIGNAL_HOLD', { intent: 'hold' }, {}],
  ['amends', 'intent', 'SIGNAL_INTENT_UNSUPPORTED', { intent: 'amend' }, {}],
  ['cancels', 'intent', 'SIGNAL_INTENT_UNSUPPORTED', { intent: 'cancel' }, {}],
  ['is as old as the longest age', 'expiry', 'SIGNAL_EXPIRED', { decision_at: ago(300_000) }, {}],
  ['ends now', 'expiry', 'SIGNAL_EXPIRED', { valid_until: NOW.toISOString() }, {}],
  [
    'is too old, whatever its valid_until',
    'expiry',
    'SIGNAL_EXPIRED',
    { decision_at: ago(300_000), valid_until: '2099-01-01T00:00:00.000Z' },
    {},
  ],
  ['comes from beyond the skew', 'clock', 'SIGNAL_FROM_FUTURE', { decision_at: ago(-5_001) }, {}],
  [
    'comes from the last millisecond there is',
    'clock',
    'SIGNAL_FROM_FUTURE',
    { decision_at: '9999-12-31T23:59:59.999Z' },
    {},
  ],
  ['names an unknown symbol', 'symbol', 'SYMBOL_UNKNOWN', {}, { instrument: undefined }],
  ['names a disabled symbol', 'symbol', 'SYMBOL_DISABLED', {}, { instrument: instrument({ enabled: false }) }],
  [
    'names a symbol that is not allowed',
    'allowed_symbols',
    'SYMBOL_NOT_ALLOWED',
    {},
    limited({ allowed_symbols: ['bybit:ETHUSDT'] }),
  ],
  ['has no price', 'price', 'MARKET_NO_PRICE', {}, { prices: {} }],
  ['stops above a buy', 'protection', 'SIGNAL_PROTECTION_WRONG_SIDE', { protect: { stop_loss: '100' } }, {}],
  ['aims below a buy', 'protection', 'SIGNAL_PROTECTION_WRONG_SIDE', { protect: { take_profit: '100' } }, {}],
  [
    'stops below a short',
    'protection',
    'SIGNAL_PROTECTION_WRONG_SIDE',
    { ...sell('1'), protect: { stop_loss: '99' } },
    limited({ allow_short: true }),
  ],
  [
    'aims for a price below zero',
    'protection',
    'SIGNAL_PROTECTION_WRONG_SIDE',
    { ...sell('1'), protect: { take_profit_pct: '100' } },
    limited({ allow_short: true }),
  ],
  ['has no size', 'size', 'SIGNAL_SIZE_MISSING', { sizing: undefined }, {}],
  ['has no side', 'size', 'SIGNAL_MALFORMED', { side: undefined }, {}],
  ['cannot be sized', 'size', 'SIGNAL_SIZING_IMPOSSIBLE', { sizing: { mode: 'risk_based', value: '1' } }, {}],
  ['closes what is not held', 'size', 'SIGNAL_NOT_NEEDED', close, {}],
  ['is at its target', 'size', 'SIGNAL_NOT_NEEDED', { intent: 'target', target_quantity: '100' }, { books: [holding] }],
  ['is below one lot', 'size', 'RISK_BELOW_MINIMUM', units('0.0009'), {}],
  [
    'is below the minimum',
    'size',
    'RISK_BELOW_MINIMUM',
    units('0.009'),
    { instrument: instrument({ minimum_quantity: '0.01' }) },
  ],
  ['meets the halt', 'control', 'CONTROL_HALTED', {}, { control: control('halted') }],
  ['meets no switch at all', 'control', 'CONTROL_HALTED', {}, { control: undefined }],
  ['adds while reducing', 'control', 'CONTROL_REDUCING', {}, { control: control('reducing') }],
  [
    'flips while reducing',
    'control',
    'CONTROL_REDUCING',
    sell('101'),
    { control: control('reducing'), books: [holding], ...limited({ allow_short: true }) },
  ],
  ['goes short', 'short', 'RISK_SHORT_NOT_ALLOWED', sell('1'), {}],
  ['goes short from a long', 'short', 'RISK_SHORT_NOT_ALLOWED', sell('101'), { books: [holding] }],
  [
    'would go short if a pending buy did not fill',
    'short',
    'RISK_SHORT_NOT_ALLOWED',
    sell('1'),
    { books: [book({ pending: { p: pending('buy', '5') } })] },
  ],
  ['adds behind a fence', 'fence', 'RISK_FENCED', {}, { books: [book({ fence })] }],
  ['is a lot beyond the position limit', 'position_limit', 'RISK_POSITION_LIMIT', units('100.001'), {}],
  [
    'is beyond it with what is pending',
    'position_limit',
    'RISK_POSITION_LIMIT',
    units('50.001'),
    { books: [book({ pending: { p: pending('buy', '50') } })] },
  ],
  ['is beyond it as a short', 'position_limit', 'RISK_POSITION_LIMIT', sell('100.001'), limited({ allow_short: true })],
  [
    'fills at the market, not at its low limit',
    'position_limit',
    'RISK_POSITION_LIMIT',
    { ...sell('1000'), ...buyLimit('1') },
    limited({ allow_short: true }),
  ],
  [
    'adds below the market to what is held at the market',
    'position_limit',
    'RISK_POSITION_LIMIT',
    { ...units('1'), ...buyLimit('1') },
    { books: [holding] },
  ],
  ['has no equity to stand on', 'position_limit', 'RISK_POSITION_LIMIT', {}, { books: [book({ cash: '0' })] }],
  [
    'is a lot beyond the leverage',
    'leverage',
    'RISK_LEVERAGE_LIMIT',
    units('1000.001'),
    limited({ max_position_size_pct: '200' }),
  ],
  [
    'is beyond it with another market at its cost',
    'leverage',
    'RISK_LEVERAGE_LIMIT',
    units('100'),
    { books: [book({ cash: '9000', positions: { 'bybit:ETHUSDT': position('10', '91000') } })] },
  ],
  [
    'is beyond it with what another market has pending',
    'leverage',
    'RISK_LEVERAGE_LIMIT',
    units('100'),
    { books: [book({ pending: { p: pending('buy', '901', { market: 'bybit:ETHUSDT' }) } })] },
  ],
  ['comes after the loss of the day', 'daily_loss', 'RISK_DAILY_LOSS_LIMIT', {}, { books: [lost] }],
];

describe('a proposal that', () => {
  it.each(REFUSALS)('%s is refused at the gate %s with %s', (_, gate, code, change, around) => {
    const { verdict } = judge(proposal(change), context(around));
    expect(verdict).toMatchObject({ accepted: false, code });
    expect(verdict.gates.find((one) => one.code !== undefined)).toMatchObject({ gate, code, passed: false });
  });
});

const PASSES: readonly (readonly [string, Partial<Proposal>, Partial<GateContext>])[] = [
  ['exactly 10.0000 % of equity', units('100'), {}],
  [
    '10 % of equity, sized so',
    { sizing: { mode: 'percent_of_equity', value: '10' } },
    { prices: { [MARKET]: '27123.456789' } },
  ],
  ['10 % at a limit below the market', { sizing: { mode: 'percent_of_equity', value: '10' }, ...buyLimit('90') }, {}],
  ['exactly one times equity', units('1000'), limited({ max_position_size_pct: '100' })],
  ['the smallest lot', units('0.001'), {}],
  ['the last millisecond of its age', { decision_at: ago(299_999) }, {}],
  ['the whole of the skew', { decision_at: ago(-5_000) }, {}],
  ['a symbol that is allowed', {}, limited({ allowed_symbols: [MARKET] })],
  ['a short where shorts are allowed', sell('100'), limited({ allow_short: true })],
  ['a loss just below the limit of the day', {}, { books: [book({ cash: '95000.01', realised: '-4999.99' })] }],
  ['a stop below and a target above', { protect: { stop_loss: '99.9', take_profit: '100.1' } }, {}],
  [
    'a stop below an entry that waits above the market',
    { order: { type: 'stop_market', stop_price: '110', time_in_force: 'gtc' }, protect: { stop_loss: '105' } },
    {},
  ],
  ['a strategy of ours by its own validity', { strategy_id: 's', decision_at: ago(900_000), valid_until: ago(-1) }, {}],
  [
    'limits of an age beyond all time',
    {},
    limited({ max_signal_age_ms: Number.MAX_SAFE_INTEGER, max_clock_skew_ms: Number.MAX_SAFE_INTEGER }),
  ],
];

describe('the gate lets pass', () => {
  it.each(PASSES)('%s', (_, change, around) => {
    const { verdict } = judge(proposal(change), context(around));
    expect(verdict.gates.filter((one) => !one.passed)).toEqual([]);
    expect(verdict).toMatchObject({ accepted: true });
  });

  it.each<[string, Partial<GateContext>]>([
    ['while reducing', { control: control('reducing') }],
    ['behind a fence', { books: [{ ...holding, fence }] }],
    ['beyond the position limit', limited({ max_position_size_pct: '1' })],
    ['beyond the leverage', limited({ max_portfolio_leverage: '0.01' })],
    ['after the loss of the day', { books: [{ ...holding, cash: '80000' }] }],
    ['when more was lost than there was', { books: [{ ...holding, cash: '-50000' }] }],
  ])('what lowers risk, %s', (_, around) => {
    const books = around.books ?? [holding];
    for (const change of [close, sell('100'), { intent: 'target', target_quantity: '0' }] as const)
      expect(judge(proposal(change), context({ ...around, books })).verdict).toMatchObject({ accepted: true });
  });

  it('nothing that lowers risk through the halt', () => {
    const { verdict } = judge(proposal(close), context({ books: [holding], control: control('halted') }));
    expect(verdict.code).toBe('CONTROL_HALTED');
  });
});

describe('a verdict', () => {
  const cases = [
    ...REFUSALS.map((row) => [row[3], row[4]] as const),
    ...PASSES.map((row) => [row[1], row[2]] as const),
  ];
  it.each(cases)('lists all gates in order and is accepted exactly when each passed: %j', (change, around) => {
    const { verdict } = judge(proposal(change), context(around));
    expect(verdict.gates.map((one) => one.gate)).toEqual(GATES);
    expect(verdict.accepted).toBe(verdict.gates.every((one) => one.passed));
    expect(verdict.code === undefined).toBe(verdict.accepted);
    for (const one of verdict.gates) if (one.passed) expect(one.code).toBeUndefined();
  });

  it('says what was compared', () => {
    const { verdict } = judge(proposal(units('100.001')), context());
    const at = (name: string) => verdict.gates.find((one) => one.gate === name);
    expect(at('position_limit')).toEqual({
      gate: 'position_limit',
      passed: false,
      code: 'RISK_POSITION_LIMIT',
      value: '10.0001',
      limit: '10',
    });
    expect(at('leverage')).toEqual({ gate: 'leverage', passed: true, value: '0.1', limit: '1' });
  });

  it('carries the trade: side, units on the lot, entry, price at the decision, positions before and after', () => {
    const judged = judge(
      proposal({ ...units('1.2345'), ...buyLimit('99') }),
      context({ books: [holding], ...limited({ max_position_size_pct: '90' }) }),
    );
    expect(judged).toMatchObject({
      market: MARKET,
      side: 'buy',
      quantity: '1.234',
      price: '99',
      reference_price: '100',
      position_before: '100',
      position_after: '101.234',
      changes: { 'dep-1': '1.234' },
      valid_until: new Date(NOW.getTime() + 300_000).toISOString(),
    });
  });
});

describe('the loss of a day', () => {
  const mark = { ...book().mark, equity: '90000', opening_equity: '100000' };
  it('is counted from the equity with which the UTC day began', () => {
    const today = book({ cash: '95000', mark });
    expect(judge(proposal(), context({ books: [today] })).verdict.code).toBe('RISK_DAILY_LOSS_LIMIT');
  });

  it('starts anew with the next day', () => {
    const yesterday = book({ cash: '86000', mark: { ...mark, at: '2026-03-01T23:59:59.999Z' } });
    expect(judge(proposal(), context({ books: [yesterday] })).verdict.accepted).toBe(true);
    expect(judge(proposal(), context({ books: [{ ...yesterday, cash: '85500' }] })).verdict.code).toBe(
      'RISK_DAILY_LOSS_LIMIT',
    );
  });
});

describe('two books', () => {
  const small = book(
    { initial_cash: '10000', cash: '10000', mark: { ...book().mark, equity: '10000', opening_equity: '10000' } },
    deployment({ deployment_id: 'dep-2' }),
  );

  it('are both within what the smaller one bears', () => {
    const sized = { sizing: { mode: 'percent_of_equity', value: '10' } } as const;
    for (const books of [
      [book(), small],
      [small, book()],
    ]) {
      const judged = judge(proposal(sized), context({ books }));
      expect(judged).toMatchObject({
        quantity: '10',
        verdict: { accepted: true },
        changes: { 'dep-1': '10', 'dep-2': '10' },
      });
    }
  });

  it('are each judged by what they hold themselves', () => {
    const { verdict } = judge(proposal(), context({ books: [holding, small] }));
    expect(verdict.code).toBe('RISK_POSITION_LIMIT');
    expect(verdict.gates.find((one) => one.gate === 'position_limit')).toMatchObject({ value: '10.1' });
  });

  it('are each held to flat: what lowers risk in one may open a short in the other', () => {
    const { verdict } = judge(proposal(sell('1')), context({ books: [holding, small] }));
    expect(verdict.code).toBe('RISK_SHORT_NOT_ALLOWED');
  });

  it('close what each holds, the empty one nothing', () => {
    for (const books of [
      [small, holding],
      [holding, small],
    ]) {
      const judged = judge(proposal({ ...close, sizing: undefined }), context({ books, control: control('reducing') }));
      expect(judged).toMatchObject({
        verdict: { accepted: true },
        quantity: '100',
        changes: { 'dep-1': '-100', 'dep-2': '0' },
      });
    }
  });

  it('reach a target each from where it is', () => {
    const judged = judge(proposal({ intent: 'target', target_quantity: '5' }), context({ books: [holding, small] }));
    expect(judged).toMatchObject({ verdict: { accepted: true }, changes: { 'dep-1': '-95', 'dep-2': '5' } });
  });

  it('are fenced by the one that is', () => {
    const fenced = judge(proposal(), context({ books: [book(), { ...small, fence }] })).verdict;
    expect(fenced.gates.find((one) => one.gate === 'fence')).toMatchObject({ code: 'RISK_FENCED', detail: 'dep-2' });
    const closing = judge(
      proposal({ ...close, sizing: undefined }),
      context({ books: [holding, { ...small, fence }] }),
    );
    expect(closing.verdict.accepted).toBe(true);
  });
});

describe('whatever is proposed', () => {
  const size = fc.integer({ min: 1, max: 3_000_000 }).map((n) => String(n / 1000));
  const held = fc.integer({ min: -200, max: 200 });
  it('no accepted market order leaves a book beyond its limits, unless it lowers risk there', () => {
    fc.assert(
      fc.property(
        size,
        held,
        fc.constantFrom('buy', 'sell'),
        fc.constantFrom('open', 'close', 'target'),
        fc.boolean(),
        (value, before, side, intent, allow_short) => {
          const books = [
            book({
              cash: String(100_000 - before * 100),
              positions: before === 0 ? {} : { [MARKET]: position(String(before), String(before * 100)) },
            }),
          ];
          const judged = judge(
            proposal({ side, intent, ...units(value), target_quantity: side === 'buy' ? value : `-${value}` }),
            context({ books, ...limited({ allow_short }) }),
          );
          if (!judged.verdict.accepted) return;
          const after = Number(judged.position_after);
          const isLower = Math.abs(after) < Math.abs(before) && after * before >= 0;
          expect(isLower || (Math.abs(after) <= 100 && (after >= 0 || allow_short))).toBe(true);
          if (intent === 'close') expect(after * before).toBeGreaterThanOrEqual(0);
        },
      ),
      { seed: 11, numRuns: 500 },
    );
  });
});
