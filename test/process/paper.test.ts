import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deployment, instrument, PROJECT } from '../quantconnect/harness.ts';
import { CREDENTIALS } from '../quantconnect/stand-in.ts';
import { bars, doorOf, host, lastLine, newFolder, quantbridge, ROOT, run, shell, statusOf, until } from './host.ts';

const { user_id, token } = CREDENTIALS;
const QUICKLY_MS = 10_000;

/** A stand-in for QuantConnect that the host takes for the real one. */
async function farSide(faults: object = {}) {
  const env = shell({ STAND_IN_FAULTS: JSON.stringify(faults) });
  const entry = join(ROOT, 'test/quantconnect/index.ts');
  const far = run(process.execPath, ['--disable-warning=ExperimentalWarning', entry], env, 'pipe');
  const [, port = ''] = await far.says(/"port":(\d+)/);
  const control = async (path: string, body?: object) => {
    const said = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return (await fetch(`http://127.0.0.1:${port}/-/${path}`, said)).json();
  };
  await control('deploy', deployment());
  const variables = {
    QUANTCONNECT_USER_ID: user_id,
    QUANTCONNECT_API_TOKEN: token,
    QUANTCONNECT_BASE_URL: `http://127.0.0.1:${port}/api/v2`,
  };
  /** Commands that were accepted and wait for the algorithm. */
  const recorded = async (): Promise<number> => Number(Object(await control('clock')).recorded);
  return { control, recorded, variables };
}

type Far = Awaited<ReturnType<typeof farSide>>;
const paper = ({ variables }: Far, folder: string, ...args: string[]) =>
  host(['--environment', 'paper', '--data', folder, ...args], shell(variables));

const { quantconnect, currency, lot_size, tick_size, minimum_quantity } = instrument();
const listing = { ...Object(quantconnect), currency, lot_size, tick_size, minimum_quantity, session: 'always' };

async function ask(folder: string, ...args: string[]) {
  const { code, out, err } = await quantbridge(folder, '--json', ...args);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(lastLine(out.replaceAll('\n', ' ')));
}

/** What a person does to bring an algorithm that runs at QuantConnect into a folder. */
async function addAll(folder: string): Promise<void> {
  const options = Object.entries(listing).flatMap(([name, value]) => [`--${name.replace('_', '-')}`, String(value)]);
  await ask(folder, 'symbols', 'add', 'bybit:BTCUSDT', ...options);
  await ask(folder, 'algorithms', 'add', 'alg-1');
  const terms = ['--qc-project-id', String(PROJECT), '--key-id', 'paper-1', '--initial-cash', '100000'];
  await ask(
    folder,
    'deployments',
    'add',
    'dep-1',
    '--algorithm',
    'alg-1',
    '--environment',
    'paper',
    '--currency',
    'USDT',
    ...terms,
  );
  await ask(folder, 'resume', '--reason', 'first day');
}

function signalFile(folder: string, id: string): string {
  const path = join(folder, `${id}.json`);
  const order = { order_type: 'LIMIT', limit_price: 20_000, quantity: 0.1 };
  const signal = {
    algorithm_id: 'alg-1',
    symbol: 'BTCUSDT',
    action: 'BUY',
    ...order,
    timestamp: new Date().toISOString(),
    signal_id: id,
  };
  writeFileSync(path, JSON.stringify(signal));
  return path;
}

