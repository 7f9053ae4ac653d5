import { describe, expect, test } from 'vitest';
import { bar, farBank, instrument, signal, tale, time } from './harness.ts';

async function trading(deploy: Parameters<ReturnType<typeof farBank>['deploy']>[0] = {}) {
  const far = farBank();
  await far.deploy(deploy);
  await far.clock(1, bar(1, '100'));
  return far;
}

describe('a signal', () => {
  test('is accepted, ordered under its tag and filled in the clock call after it arrived, not before', async () => {
    const far = await trading();
    expect(await far.send('cmd-1', { signals: [signal('sig-1')] })).toEqual({ outcome: 'sent' });
    expect(far.posted).toHaveLength(0);
    expect(await far.clock(1, bar(1, '100'))).toEqual({ posted: 1, unsent: 0 });
    expect(tale(far.reports())).toEqual(['sig-1 accepted', 'sig-1|E submitted of 1', 'sig-1|E filled of 1 1 at 100']);
  });

  test('under a second command is a duplicate and no second order', async () => {
    const far = await trading();
    await far.send('cmd-1', { signals: [signal('sig-1')] });
    await far.send('cmd-2', { signals: [signal('sig-1')] });
    await far.clock(1);
    expect(tale(far.reports()).filter((line) => line.startsWith('sig-1 '))).toEqual([
      'sig-1 accepted',
      'sig-1 duplicate',
    ]);
    expect(tale(far.reports()).filter((line) => line.includes('filled'))).toHaveLength(1);
  });

  test('in a repeated command is passed over in silence', async () => {
    const far = await trading();
    await far.send('cmd-1', { signals: [signal('sig-1')] });
    await far.send('cmd-1', { signals: [signal('sig-1')] });
    await far.clock(1);
    await far.send('cmd-1', { signals: [signal('sig-1')] });
    expect(await far.clock(2)).toEqual({ posted: 0, unsent: 0 });
    expect(tale(far.reports())).toHaveLength(3);
  });

  test('past its time is expired, by the clock given', async () => {
    const far = await trading();
    await far.send('cmd-1', { signals: [signal('sig-1', { valid_until: time(2) })] });
    await far.clock(2);
    expect(tale(far.reports())).toEqual([`sig-1 expired (${time(2)})`]);
  });

  test('of a market without a price waits for its first bar', async () => {
    const far = farBank();
    await far.deploy();
    await far.send('cmd-1', { signals: [signal('sig-1')] });
    expect(await far.clock(1)).toEqual({ posted: 0, unsent: 0 });
    await far.send('cmd-2', { signals: [signal('sig-1')] });
    await far.clock(2, bar(2, '101'));
    expect(tale(far.reports())).toEqual([
      'sig-1 accepted',
      'sig-1|E submitted of 1',
      'sig-1|E filled of 1 1 at 101',
      'sig-1 duplicate',
    ]);
  });

  test.each([
    ['an unknown symbol', { symbol: 'NOPE' }, 'unknown_symbol'],
    ['less than a lot', { quantity: '0.0001' }, 'nothing_to_do'],
    ['a stop above a buy', { protect: { stop_loss: '101' } }, 'stop_on_the_wrong_side'],
    ['a target below a buy', { protect: { take_profit: '99' } }, 'target_on_the_wrong_side'],
    ['a stop below a sell', { side: 'sell', protect: { stop_loss: '99' } }, 'stop_on_the_wrong_side'],
    ['a close with nothing held', { intent: 'close', side: 'sell' }, 'nothing_to_close'],
    ['an intent without meaning here', { intent: 'amend' }, 'intent_amend_not_supported'],
  ] as const)('with %s is rejected and says why', async (_, change, reason) => {
    const far = await trading();
    await far.send('cmd-1', { signals: [signal('sig-1', change)] });
    await far.clock(1);
    expect(tale(far.reports())).toEqual([`sig-1 rejected (${reason})`]);
  });

  test('that the brokerage refuses is told by an invalid order', async () => {
    const far = await trading({ cash: '10' });
    await far.send('cmd-1', { signals: [signal('sig-1')] });
    await far.clock(1);
    expect(tale(far.reports())).toEqual(['sig-1 accepted', 'sig-1|E invalid of 1']);
    expect(far.reports()[0]?.state.open_signals).toBe(0);
  });
});

