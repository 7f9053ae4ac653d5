import { describe, expect, it } from 'vitest';
import { Alert } from '#shared/alert/schema.ts';
import { SWITCH_ID } from '#shared/control/schema.ts';
import { Delivery } from '#shared/delivery/schema.ts';
import type { Algorithm } from '#shared/deployment/schema.ts';
import { type Admitted, intake, intakeKeys, type Offer } from '#shared/intake/intake.ts';
import { Book } from '#shared/position/schema.ts';
import type { Proposal } from '#shared/signal/schema.ts';
import { Signal, StreamEntry, StreamHead } from '#shared/signal/schema.ts';
import { signalId } from '#shared/signal/signal.ts';
import { Envelope } from '#shared/topics.ts';
import { type Decided, type Documents, decide } from '../control/decide.ts';
import { algorithm, book, control, deployment, documents, limits, MARKET, NOW, position, proposal } from './sample.ts';

const prices = { [MARKET]: '100' };
const offer = (change: Partial<Proposal> = {}): Offer => ({
  proposal: proposal(change),
  raw: { said: change.producer_signal_id ?? 'it' },
});
const named = (name: string, change: Partial<Proposal> = {}): Offer => offer({ producer_signal_id: name, ...change });

const one = algorithm(deployment());
const given = (change: Documents = {}) => documents(one, [book()], change);

function when(before: Documents, offers: readonly Offer[], now = NOW, owner: Algorithm = one) {
  const act = {
    keys: intakeKeys(owner, offers),
    decide: (read: Parameters<typeof intake>[0], at: Date) => intake(read, at, owner, offers, prices),
  };
  return decide<readonly Admitted[]>(before, act, now);
}

const factsOf = (decided: Decided<unknown>) =>
  (decided.decision.publish ?? []).map((stated) => Envelope.parse(stated).fact);
const created = (decided: Decided<unknown>) =>
  (decided.decision.create ?? []).map((write) => `${write.collection}/${write.id}`);
const entry = (documents_: Documents, seq: number) =>
  StreamEntry.parse(documents_[`stream_entries/alg@${String(seq).padStart(12, '0')}`]);
const bookOf = (documents_: Documents, id = 'dep-1') => Book.parse(documents_[`books/${id}`]);

describe('an accepted offer', () => {
  const then = when(given(), [offer()]);
  const id = signalId(proposal());

  it('stands as a signal, a stream entry, a delivery and room in the book, in one commit', () => {
    expect(created(then)).toEqual([`signals/${id}@1`, 'stream_entries/alg@000000000001', `deliveries/${id}@dep-1`]);
    const signal = Signal.parse(then.documents[`signals/${id}@1`]);
    expect(signal).toMatchObject({
      signal_id: id,
      version: 1,
      quantity: '1',
      reference_price: '100',
      position_before: '0',
      position_after: '1',
      valid_until: '2026-03-02T14:35:00.000Z',
      born_at: NOW.toISOString(),
      raw: { said: 'it' },
      verdict: { accepted: true },
    });
    expect(entry(then.documents, 1)).toEqual({
      schema: 1,
      algorithm_id: 'alg',
      seq: 1,
      available_at: NOW.toISOString(),
      exchange: 'bybit',
      symbol: 'BTCUSDT',
      signal_id: id,
      version: 1,
      quantconnect: { ticker: 'BTCUSDT', security_type: 'crypto', market: 'bybit' },
      signal,
    });
    expect(Delivery.parse(then.documents[`deliveries/${id}@dep-1`])).toMatchObject({
      state: 'queued',
      open: true,
      seq: 1,
      sends: 0,
      filled_quantity: '0',
    });
    expect(StreamHead.parse(then.documents['stream_heads/alg'])).toEqual({
      schema: 1,
      seq: 1,
      available_at: NOW.toISOString(),
    });
    expect(bookOf(then.documents).pending).toEqual({
      [id]: { market: MARKET, side: 'buy', quantity: '1', price: '100', opens: true, since: NOW.toISOString() },
    });
  });

  it('is stated as submitted, validated and accepted, under its own name', () => {
    expect(factsOf(then)).toEqual(['signal.submitted', 'signal.validated', 'signal.accepted']);
    for (const stated of then.decision.publish ?? [])
      expect(stated).toMatchObject({ key: 'alg:BTCUSDT', signal_id: id, algorithm_id: 'alg' });
  });

  it('is answered with its seq', () => {
    expect(then.answer).toMatchObject([{ signal_id: id, accepted: true, duplicate: false, seq: 1 }]);
  });

  it('carries the id of the message that led to it', () => {
    const caused = when(given(), [{ ...offer(), causation_id: 'msg-1' }]);
    for (const stated of caused.decision.publish ?? []) expect(stated.causation_id).toBe('msg-1');
  });
});

