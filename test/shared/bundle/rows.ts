import fc from 'fast-check';
import type { BundleRow, PartHeader } from '#shared/bundle/schema.ts';
import { signalId } from '#shared/signal/signal.ts';

/** Rows that a producer might send on a bad day: any decimal, any text, members that come and go. */

export const ALGORITHM = 'alg-1';
const START = Date.UTC(2026, 0, 5, 12);

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));
const decimal = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 99_999 }).map((n) => String(n / 100)) },
  { weight: 1, arbitrary: digits(28).map((text) => `${text.replace(/^0+(?=\d)/, '')}.5`) },
  { weight: 1, arbitrary: digits(27).map((text) => `0.${text}1`) },
  { weight: 1, arbitrary: fc.constantFrom('0.50', '1.0', '00.5', '007', '12.3400', '1000000000000000.25') },
);
const word = fc.oneof(
  fc.constantFrom('model-1', 'model-2'),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  fc.constantFrom('a,b', '100%', '"q"', 'a\nb', 'a;b=c', '%', '%41', '[1]', '\u2028', 'ü€😀'),
);
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)));
const number = fc.oneof(
  fc.integer({ min: 0, max: 100 }).map((n) => n / 100),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.constantFrom(1e21, 5e-324, 0.1, 123456789012345, 9007199254740991),
);
const features = fc.oneof(
  fc.record({ volatility: number, trend_strength: number }, { requiredKeys: [] }),
  fc.dictionary(word, fc.oneof(number, json), { maxKeys: 3, noNullPrototype: true }),
);
const protect = fc.oneof(
  fc.record({ stop_loss: decimal, take_profit: decimal }, { requiredKeys: [] }),
  fc.record({ stop_loss_pct: decimal, take_profit_pct: decimal }, { requiredKeys: [] }),
  fc.record({ stop_loss: decimal, take_profit_pct: decimal }),
);
const order = fc.oneof(
  fc.constant({ type: 'market', time_in_force: 'gtc' } as const),
  fc.record({ type: fc.constant('limit' as const), limit_price: decimal, time_in_force: fc.constant('day' as const) }),
  fc.record({
    type: fc.constant('stop_limit' as const),
    limit_price: decimal,
    stop_price: decimal,
    time_in_force: fc.constant('gtc' as const),
  }),
);
const market = fc.constantFrom(
  ['bybit', 'BTCUSDT', 'BTCUSDT', 'crypto'],
  ['kraken', 'BTCUSDT', 'BTCUSDT', 'crypto'],
  ['cboe', 'SPX', 'SPX', 'index'],
);

const content = fc.record(
  {
    market,
    gap: fc.nat(120_000),
    age: fc.oneof(fc.constant(0), fc.integer({ min: -5_000, max: 400_000_000 })),
    life: fc.oneof(fc.constant(300_000), fc.integer({ min: 1, max: 1e9 })),
    skip: fc.oneof(
      { weight: 5, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 1e6 }) },
    ),
    ticker: fc.boolean(),
    version: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1e9 })),
    intent: fc.constantFrom('open' as const, 'close' as const, 'target' as const),
    side: fc.constantFrom('buy' as const, 'sell' as const),
    quantity: decimal,
    target_quantity: decimal.map((text) => `-${text}`),
    order,
    protect,
    strategy_id: word,
    model_id: word,
    confidence: fc.oneof(
      fc.integer({ min: 0, max: 100 }).map((n) => n / 100),
      fc.double({ min: 0, max: 1, noNaN: true }),
    ),
    features,
    id: fc.constantFrom('derived', 'sideless', 'foreign', 'word'),
    salt: fc.nat(),
  },
  {
    requiredKeys: [
      'market',
      'gap',
      'age',
      'life',
      'skip',
      'ticker',
      'version',
      'intent',
      'side',
      'quantity',
      'order',
      'protect',
      'id',
      'salt',
    ],
  },
);
type Content = typeof content extends fc.Arbitrary<infer T> ? T : never;

function rowsOf(contents: readonly Content[]): BundleRow[] {
  let at = START;
  let seq = 0;
  return contents.map((one) => {
    const { market: its, gap, age, life, skip, ticker, id, salt, ...members } = one;
    const [exchange = '', symbol = '', name = '', security_type = ''] = its;
    at += gap;
    seq += skip;
    const decision_at = new Date(at - age).toISOString();
    const who = { ...members, algorithm_id: ALGORITHM, symbol, decision_at, test: false };
    const { side: _, ...sideless } = who;
    const ids = {
      derived: () => signalId(who),
      sideless: () => signalId(sideless),
      foreign: () => signalId({ ...who, producer_signal_id: String(salt) }),
      word: () => `mine-${salt}`,
    };
    const row: BundleRow = {
      ...members,
      signal_id: ids[id](),
      seq,
      exchange,
      symbol,
      quantconnect: { ticker: ticker ? `${name}X` : name, security_type, market: exchange },
      decision_at,
      available_at: new Date(at).toISOString(),
      valid_until: new Date(at - age + life).toISOString(),
    };
    return row.confidence !== undefined && Object.is(row.confidence, -0) ? { ...row, confidence: 0 } : row;
  });
}

export const hostileRows = (maxLength = 40, minLength = 0): fc.Arbitrary<BundleRow[]> =>
  fc.array(content, { minLength, maxLength, size: 'max' }).map(rowsOf);

export const partTerms = (format: 'planes' | 'csv'): Omit<PartHeader, 'v' | 'rows' | 'sha256' | 'part' | 'parts'> => ({
  format,
  bundle_id: 'bundle-1',
  algorithm_id: ALGORITHM,
  as_of: '9@2026-01-06T00:00:00.000Z',
  from: '2026-01-01T00:00:00.000Z',
  to: '2026-02-01T00:00:00.000Z',
});