describe('a command', () => {
  test.each([
    ['of another key', { kid: 'k2' }],
    ['with another signature', { sig: 'f'.repeat(64) }],
    ['of an unregistered type', { $type: 'OrderCommand' }],
    ['with a body that is no JSON', { body: '{' }],
  ])('%s is accepted by the API and vanishes', async (_, change) => {
    const { wireCommand } = await import('#shared/quantconnect/command.ts');
    const { commandBody, PROJECT } = await import('./harness.ts');
    const far = await trading();
    const command = { ...wireCommand(commandBody('cmd-1', { kind: 'halt' }), 'k1', 'command-secret'), ...change };
    const answer = await far.ports.quantconnect.post('live/commands/create', { projectId: PROJECT, command });
    expect(JSON.parse(answer.body)).toEqual({ success: true, errors: [] });
    expect(await far.clock(1)).toEqual({ posted: 0, unsent: 0 });
  });

  test('for another deployment vanishes', async () => {
    const far = await trading();
    await far.send('cmd-1', { kind: 'halt', deployment_id: 'dep-2' });
    expect(await far.clock(1)).toEqual({ posted: 0, unsent: 0 });
  });
});

describe('the levers', () => {
  test('halt refuses every signal until resume, and both are confirmed', async () => {
    const far = await trading();
    await far.send('cmd-1', { kind: 'halt' });
    await far.send('cmd-2', { signals: [signal('sig-1')] });
    await far.send('cmd-3', { kind: 'resume' });
    await far.send('cmd-4', { signals: [signal('sig-2')] });
    await far.clock(1);
    expect(tale(far.reports()).slice(0, 4)).toEqual(['halted', 'sig-1 rejected (halted)', 'resumed', 'sig-2 accepted']);
  });

  test('a halted algorithm says so in the state of its reports', async () => {
    const far = await trading();
    await far.send('cmd-1', { kind: 'halt' });
    await far.clock(1);
    expect(far.reports()[0]?.state).toEqual({ last_seq: 0, halted: true, open_signals: 0 });
  });

  test('reduce lets only what lowers the position pass', async () => {
    const far = await trading();
    await far.send('cmd-1', { signals: [signal('sig-1', { quantity: '2' })] });
    await far.send('cmd-2', { kind: 'reduce' });
    await far.send('cmd-3', { signals: [signal('sig-2'), signal('sig-3', { intent: 'close', side: 'sell' })] });
    const target = { intent: 'target', side: 'sell', target_quantity: '-5' } as const;
    await far.send('cmd-4', { signals: [signal('sig-4', target)] });
    await far.clock(1);
    expect(tale(far.reports()).slice(3)).toEqual([
      'reducing',
      'sig-2 rejected (reducing)',
      'sig-3 accepted',
      'sig-3|X submitted of -1',
      'sig-3|X filled of -1 -1 at 100',
      'sig-4 accepted',
      'sig-4|X submitted of -1',
      'sig-4|X filled of -1 -1 at 100',
    ]);
  });

  test('flatten cancels what works, closes what is held, and acts once for each count', async () => {
    const far = await trading();
    await far.send('cmd-1', {
      signals: [
        signal('sig-1', { protect: { stop_loss: '90', take_profit: '110' } }),
        signal('sig-2', { order: { type: 'limit', limit_price: '95', time_in_force: 'gtc' } }),
      ],
    });
    await far.clock(1);
    const before = tale(far.reports()).length;
    await far.send('cmd-flatten', { kind: 'flatten', flatten_count: 1 });
    await far.send('cmd-again', { kind: 'flatten', flatten_count: 1 });
    await far.clock(2, bar(2, '101'));
    const lines = tale(far.reports()).slice(before);
    expect(lines.filter((line) => line.includes(' canceled '))).toEqual([
      'sig-1|S canceled of -1',
      'sig-1|T canceled of -1',
      'sig-2|E canceled of 1',
    ]);
    expect(lines.slice(-4)).toEqual([
      'none|- submitted of -1',
      'none|- filled of -1 -1 at 101',
      'flattened',
      'flattened',
    ]);
    expect(far.reports().at(-1)?.state.open_signals).toBe(0);
  });
});