describe('paper trading at QuantConnect', () => {
  it('brings a signal as a command to a deployment that was added beside the running host', async () => {
    const [far, folder] = [await farSide(), newFolder()];
    const one = paper(far, folder);
    const url = await doorOf(one);
    await addAll(folder);
    await until(async () => (await far.recorded()) === 1, QUICKLY_MS, 'the algorithm was not told to resume');
    expect(await ask(folder, 'signals', 'submit', signalFile(folder, 's-1'))).toMatchObject({
      submitted: [{ accepted: true, quantity: '0.1' }],
    });
    await until(async () => (await far.recorded()) === 2, QUICKLY_MS, 'the signal has not arrived');
    await until(async () => (await statusOf(url, folder)).commands === 2, QUICKLY_MS, 'the trail knows no command');
    one.signal('SIGTERM');
    expect((await one.ended).code).toBe(0);

    const again = paper(far, folder);
    await doorOf(again);
    again.signal('SIGTERM');
    expect((await again.ended).code).toBe(0);
    expect(await far.recorded()).toBe(2);
  });

  it('sends nothing to a deployment on another brokerage: neither at a start nor when it is added later', async () => {
    const [far, folder] = [await farSide({ brokerage: 'InteractiveBrokersBrokerage' }), newFolder()];
    const one = paper(far, folder);
    const url = await doorOf(one);
    await addAll(folder);
    await ask(folder, 'signals', 'submit', signalFile(folder, 's-1'));
    const isSaid = async () =>
      JSON.stringify((await statusOf(url, folder)).alerts).includes('InteractiveBrokersBrokerage');
    await until(isSaid, QUICKLY_MS, 'nobody was told');
    one.signal('SIGTERM');
    expect((await one.ended).code).toBe(0);

    const again = await paper(far, folder).ended;
    expect(again).toMatchObject({ code: 2, out: '' });
    expect(again.err).toContain('runs on InteractiveBrokersBrokerage at QuantConnect: stopped before any order');
    expect(await far.recorded()).toBe(0);
  });
});

describe('a start at QuantConnect is refused with a sentence and exit code 2', () => {
  const start = async (change: Partial<Far['variables']>, ...args: string[]) => {
    const folder = newFolder();
    const variables = {
      QUANTCONNECT_USER_ID: user_id,
      QUANTCONNECT_API_TOKEN: token,
      QUANTCONNECT_BASE_URL: 'http://127.0.0.1:9',
      ...change,
    };
    return host(['--environment', 'paper', '--data', folder, ...args], shell(variables)).ended;
  };

  it.each<[string, Record<string, string | undefined>, string[], string]>([
    ['without a user', { QUANTCONNECT_USER_ID: undefined }, [], 'Set QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN'],
    ['without a token', { QUANTCONNECT_API_TOKEN: '' }, [], 'Set QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN'],
    ['with historical bars', {}, ['--bars', 'bars.csv'], 'Historical bars and a replay do not go with'],
    ['with a speed', {}, ['--speed', '5'], 'Historical bars and a replay do not go with'],
    ['once', {}, ['--once'], 'Historical bars and a replay do not go with'],
    ['live with one switch', {}, ['--environment', 'live'], 'Live trades real money'],
    ['when nobody answers', {}, [], 'Nothing was sent; try again later.'],
  ])('%s', async (_, change, args, words) => {
    const ended = await start(change, ...args);
    expect(ended).toMatchObject({ code: 2, out: '', err: expect.stringContaining(words) });
  });

  it('with a wrong token, which it does not repeat', async () => {
    const { variables } = await farSide();
    const ended = await start({ ...variables, QUANTCONNECT_API_TOKEN: 'a-wrong-token' });
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toContain('QuantConnect refuses the credentials');
    expect(ended.err).not.toContain('a-wrong-token');
  });

  it('in the folder of a replay, and a replay in its folder', async () => {
    const [far, folder, file] = [await farSide(), newFolder(), bars(newFolder(), 5)];
    const one = paper(far, folder);
    await doorOf(one);
    one.signal('SIGTERM');
    expect((await one.ended).code).toBe(0);
    const replay = await host(['--once', '--data', folder, '--bars', file]).ended;
    expect(replay).toMatchObject({ code: 2, err: expect.stringContaining('belongs to deployments at QuantConnect') });

    const other = newFolder();
    expect((await host(['--once', '--data', other, '--bars', file]).ended).code).toBe(0);
    expect(await paper(far, other).ended).toMatchObject({
      code: 2,
      err: expect.stringContaining('belongs to a replay'),
    });
  });
});
