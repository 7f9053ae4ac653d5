import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { COLLECTIONS } from '#functions/manifest.ts';
import { submit } from '#functions/submit.ts';
import { subscriptions } from '#functions/subscriptions.ts';
import type { Act } from '#shared/control/config.ts';
import { resume } from '#shared/control/control.ts';
import { addAlgorithm } from '#shared/deployment/deployment.ts';
import { addKey, createKey } from '#shared/key/key.ts';
import type { Scope } from '#shared/key/schema.ts';
import { addInstrument } from '#shared/market/instrument-change.ts';
import { realClock } from '#shared/ports/local/clock.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { changeLimits } from '#shared/risk/limits-change.ts';
import { type Host, ROOT, run, shell } from '../process/host.ts';

/** The function as it is deployed: its bundle, and beside it the framework and nothing else of this repository. */
export interface Artefact {
  readonly folder: string;
  readonly data: string;
  readonly key: string;
  readonly narrow: string;
  remove(): void;
}

const FRAMEWORK = '@google-cloud/functions-framework';

export async function artefact(): Promise<Artefact> {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'quantbridge-deploy-')));
  const folder = join(place, 'bundle');
  execFileSync(process.execPath, [join(ROOT, 'infra/bundle.ts'), 'serve', folder], { stdio: 'pipe' });
  const framework = realpathSync(join(ROOT, 'node_modules', FRAMEWORK));
  mkdirSync(join(folder, 'node_modules/@google-cloud'), { recursive: true });
  mkdirSync(join(folder, 'node_modules/.bin'));
  symlinkSync(framework, join(folder, 'node_modules', FRAMEWORK));
  symlinkSync(join(framework, 'build/src/main.js'), join(folder, 'node_modules/.bin/functions-framework'));
  writeFileSync(join(place, 'hook.mjs'), HOOK);
  writeFileSync(join(place, 'loader.mjs'), LOADER);
  const data = join(place, 'data');
  mkdirSync(data);
  const keys = await seed(data);
  return { folder, data, ...keys, remove: () => rmSync(place, { recursive: true, force: true }) };
}

const HOOK = `import { register } from 'node:module';
register(new URL('loader.mjs', import.meta.url));
`;
/** Writes down what is loaded, and holds the app back until the gate is open. */
const LOADER = `import { appendFileSync, existsSync } from 'node:fs';
const { LOADED, GATE } = process.env;
export async function load(url, context, next) {
  appendFileSync(LOADED, url + '\\n');
  if (/\\/opened-[^/]*$/.test(url)) while (!existsSync(GATE)) await new Promise((resolve) => setTimeout(resolve, 20));
  return next(url, context);
}
`;

/** A data folder with one signal of one algorithm, and keys that may and may not read it. */
async function seed(path: string): Promise<Pick<Artefact, 'key' | 'narrow'>> {
  const clock = realClock();
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const local = openLocal({ path, clock, log: silent, collections: COLLECTIONS, subscriptions: subscriptions() });
  const act = async <A extends { accepted: boolean }>({ keys, decide }: Act<A>): Promise<void> => {
    const outcome = await local.store.commit(keys, decide);
    if (!outcome.accepted) throw new Error(JSON.stringify(outcome));
  };
  const key = async (key_id: string, scopes: readonly Scope[]): Promise<string> => {
    const terms = { key_id, secret: key_id.padEnd(43, 'x'), scopes, algorithm_id: 'alg' };
    const { document, text } = createKey(terms, clock.now());
    await act(addKey(document));
    return text;
  };
  const listing = {
    quantconnect: { ticker: 'BTCUSDT', security_type: 'crypto', market: 'bybit' },
    currency: 'USDT',
    lot_size: '0.001',
    tick_size: '0.1',
    minimum_quantity: '0.001',
    session: 'always',
    enabled: true,
  };
  await act(addInstrument('bybit', 'BTCUSDT', listing, 'test'));
  await act(addAlgorithm('alg', 'test'));
  await act(changeLimits('default', { max_position_size_pct: '50', max_signal_age_ms: 3_600_000 }, 'test'));
  await act(resume('the test begins', 'test'));
  const keys = { key: await key('reader', ['read_signals', 'submit']), narrow: await key('narrow', []) };
  const now = clock.now();
  const close = { open: '100', high: '100', low: '100', close: '100', volume: '1' };
  const start = new Date(now.getTime() - 60_000).toISOString();
  const bar = { exchange: 'bybit', symbol: 'BTCUSDT', start, available_at: now.toISOString(), ...close };
  const market = { bars: async () => [bar] };
  const raw = { symbol: 'BTCUSDT', exchange: 'bybit', timestamp: now.toISOString(), action: 'buy', quantity: 1 };
  const submitted = await submit({ ...local, clock, market }, { raw, algorithm_id: 'alg' });
  if (!submitted.read) throw new Error(JSON.stringify(submitted));
  local.database.close();
  return keys;
}

export interface Running {
  readonly host: Host;
  readonly port: number;
  /** Lets the app be loaded. */
  open(): void;
  /** The files of the bundle that were loaded. */
  loaded(): string[];
}

let started = 0;

/** Starts the function by the start command of its own package.json. */
export async function start(
  { folder, data }: Artefact,
  variables: Record<string, string> = { QUANTBRIDGE_DATA: data },
): Promise<Running> {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const place = dirname(folder);
  const port = await freePort();
  started += 1;
  const [LOADED, GATE] = [join(place, `loaded-${started}`), join(place, `gate-${started}`)];
  const { PATH: path = '', ...plain } = shell();
  const PATH = [join(folder, 'node_modules/.bin'), dirname(process.execPath), path].join(delimiter);
  const NODE_OPTIONS = `--import=${join(place, 'hook.mjs')}`;
  const env = { ...plain, PATH, NODE_OPTIONS, LOADED, GATE, PORT: String(port), NODE_ENV: 'production', ...variables };
  const host = run('sh', ['-c', `cd '${folder}' && ${scripts.start}`], env);
  return {
    host,
    port,
    open: () => writeFileSync(GATE, ''),
    loaded: () =>
      existsSync(LOADED)
        ? readFileSync(LOADED, 'utf8')
            .split('\n')
            .filter((url) => url.startsWith(`file://${folder}/`))
        : [],
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port is free');
  return address.port;
}