describe('a close', () => {
  test('never goes beyond flat and takes the protection away before it sells', async () => {
    const far = await trading();
    await far.send('cmd-1', { signals: [signal('sig-1', { protect: { stop_loss: '90' } })] });
    await far.send('cmd-2', { signals: [signal('sig-2', { intent: 'close', side: 'sell', quantity: '5' })] });
    await far.clock(1);
    expect(tale(far.reports()).slice(3)).toEqual([
      'sig-1|S submitted of -1',
      'sig-2 accepted',
      'sig-1|S cancelPending of -1',
      'sig-1|S canceled of -1',
      'sig-2|X submitted of -1',
      'sig-2|X filled of -1 -1 at 100',
    ]);
  });

  test('of a part leaves the rest protected', async () => {
    const far = await trading();
    await far.send('cmd-1', { signals: [signal('sig-1', { protect: { stop_loss: '90' } })] });
    await far.send('cmd-2', { signals: [signal('sig-2', { intent: 'close', side: 'sell', quantity: '0.4' })] });
    await far.clock(1);
    expect(tale(far.reports()).slice(4)).toEqual([
      'sig-2 accepted',
      'sig-1|S updateSubmitted of -0.6',
      'sig-2|X submitted of -0.4',
      'sig-2|X filled of -0.4 -0.4 at 100',
    ]);
  });

  test('while another close is under way takes only what that one leaves', async () => {
    const resting = { type: 'limit', limit_price: '105', time_in_force: 'gtc' } as const;
    const far = await trading();
    await far.send('cmd-1', { signals: [signal('sig-1')] });
    await far.send('cmd-2', {
      signals: [signal('sig-2', { intent: 'close', side: 'sell', quantity: '0.7', order: resting })],
    });
    await far.send('cmd-3', { signals: [signal('sig-3', { intent: 'close', side: 'sell' })] });
    await far.clock(1);
    expect(tale(far.reports()).at(-1)).toBe('sig-3|X filled of -0.3 -0.3 at 100');
  });

  test('that crosses to a target on the other side is an exit and an entry', async () => {
    const far = await trading();
    const target = { intent: 'target', side: 'sell', target_quantity: '-2' } as const;
    await far.send('cmd-1', { signals: [signal('sig-1'), signal('sig-2', target)] });
    await far.send('cmd-2', { signals: [signal('sig-3', target)] });
    await far.clock(1);
    expect(tale(far.reports()).filter((line) => line.includes('filled') || line.includes('rejected'))).toEqual([
      'sig-1|E filled of 1 1 at 100',
      'sig-2|X filled of -1 -1 at 100',
      'sig-2|E filled of -2 -2 at 100',
      'sig-3 rejected (nothing_to_do)',
    ]);
  });
});

test('an order good for a day lives through the first day that has a bar after it', async () => {
  const day = 24 * 60;
  const far = await trading();
  const order = { type: 'limit', limit_price: '50', time_in_force: 'day' } as const;
  await far.send('cmd-1', { signals: [signal('sig-1', { order, valid_until: time(9 * day) })] });
  await far.clock(2, bar(2, '100'));
  await far.clock(day, bar(day, '100'));
  expect(tale(far.reports()).at(-1)).toBe('sig-1|E submitted of 1');
  await far.clock(day + 1, bar(day + 1, '100'));
  expect(tale(far.reports()).at(-1)).toBe('sig-1|E canceled of 1');
});

describe('where the market closes', () => {
  const listing = instrument({
    exchange: 'cboe',
    symbol: 'SPX',
    quantconnect: { ticker: 'SPX', security_type: 'index', market: 'usa' },
    currency: 'USD',
    lot_size: '1',
    tick_size: '0.01',
    minimum_quantity: '1',
    session: 'exchange',
  });
  const spx = (n: number, close: string) => ({ ...bar(n, close), exchange: 'cboe', symbol: 'SPX' });
  const of = { exchange: 'cboe', symbol: 'SPX', quantity: '2' } as const;

  test('entries and exits wait for the next open, and an exit under way leaves nothing to protect', async () => {
    const far = farBank();
    await far.deploy({ currency: 'USD', instruments: [listing] });
    await far.clock(1, spx(1, '100'));
    await far.send('cmd-1', { signals: [signal('sig-1', { ...of, protect: { stop_loss_pct: '5' } })] });
    await far.clock(1);
    await far.clock(2, spx(2, '101'));
    await far.send('cmd-2', { signals: [signal('sig-2', { ...of, intent: 'close', side: 'sell' })] });
    await far.clock(2);
    await far.clock(3, spx(3, '90'));
    expect(tale(far.reports())).toEqual([
      'sig-1 accepted',
      'sig-1|E submitted of 2',
      'sig-1|E filled of 2 2 at 101',
      'sig-1|S submitted of -2',
      'sig-2 accepted',
      'sig-1|S cancelPending of -2',
      'sig-1|S canceled of -2',
      'sig-2|X submitted of -2',
      'sig-2|X filled of -2 -2 at 90',
    ]);
    expect(far.reports()[0]?.events[1]).toMatchObject({ order_type: 'market_on_open' });
  });

  test('a flatten before the open takes the entry back', async () => {
    const far = farBank();
    await far.deploy({ currency: 'USD', instruments: [listing] });
    await far.clock(1, spx(1, '100'));
    await far.send('cmd-1', { signals: [signal('sig-1', of)] });
    await far.send('cmd-2', { kind: 'flatten', flatten_count: 1 });
    await far.clock(1);
    await far.clock(2, spx(2, '101'));
    expect(tale(far.reports()).slice(2)).toEqual(['sig-1|E cancelPending of 2', 'sig-1|E canceled of 2', 'flattened']);
  });
});
