import { describe, expect, it } from 'vitest';
import { addAlgorithm } from '#shared/deployment/deployment.ts';
import { addInstrument, changeInstrument } from '#shared/market/instrument-change.ts';
import { changeLimits } from '#shared/risk/limits-change.ts';
import { DEFAULT_LIMITS } from '#shared/risk/schema.ts';
import { decide, facts, LATER, NOW } from './decide.ts';

const BTC = {
  quantconnect: { ticker: 'BTCUSDT', security_type: 'cryptofuture', market: 'bybit' },
  currency: 'USDT',
  lot_size: '0.001',
  tick_size: '0.1',
  minimum_quantity: '0.001',
  session: 'always',
  enabled: true,
};
const added = decide({}, addInstrument('bybit', 'BTCUSDT', BTC, 'ann'));

describe('the symbol map', () => {
  it('takes a new market as version 1, with its history and its fact', () => {
    const document = { schema: 1, version: 1, exchange: 'bybit', symbol: 'BTCUSDT', ...BTC };
    expect(added.answer).toEqual({ accepted: true, document });
    expect(added.documents).toEqual({
      'instruments/bybit:BTCUSDT': document,
      'config_versions/instruments:bybit:BTCUSDT@1': {
        schema: 1,
        collection: 'instruments',
        id: 'bybit:BTCUSDT',
        version: 1,
        changed_at: NOW.toISOString(),
        changed_by: 'ann',
        document,
      },
    });
    expect(facts(added)).toEqual([
      { fact: 'config.changed', body: { collection: 'instruments', id: 'bybit:BTCUSDT', version: 1, document } },
    ]);
  });

  it('changes only what is named, as the next version, and keeps the old one', () => {
    const changed = decide(added.documents, changeInstrument('bybit', 'BTCUSDT', { enabled: false }, 'bob'), LATER);
    expect(changed.documents['instruments/bybit:BTCUSDT']).toMatchObject({ ...BTC, version: 2, enabled: false });
    expect(changed.documents['config_versions/instruments:bybit:BTCUSDT@1']).toMatchObject({ changed_by: 'ann' });
    expect(changed.documents['config_versions/instruments:bybit:BTCUSDT@2']).toMatchObject({ changed_by: 'bob' });
  });

  it.each([
    ['a market that is there', addInstrument('bybit', 'BTCUSDT', BTC, 'ann'), 'CONFIG_INVALID', 'symbol'],
    ['a change of one that is not', changeInstrument('bybit', 'ETHUSDT', {}, 'ann'), 'SYMBOL_UNKNOWN', 'symbol'],
    ['a lot of zero', changeInstrument('bybit', 'BTCUSDT', { lot_size: '0' }, 'ann'), 'CONFIG_INVALID', 'lot_size'],
    ['an unknown member', changeInstrument('bybit', 'BTCUSDT', { lots: '1' }, 'ann'), 'CONFIG_INVALID', ''],
    [
      'a member taken away',
      changeInstrument('bybit', 'BTCUSDT', { currency: undefined }, 'a'),
      'CONFIG_INVALID',
      'currency',
    ],
  ] as const)('refuses %s and changes nothing', (_, act, code, path) => {
    const refused = decide(added.documents, act);
    expect(refused.answer).toMatchObject({ accepted: false, code, issues: [{ path }] });
    expect(refused.documents).toEqual(added.documents);
    expect(facts(refused)).toEqual([]);
  });

  it('cannot be made to skip a version by a member of the change', () => {
    const changed = decide(added.documents, changeInstrument('bybit', 'BTCUSDT', { version: 9, schema: 2 }, 'bob'));
    expect(changed.answer).toMatchObject({ accepted: true, document: { version: 2, schema: 1 } });
  });
});

describe('limits', () => {
  const algorithms = decide({}, addAlgorithm('momentum', 'ann')).documents;

  it('of the default start from the defaults of the founding document', () => {
    const changed = decide({}, changeLimits('default', { allow_short: true }, 'ann'));
    expect(changed.answer).toEqual({ accepted: true, document: { ...DEFAULT_LIMITS, allow_short: true } });
  });

  it('of an algorithm start from the default that stands, as version 1', () => {
    const standing = decide(algorithms, changeLimits('default', { max_daily_loss_pct: '3' }, 'ann')).documents;
    const again = decide(standing, changeLimits('default', { max_portfolio_leverage: '2' }, 'ann')).documents;
    const own = decide(again, changeLimits('momentum', { allow_short: true }, 'ann'));
    expect(own.answer).toMatchObject({
      document: { version: 1, max_daily_loss_pct: '3', max_portfolio_leverage: '2', allow_short: true },
    });
    expect(own.documents['limits/default']).toMatchObject({ version: 2, allow_short: false });
    expect(own.decision.publish?.[0]?.algorithm_id).toBe('momentum');
  });

  it('lose an allow-list that is taken away', () => {
    const listed = decide({}, changeLimits('default', { allowed_symbols: ['bybit:BTCUSDT'] }, 'ann')).documents;
    const open = decide(listed, changeLimits('default', { allowed_symbols: undefined }, 'ann')).documents;
    expect(listed['limits/default']).toHaveProperty('allowed_symbols');
    expect(open['limits/default']).not.toHaveProperty('allowed_symbols');
  });

  it.each([
    ['an algorithm that does not exist', changeLimits('momentun', { allow_short: true }, 'a'), 'ALGORITHM_UNKNOWN'],
    ['a limit that is no number', changeLimits('default', { max_daily_loss_pct: '5 %' }, 'a'), 'CONFIG_INVALID'],
    ['a limit below zero', changeLimits('default', { max_position_size_pct: '-1' }, 'a'), 'CONFIG_INVALID'],
  ] as const)('refuse %s', (_, act, code) => {
    const refused = decide(algorithms, act);
    expect(refused.answer).toMatchObject({ accepted: false, code });
    expect(refused.documents).toEqual(algorithms);
  });
});