describe('a refused offer', () => {
  it('is a signal with its verdict and a fact, and nothing else', () => {
    const then = when(given({ [`switches/${SWITCH_ID}`]: control('halted') }), [offer()]);
    const id = signalId(proposal());
    expect(created(then)).toEqual([`signals/${id}@1`]);
    expect(then.decision.put).toEqual([]);
    expect(factsOf(then)).toEqual(['signal.submitted', 'signal.validated', 'signal.rejected']);
    expect(then.answer).toMatchObject([{ accepted: false, code: 'CONTROL_HALTED', duplicate: false }]);
    expect(then.answer[0]).not.toHaveProperty('seq');
    expect(Signal.parse(then.documents[`signals/${id}@1`]).verdict.gates).toHaveLength(14);
  });

  it.each<[string, Partial<Proposal>]>([
    ['of a symbol that the map does not have', { symbol: 'NOSUCH' }],
    ['of no exchange', { exchange: undefined }],
    ['of a huge size', { sizing: { mode: 'units', value: `${'9'.repeat(29)}.${'9'.repeat(28)}` } }],
    [
      'of a share of a tiny price',
      {
        sizing: { mode: 'notional', value: '1' },
        order: { type: 'limit', limit_price: `0.${'0'.repeat(27)}1`, time_in_force: 'gtc' },
      },
    ],
    ['of the end of time', { decision_at: '9999-12-31T23:59:59.999Z' }],
  ])('%s is kept in its own schema', (_, change) => {
    const then = when(given(), [offer(change)]);
    Signal.parse(then.documents[`signals/${then.answer[0]?.signal_id}@1`]);
  });

  it('obeys the limits of its algorithm before those of all', () => {
    const then = when(given({ 'limits/alg': limits({ allowed_symbols: [] }) }), [offer()]);
    expect(then.answer[0]?.code).toBe('SYMBOL_NOT_ALLOWED');
  });
});

describe('the same offer again', () => {
  const first = when(given(), [offer()]);

  it('gives the first answer and changes nothing (F-04)', () => {
    const again = when(first.documents, [offer()], new Date(NOW.getTime() + 999_000));
    expect(again.answer).toMatchObject([
      { accepted: true, duplicate: true, signal_id: first.answer[0]?.signal_id, verdict: first.answer[0]?.verdict },
    ]);
    expect(again.documents).toEqual(first.documents);
    expect(factsOf(again)).toEqual([]);
  });

  it('gives a first refusal again, even where it would pass now', () => {
    const refused = when(given({ [`switches/${SWITCH_ID}`]: control('halted') }), [offer()]);
    const again = when({ ...refused.documents, [`switches/${SWITCH_ID}`]: control() }, [offer()]);
    expect(again.answer).toMatchObject([{ accepted: false, duplicate: true, code: 'CONTROL_HALTED' }]);
    expect(factsOf(again)).toEqual([]);
  });

  it('gives the first answer with its seq within one commit', () => {
    const then = when(given(), [offer(), offer(), offer()]);
    expect(then.answer).toEqual([
      then.answer[0],
      { ...then.answer[0], duplicate: true },
      { ...then.answer[0], duplicate: true },
    ]);
    expect(then.answer[0]).toMatchObject({ seq: 1, duplicate: false });
    expect(factsOf(then)).toHaveLength(3);
  });
});

