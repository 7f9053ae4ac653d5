import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { absolute, add, compare } from '#shared/amount.ts';
import type { Protect } from '#shared/signal/schema.ts';
import { bar, farBank, instrument, signal, tale } from './harness.ts';

const BOTH: Protect = { stop_loss: '90', take_profit: '110' };

async function holding(protect: Protect, deploy: Parameters<ReturnType<typeof farBank>['deploy']>[0] = {}) {
  const far = farBank();
  await far.deploy(deploy);
  await far.clock(1, bar(1, '100'));
  await far.send('cmd-1', { signals: [signal('sig-1', { protect })] });
  await far.clock(1);
  const told = tale(far.reports()).length;
  return { ...far, news: () => tale(far.reports()).slice(told) };
}

describe('a filled entry', () => {
  test('rests its stop and its target', async () => {
    const far = await holding(BOTH);
    expect(tale(far.reports()).slice(3)).toEqual(['sig-1|S submitted of -1', 'sig-1|T submitted of -1']);
  });

  test('loses its target when the stop fills', async () => {
    const far = await holding(BOTH);
    await far.clock(2, bar(2, '89', { low: '88', high: '99' }));
    expect(far.news()).toEqual(['sig-1|S filled of -1 -1 at 89', 'sig-1|T canceled of -1']);
    await far.clock(3, bar(3, '120'));
    expect(far.news()).toHaveLength(2);
    expect(far.reports().at(-1)?.state.open_signals).toBe(0);
  });

  test('loses its stop when the target fills', async () => {
    const far = await holding(BOTH);
    await far.clock(2, bar(2, '111', { high: '112' }));
    expect(far.news()).toEqual(['sig-1|T filled of -1 -1 at 111', 'sig-1|S canceled of -1']);
  });

  test('is stopped, once, by a bar that reaches both', async () => {
    const far = await holding(BOTH);
    await far.clock(2, bar(2, '100', { low: '80', high: '120' }));
    expect(far.news()).toEqual(['sig-1|S filled of -1 -1 at 90', 'sig-1|T canceled of -1']);
  });

  test('has percents resolved from its average fill price', async () => {
    const far = await holding({ stop_loss_pct: '2.5', take_profit_pct: '3.33' });
    const orders = far.reports()[0]?.events.filter((event) => event.kind === 'order' && event.leg !== 'E');
    expect(orders).toMatchObject([{ stop_price: '97.5' }, { limit_price: '103.3' }]);
  });

  test('of a short is protected the other way round', async () => {
    const far = farBank();
    await far.deploy();
    await far.clock(1, bar(1, '100'));
    await far.send('cmd-1', {
      signals: [signal('sig-1', { side: 'sell', protect: { stop_loss_pct: '10', take_profit_pct: '10' } })],
    });
    await far.clock(1);
    await far.clock(2, bar(2, '100', { low: '80', high: '120' }));
    expect(tale(far.reports()).slice(3)).toEqual([
      'sig-1|S submitted of 1',
      'sig-1|T submitted of 1',
      'sig-1|S filled of 1 1 at 110',
      'sig-1|T canceled of 1',
    ]);
  });
});

describe('a partial fill', () => {
  const slow = { instruments: [instrument({ max_volume_share: '0.1' })] };

  test('of the entry is protected at once, and the protection grows with it', async () => {
    const far = farBank();
    await far.deploy(slow);
    await far.clock(1, bar(1, '100', { volume: '4' }));
    await far.send('cmd-1', { signals: [signal('sig-1', { protect: BOTH })] });
    await far.clock(1);
    await far.clock(2, bar(2, '100', { volume: '6' }));
    expect(tale(far.reports())).toEqual([
      'sig-1 accepted',
      'sig-1|E submitted of 1',
      'sig-1|E partiallyFilled of 1 0.4 at 100',
      'sig-1|S submitted of -0.4',
      'sig-1|T submitted of -0.4',
      'sig-1|E filled of 1 0.6 at 100',
      'sig-1|S updateSubmitted of -1',
      'sig-1|T updateSubmitted of -1',
    ]);
  });

  test('of the target ends the stop, and what is left is protected anew', async () => {
    const far = await holding(BOTH, slow);
    await far.clock(2, bar(2, '111', { high: '112', volume: '4' }));
    const lines = far.news();
    expect(lines.slice(0, 2)).toEqual(['sig-1|T partiallyFilled of -1 -0.4 at 111', 'sig-1|S canceled of -1']);
    expect(lines.at(-1)).toBe('sig-1|S submitted of -0.6');
  });

  test('is protected by new legs where the brokerage does not change orders', async () => {
    const far = farBank();
    await far.deploy({ instruments: [instrument({ max_volume_share: '0.1', can_update: false })] });
    await far.clock(1, bar(1, '100', { volume: '4' }));
    await far.send('cmd-1', { signals: [signal('sig-1', { protect: { stop_loss: '90' } })] });
    await far.clock(1);
    await far.clock(2, bar(2, '100', { volume: '6' }));
    expect(tale(far.reports()).slice(-4)).toEqual([
      'sig-1|S submitted of -0.4',
      'sig-1|S cancelPending of -0.4',
      'sig-1|S canceled of -0.4',
      'sig-1|S submitted of -1',
    ]);
  });
});

