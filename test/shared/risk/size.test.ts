import { describe, expect, it } from 'vitest';
import { entryPrice, sizeOf } from '#shared/risk/size.ts';
import type { Proposal } from '#shared/signal/schema.ts';
import { proposal } from '../intake/sample.ts';

const known = { price: '200', equity: '100000', position: '10' };
const by = (mode: NonNullable<Proposal['sizing']>['mode'], value: string): Partial<Proposal> => ({
  sizing: { mode, value },
});

describe('a size', () => {
  it.each<[string, Partial<Proposal>, string]>([
    ['in units', by('units', '3'), '3'],
    ['in money', by('notional', '1000'), '5'],
    ['in percent of equity', by('percent_of_equity', '2'), '10'],
    ['in percent of the position', by('percent_of_position', '50'), '5'],
    ['by the risk of a stop price', { ...by('risk_based', '1'), protect: { stop_loss: '190' } }, '100'],
    ['by the risk of a stop in percent', { ...by('risk_based', '1'), protect: { stop_loss_pct: '2' } }, '250'],
    ['by the risk of a short', { side: 'sell', ...by('risk_based', '1'), protect: { stop_loss: '220' } }, '50'],
  ])('%s', (_, change, quantity) => {
    expect(sizeOf(proposal(change), known)).toEqual({ ok: true, side: change.side ?? 'buy', quantity });
  });

  it('by risk loses exactly that share of equity at the stop', () => {
    const sized = sizeOf(proposal({ ...by('risk_based', '1.5'), protect: { stop_loss: '187.5' } }), known);
    expect(sized).toMatchObject({ quantity: '120' });
    expect(120 * (200 - 187.5)).toBe(100_000 * 0.015);
  });

  it.each<[string, Partial<Proposal>, string, string]>([
    ['the whole of a long', { side: undefined, sizing: undefined }, '10', 'sell 10'],
    ['the whole of a short', { side: undefined, sizing: undefined }, '-10', 'buy 10'],
    ['a part', { side: 'sell', ...by('units', '4') }, '10', 'sell 4'],
    ['never more than is held', { side: 'sell', ...by('units', '40') }, '10', 'sell 10'],
    ['a share', { side: undefined, ...by('percent_of_position', '25') }, '-10', 'buy 2.5'],
    ['all, where the size is one of entries', { side: undefined, ...by('risk_based', '1') }, '10', 'sell 10'],
  ])('of a close is %s', (_, change, position, expected) => {
    const sized = sizeOf(proposal({ intent: 'close', ...change }), { ...known, position });
    expect(sized.ok && `${sized.side} ${sized.quantity}`).toBe(expected);
  });

  it.each([
    ['15', '10', 'buy 5'],
    ['-5', '10', 'sell 15'],
    ['0', '-3', 'buy 3'],
  ])('of the target %s from %s is %s', (target_quantity, position, expected) => {
    const sized = sizeOf(proposal({ intent: 'target', target_quantity }), { ...known, position });
    expect(sized.ok && `${sized.side} ${sized.quantity}`).toBe(expected);
  });

  it.each<[string, Partial<Proposal>, Partial<typeof known> | { equity: undefined }, string]>([
    ['nothing to close', { intent: 'close' }, { position: '0' }, 'SIGNAL_NOT_NEEDED'],
    ['a sale of a short', { intent: 'close', side: 'sell' }, { position: '-1' }, 'SIGNAL_NOT_NEEDED'],
    ['a target that is held', { intent: 'target', target_quantity: '10' }, {}, 'SIGNAL_NOT_NEEDED'],
    ['a target without a number', { intent: 'target' }, {}, 'SIGNAL_SIZE_MISSING'],
    ['an open without a size', { sizing: undefined }, {}, 'SIGNAL_SIZE_MISSING'],
    ['an open without a side', { side: undefined }, {}, 'SIGNAL_MALFORMED'],
    ['risk without a stop', by('risk_based', '1'), {}, 'SIGNAL_SIZING_IMPOSSIBLE'],
    [
      'risk with a stop at the price',
      { ...by('risk_based', '1'), protect: { stop_loss: '200' } },
      {},
      'SIGNAL_SIZING_IMPOSSIBLE',
    ],
    ['a share of no equity', by('percent_of_equity', '1'), { equity: undefined }, 'SIGNAL_SIZING_IMPOSSIBLE'],
    ['a share of less than nothing', by('percent_of_equity', '1'), { equity: '-1' }, 'SIGNAL_SIZING_IMPOSSIBLE'],
    ['hold', { intent: 'hold' }, {}, 'SIGNAL_HOLD'],
    ['amend', { intent: 'amend' }, {}, 'SIGNAL_INTENT_UNSUPPORTED'],
  ])('is refused for %s', (_, change, about, code) => {
    expect(sizeOf(proposal(change), { ...known, ...about })).toMatchObject({ ok: false, code });
  });
});

describe('the expected entry', () => {
  const order = (type: Proposal['order']['type'], limit_price?: string, stop_price?: string) =>
    proposal({
      order: {
        type,
        time_in_force: 'gtc',
        ...(limit_price ? { limit_price } : {}),
        ...(stop_price ? { stop_price } : {}),
      },
    });

  it.each([
    ['a market order', order('market'), '100', '100'],
    ['a limit below', order('limit', '90'), '90', '100'],
    ['a limit above', order('limit', '110'), '100', '110'],
    ['a stop below', order('stop_market', undefined, '90'), '100', '90'],
    ['a stop above', order('stop_market', undefined, '110'), '110', '100'],
    ['a stop limit above', order('stop_limit', '112', '110'), '110', '112'],
  ])('of %s at 100 is, for a buy and for a sale, %#', (_, one, buy, sell) => {
    expect([entryPrice(one, 'buy', '100'), entryPrice(one, 'sell', '100')]).toEqual([buy, sell]);
  });

  it('is the price of the order where no other is known, and unknown without one', () => {
    expect(entryPrice(order('limit', '90'), 'buy', undefined)).toBe('90');
    expect(entryPrice(order('stop_market', undefined, '90'), 'sell', undefined)).toBe('90');
    expect(entryPrice(order('market'), 'buy', undefined)).toBeUndefined();
  });
});