describe('another content under the same identity', () => {
  const other = offer({ sizing: { mode: 'units', value: '2' } });

  it('is refused, stated, and leaves the first as it was', () => {
    const first = when(given(), [offer()]);
    const then = when(first.documents, [other]);
    expect(then.answer).toMatchObject([{ accepted: false, duplicate: false, code: 'SIGNAL_ID_REUSED' }]);
    expect(then.answer[0]?.verdict.gates[0]).toEqual({ gate: 'identity', passed: false, code: 'SIGNAL_ID_REUSED' });
    expect(then.documents).toEqual(first.documents);
    expect(factsOf(then)).toEqual(['signal.submitted', 'signal.validated', 'signal.rejected']);
  });

  it('is refused within one commit too, and stated once however often it comes', () => {
    const then = when(given(), [offer(), other, other]);
    expect(then.answer.map(({ code }) => code)).toEqual([undefined, 'SIGNAL_ID_REUSED', 'SIGNAL_ID_REUSED']);
    const ids = (then.decision.publish ?? []).map((stated) => stated.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(6);
  });

  it('is another signal where the producer gives it an id of its own', () => {
    const then = when(given(), [offer(), named('p-2', { sizing: { mode: 'units', value: '2' } })]);
    expect(then.answer.map(({ accepted }) => accepted)).toEqual([true, true]);
  });
});

describe('a stream', () => {
  it('has dense seq and strictly growing times, also when the clock stands still or goes back', () => {
    let stands: Documents = given();
    const clock = [0, 0, -5_000, 1, 1, 60_000];
    clock.forEach((offset, i) => {
      stands = when(stands, [named(`a${i}`), named(`b${i}`)], new Date(NOW.getTime() + offset)).documents;
    });
    const entries = Array.from({ length: 12 }, (_, i) => entry(stands, i + 1));
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1));
    const times = entries.map(({ available_at }) => available_at);
    expect(new Set(times).size).toBe(12);
    expect([...times].sort()).toEqual(times);
    expect(times[10]).toBe(new Date(NOW.getTime() + 60_000).toISOString());
    expect(StreamHead.parse(stands['stream_heads/alg'])).toMatchObject({ seq: 12, available_at: times[11] });
  });

  it('counts accepted signals only', () => {
    const then = when(given(), [
      named('a'),
      named('b', { intent: 'hold' }),
      named('c'),
      named('d', { test: true }),
      named('e'),
    ]);
    expect(then.answer.map(({ seq }) => seq)).toEqual([1, undefined, 2, undefined, 3]);
  });
});

describe('room in the book', () => {
  it('is taken by each offer before the next one is judged', () => {
    const half = { sizing: { mode: 'percent_of_equity', value: '5' } } as const;
    const then = when(given(), [named('a', half), named('b', half), named('c', half)]);
    expect(then.answer.map(({ code }) => code)).toEqual([undefined, undefined, 'RISK_POSITION_LIMIT']);
    expect(Object.values(bookOf(then.documents).pending).map(({ quantity }) => quantity)).toEqual(['50', '50']);
    expect(then.answer[1]?.signal).toMatchObject({ position_before: '50', position_after: '100' });
  });

  it('of a close is what is held, so that a second close has nothing to do', () => {
    const holding = book({ cash: '99000', positions: { [MARKET]: position('10', '1000') } });
    const close = { intent: 'close', side: undefined, sizing: undefined } as const;
    const then = when(given({ 'books/dep-1': holding }), [named('a', close), named('b', close)]);
    expect(then.answer.map(({ code }) => code)).toEqual([undefined, 'SIGNAL_NOT_NEEDED']);
    expect(Object.values(bookOf(then.documents).pending)).toMatchObject([
      { side: 'sell', quantity: '10', opens: false },
    ]);
  });

  it('is taken in each book by what it trades there', () => {
    const two = algorithm(deployment(), deployment({ deployment_id: 'dep-2' }));
    const holding = book({ cash: '99000', positions: { [MARKET]: position('10', '1000') } });
    const empty = book({}, deployment({ deployment_id: 'dep-2' }));
    const close = named('a', { intent: 'close', side: undefined, sizing: undefined });
    const then = when(documents(two, [holding, empty]), [close], NOW, two);
    expect(then.answer).toMatchObject([{ accepted: true, signal: { side: 'sell', quantity: '10' } }]);
    expect(created(then).filter((path) => path.startsWith('deliveries/'))).toHaveLength(2);
    expect(Object.values(bookOf(then.documents, 'dep-2').pending)).toEqual([]);
    expect(Object.values(bookOf(then.documents).pending)).toMatchObject([{ side: 'sell', quantity: '10' }]);
  });

  it('cannot be had without a book', () => {
    const { 'books/dep-1': _, ...without } = given();
    expect(() => when(without, [offer()])).toThrow('deployment dep-1 has no book');
  });
});