describe('on spot with cash', () => {
  const spot = {
    account_type: 'cash',
    instruments: [instrument({ fee: { kind: 'percent', maker: '0.001', taker: '0.001', buy_in: 'base' } })],
  };

  test('only the stop rests, for what the fee left on the lot grid', async () => {
    const far = await holding(BOTH, spot);
    expect(tale(far.reports())).toEqual([
      'sig-1 accepted',
      'sig-1|E submitted of 1',
      'sig-1|E filled of 1 0.999 at 100',
      'sig-1|S submitted of -0.999',
    ]);
  });

  test('the target is taken at the market once a bar has reached it, after the stop is out of the way', async () => {
    const far = await holding(BOTH, spot);
    await far.clock(2, bar(2, '109', { high: '110' }));
    expect(far.news()).toEqual([
      'sig-1|S cancelPending of -0.999',
      'sig-1|S canceled of -0.999',
      'sig-1|T submitted of -0.999',
      'sig-1|T filled of -0.999 -0.999 at 109',
    ]);
  });

  test('a bar that reaches both sells once, at the stop', async () => {
    const far = await holding(BOTH, spot);
    await far.clock(2, bar(2, '100', { low: '80', high: '120' }));
    expect(far.news()).toEqual(['sig-1|S filled of -0.999 -0.999 at 90']);
  });

  test('a target without a stop rests', async () => {
    const far = await holding({ take_profit: '110' }, spot);
    expect(tale(far.reports()).at(-1)).toBe('sig-1|T submitted of -0.999');
  });
});

test('whatever happens, a position is never sold twice: exits of a signal never exceed its entry', async () => {
  const price = fc.integer({ min: 80, max: 120 }).map(String);
  const step = fc.record({
    close: price,
    low: fc.integer({ min: 70, max: 80 }).map(String),
    high: fc.integer({ min: 120, max: 130 }).map(String),
    volume: fc.constantFrom('0', '2', '7', '1000'),
    wide: fc.boolean(),
    order: fc.option(fc.constantFrom('open', 'close', 'flatten'), { nil: undefined }),
    protect: fc.constantFrom<Protect>({}, { stop_loss_pct: '5' }, { stop_loss_pct: '5', take_profit_pct: '5' }),
  });
  const account_type = fc.constantFrom('cash', 'margin');
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      account_type,
      fc.boolean(),
      async (steps, type, can_update) => {
        const far = farBank();
        await far.deploy({ account_type: type, instruments: [instrument({ max_volume_share: '0.1', can_update })] });
        await far.clock(1, bar(1, '100'));
        for (const [i, { close, low, high, volume, wide, order, protect }] of steps.entries()) {
          const n = i + 2;
          if (order === 'flatten') await far.send(`cmd-${n}`, { kind: 'flatten', flatten_count: n });
          else if (order === 'close')
            await far.send(`cmd-${n}`, {
              signals: [signal(`sig-${n}`, { intent: 'close', side: 'sell', quantity: '0.5' })],
            });
          else if (order === 'open') await far.send(`cmd-${n}`, { signals: [signal(`sig-${n}`, { protect })] });
          await far.clock(n, bar(n, close, { volume, ...(wide ? { low, high } : {}) }));
        }
        let position = '0';
        const bySignal = new Map<string, string>();
        for (const event of far.reports().flatMap((report) => report.events)) {
          if (event.kind !== 'order') continue;
          position = add(position, event.fill_quantity);
          expect(compare(position, '0')).toBeGreaterThanOrEqual(0);
          if (event.leg === 'X' || event.signal_id === undefined) continue;
          const left = add(bySignal.get(event.signal_id) ?? '0', event.fill_quantity);
          expect(compare(left, '0')).toBeGreaterThanOrEqual(0);
          bySignal.set(event.signal_id, left);
        }
        expect(absolute(position)).toBe(position);
      },
    ),
    { seed: 20261120, numRuns: 60 },
  );
});
