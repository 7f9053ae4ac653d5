import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { realClock } from '#shared/ports/local/clock.ts';
import { openLocal } from '#shared/ports/local/index.ts';
import { type LogLevel, lineLog } from '#shared/ports/local/log.ts';
import { csvMarket, loadBars } from '#shared/ports/local/market.ts';
import { quantConnectOverHttp } from '#shared/ports/local/quantconnect.ts';
import { heard } from '#shared/ports/watch.ts';
import { REASONS } from '#shared/signal/reason.ts';
import { status } from '../house-status.ts';
import { COLLECTIONS } from '../manifest.ts';
import { trailChecker } from '../serve/verify-trail.ts';
import { subscriptions } from '../subscriptions.ts';
import { hostClock } from './clock.ts';
import { deliverer } from './deliver.ts';
import { doorOptions, openDoor } from './door.ts';
import { startFarSide } from './far-side.ts';
import type { StartOptions } from './options.ts';
import { checkIdentity, deployTerms, prepareReplay, Refused, worldSecrets } from './prepare.ts';
import { progressOn } from './progress.ts';
import { CURSOR_ID, Cursors, instantsOf, replay } from './replay.ts';
import { rooms } from './rooms.ts';
import { keepServing } from './serving.ts';
import type { Stop } from './stop.ts';
import { faultsOf, summaryText } from './summary.ts';
import { webhookOf } from './webhook.ts';
import { configurationHash, defaultWorld, keysOf, listingOf, type TradedMarket } from './world.ts';

type Variables = Readonly<Record<string, string | undefined>>;
/** A replay can be repeated, so its trail is checkpointed once a simulated year, and at its end. */
const CHECKPOINT_EVERY_MS = 365 * 86_400_000;
const FAULTY = 1;

/** `npm start`: replays the bars through every function and the stand-in, tells what came of it, keeps serving. */
export async function runReplay(
  options: StartOptions,
  folder: string,
  variables: Variables,
  stop: Stop,
): Promise<number> {
  const world = defaultWorld();
  const market: TradedMarket = { ...options.market, session: options.session };
  const loaded = await readBars(options, market);
  const instants = instantsOf(loaded.bars);
  const identity = {
    bars_sha256: loaded.sha256,
    configuration_sha256: configurationHash(world, market, options.environment),
  };

  const clock = hostClock(new Date(loaded.bars[0]?.start ?? 0));
  const log = lineLog(process.stderr, logLevel(variables), realClock());
  const local = heard(
    openLocal({
      path: folder,
      clock,
      log,
      collections: COLLECTIONS,
      subscriptions: subscriptions(),
      durability: 'NORMAL',
    }),
  );
  const closing: (() => Promise<void> | void)[] = [() => local.close()];
  try {
    const { store, bus } = local;
    const before = await store.get(Cursors, CURSOR_ID);
    checkIdentity(before, identity, folder);
    const secrets = await worldSecrets(local.secrets, world);
    const credentials = { user_id: '1', token: randomBytes(16).toString('hex') };
    const far = await startFarSide(join(folder, 'quantconnect.sqlite'), credentials);
    closing.push(() => far.end());
    const quantconnect = far.noticing(
      quantConnectOverHttp({
        base_url: far.base_url,
        credentials: async () => credentials,
        clock: realClock(),
        timeout_ms: 10_000,
      }),
    );
    const ports = { ...local, clock, log, quantconnect, market: csvMarket([loaded]), ...webhookOf(variables, log) };
    const door = await openDoor(ports, options.port, doorOptions(folder, variables, local));
    closing.push(() => door.close());
    const keyText = keysOf(world, secrets, clock.now()).bridge.text;
    await far.deploy(deployTerms(world, market, listingOf(world, market), door.url, keyText, secrets.bridge));
    await prepareReplay(store, world, market, secrets, identity, instants, clock.now());

    const { rooms: wired, audit, backtests } = rooms(ports, { checkpoint_every_ms: CHECKPOINT_EVERY_MS });
    closing.push(() => backtests.end());
    const delivery = deliverer(ports, wired, { isOver: stop.isAsked });
    const progress = progressOn(
      process.stderr,
      `${market.exchange}:${market.symbol}`,
      instants.length,
      before?.index ?? 0,
    );
    const ended = await replay({ store, clock }, far, delivery, audit, instants, {
      isOver: stop.isAsked,
      onStep: async (index) => {
        progress.at(index + 1);
        if (options.speed !== undefined) await pause(1000 / options.speed, stop);
      },
    });
    progress.end();
    if (ended === 'stopped') {
      process.stderr.write('Stopped. The next start goes on from here.\n');
      return options.once ? FAULTY : 0;
    }
    local.database.sql.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous=FULL');

    const report = await status(ports, trailChecker(ports));
    const faults = faultsOf(report, bus.state().dead);
    const title = `Replayed ${instants.length} bars of ${market.exchange}:${market.symbol}, ${instants[0]?.now.slice(0, 10)} to ${instants.at(-1)?.now.slice(0, 10)}.`;
    say(options, summaryText(report, { title, faults, flags: loaded.flags.length }));
    if (options.once) {
      if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
      return faults.length === 0 ? 0 : FAULTY;
    }
    clock.release();
    say(options, readyText(door.url, folder));
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    await keepServing({ ...ports, bus }, delivery, far, stop, 'in a minute');
    return 0;
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function readBars(options: StartOptions, market: TradedMarket) {
  const loaded = await loadBars({ path: options.bars ?? 'builtin', ...market }).catch((error: unknown) => {
    throw new Refused(`The bars cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
  if (loaded.ok) return loaded;
  const { cause, fix } = REASONS[loaded.code];
  throw new Refused(
    `${options.bars ?? 'The built-in bars'}, line ${loaded.line}: ${loaded.code}: ${loaded.message}\n${cause} ${fix}`,
  );
}

/** People read the summary on standard output, unless that is kept for the JSON object. */
const say = ({ json }: StartOptions, text: string): void =>
  void (json ? process.stderr : process.stdout).write(`${text}\n`);

const readyText = (url: string, folder: string): string => `
ready ${url}
The development key lies in ${join(folder, 'secrets', 'development-key')}. Try:
  curl -H "X-API-KEY: $(cat ${join(folder, 'secrets', 'development-key')})" ${url}/signals/batch/all/SPX
  npx quantbridge status --data ${folder}`;

async function pause(ms: number, stop: Stop): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([stop.asked, waited]);
  clearTimeout(timer);
}

export function logLevel({ LOG_LEVEL }: Variables): LogLevel {
  const levels: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'SILENT'];
  return levels.find((level) => level === LOG_LEVEL) ?? 'WARNING';
}