describe('a test signal (F-12)', () => {
  it('passes every gate and stops before delivery', () => {
    const then = when(given(), [offer({ test: true })]);
    expect(then.answer).toMatchObject([{ accepted: true, duplicate: false }]);
    expect(then.answer[0]).not.toHaveProperty('seq');
    expect(created(then)).toEqual([`signals/${signalId(proposal({ test: true }))}@1`]);
    expect(then.decision.put).toEqual([]);
    expect(factsOf(then)).toEqual(['signal.submitted', 'signal.validated']);
    expect(then.decision.publish?.[1]?.body.test).toBe(true);
  });

  it('does not stand in the way of the real one', () => {
    const tested = when(given(), [offer({ test: true })]);
    expect(when(tested.documents, [offer()]).answer).toMatchObject([{ accepted: true, duplicate: false, seq: 1 }]);
  });
});

describe('a route', () => {
  const elsewhere = [
    ['paused', deployment({ status: 'paused' })],
    ['for backtests', deployment({ environment: 'backtest' })],
    ['for other markets', deployment({ symbols: ['bybit:ETHUSDT'] })],
  ] as const;

  it.each(elsewhere)(
    'does not lead to a deployment that is %s: the signal is accepted, unrouted, and an alert names it',
    (_, away) => {
      const owner = algorithm(away);
      const then = when(documents(owner, [book()]), [offer()], NOW, owner);
      expect(then.answer).toMatchObject([{ accepted: true, seq: 1 }]);
      expect(factsOf(then)).toEqual([
        'signal.submitted',
        'signal.validated',
        'signal.accepted',
        'signal.unrouted',
        'alert.raised',
      ]);
      const alert = Object.entries(then.documents).find(([path]) => path.startsWith('alerts/'))?.[1];
      expect(Alert.parse(alert)).toMatchObject({
        kind: 'signal_unrouted',
        signal_id: then.answer[0]?.signal_id,
        open: true,
      });
      expect(created(then).some((path) => path.startsWith('deliveries/'))).toBe(false);
      expect(bookOf(then.documents).pending).toEqual({});
    },
  );

  it('leads to every deployment that is active and trades the market', () => {
    const ids = ['dep-1', 'dep-2', 'dep-3'];
    const owner = algorithm(
      ...ids.map((deployment_id) => deployment({ deployment_id, symbols: deployment_id === 'dep-2' ? [MARKET] : [] })),
      ...elsewhere.map(([, away], i) => ({ ...away, deployment_id: `away-${i}` })),
    );
    const books = owner.deployments.map((own) => book({}, own));
    const then = when(documents(owner, books), [offer()], NOW, owner);
    const id = then.answer[0]?.signal_id;
    expect(created(then).slice(2)).toEqual(ids.map((to) => `deliveries/${id}@${to}`));
    expect(then.decision.publish?.[2]?.body.deployments).toEqual(ids);
  });
});

describe('a decision of intake', () => {
  it('is pure: the same documents, offers and time give the same bytes', () => {
    const offers = [named('a'), named('b', { intent: 'hold' }), named('a')];
    expect(JSON.stringify(when(given(), offers).decision)).toBe(JSON.stringify(when(given(), offers).decision));
  });

  it('names the offers of one commit alike, and of another one differently', () => {
    const batches = (offers: readonly Offer[]) => {
      const then = when(given(), offers);
      const ids = then.answer.map(({ signal_id }) => signal_id);
      return new Set(ids.map((id) => Delivery.parse(then.documents[`deliveries/${id}@dep-1`]).batch_id));
    };
    const [ab, c] = [batches([named('a'), named('b')]), batches([named('c')])];
    expect([ab.size, c.size]).toEqual([1, 1]);
    expect([...ab]).not.toEqual([...c]);
  });
});
