import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

/*
 * Google's emulators of Firestore and Pub/Sub, for test/contract and test/flow/on-emulators.test.ts, where the machine has them: Debian
 * packages google-cloud-cli-firestore-emulator and google-cloud-cli-pubsub-emulator (or the components of gcloud),
 * and a Java runtime. They are started with `java` itself, since gcloud leaves them running when it is ended.
 * QUANTBRIDGE_EMULATORS=required makes their absence a failure.
 */

const NEEDED_BY = /\/test\/(contract\/|flow\/on-emulators\.)/;
const READY_WITHIN_MS = 60_000;
/** Emulators live for a minute or two: most of what the JVM compiles with its second compiler is never earned back. */
const SHORT_LIVED = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
const started: ChildProcess[] = [];
let folder: string | undefined;

interface Emulator {
  readonly name: string;
  readonly variable: string;
  readonly command: (port: number) => string[];
}

export async function setup(project: TestProject): Promise<void> {
  if (!(await areNeeded(project))) return;
  const isGiven = process.env.FIRESTORE_EMULATOR_HOST !== undefined && process.env.PUBSUB_EMULATOR_HOST !== undefined;
  const emulators = isGiven ? [] : find();
  if (typeof emulators === 'string') {
    const absence = `Google's emulators are not here (${emulators}): test/contract runs without the google family, test/flow/on-emulators is skipped`;
    if (process.env.QUANTBRIDGE_EMULATORS === 'required') throw new Error(absence);
    console.log(absence);
  }
  folder = mkdtempSync(join(tmpdir(), 'quantbridge-emulators-'));
  process.env.QUANTBRIDGE_CONTRACT_TALLY = join(folder, 'tally');
  if (typeof emulators === 'string') return;
  process.env.METADATA_SERVER_DETECTION = 'none';
  process.once('exit', end);
  await Promise.all(emulators.map(start));
}

export async function teardown(): Promise<void> {
  const tally = process.env.QUANTBRIDGE_CONTRACT_TALLY;
  if (tally !== undefined && existsSync(tally))
    for (const line of summary(readFileSync(tally, 'utf8'))) console.log(line);
  const ended = started.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  end();
  await Promise.all(ended);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

function end(): void {
  for (const child of started) child.kill('SIGTERM');
}

/** Whether a file of the tests that were asked for needs the emulators. */
async function areNeeded(project: TestProject): Promise<boolean> {
  const asked = process.argv.slice(2).filter((word) => word.startsWith('test/') && !word.endsWith('.config.ts'));
  const { testFiles } = await project.globTestFiles(asked);
  return testFiles.some((file) => NEEDED_BY.test(file));
}

/** One line per family, from one line per test file and family. */
function summary(tally: string): string[] {
  const counts = new Map<string, number>();
  for (const line of tally.trim().split('\n')) {
    const [family = '', cases = '0'] = line.split(' ');
    counts.set(family, (counts.get(family) ?? 0) + Number(cases));
  }
  const google = counts.get('google');
  const doubles = `storage and secret manager not run: no emulator, ${counts.get('double') ?? 0} cases on doubles`;
  return [
    `contract local: ${counts.get('local') ?? 0} cases`,
    google === undefined
      ? `contract google: not run (no emulators of firestore and pubsub; ${doubles})`
      : `contract google: ${google} cases (firestore, pubsub emulators; ${doubles})`,
  ];
}

/** How to start both, or what is missing. */
function find(): readonly Emulator[] | string {
  if (spawnSync('java', ['-version']).status !== 0) return 'no java';
  const platform = join(sdkRoot(), 'platform');
  const firestore = findJar(join(platform, 'cloud-firestore-emulator'), /^cloud-firestore-emulator\.jar$/);
  const pubsub = findJar(join(platform, 'pubsub-emulator', 'lib'), /^cloud-pubsub-emulator-.*all\.jar$/);
  if (firestore === undefined || pubsub === undefined) return 'no emulator in the Google Cloud SDK';
  const main = 'com.google.cloud.datastore.emulator.firestore.CloudFirestore';
  return [
    {
      name: 'firestore',
      variable: 'FIRESTORE_EMULATOR_HOST',
      command: (port) => ['-Duser.language=en', '-cp', firestore, main, '--host', '127.0.0.1', '--port', `${port}`],
    },
    {
      name: 'pubsub',
      variable: 'PUBSUB_EMULATOR_HOST',
      command: (port) => ['-jar', pubsub, '--host=127.0.0.1', `--port=${port}`],
    },
  ];
}

function sdkRoot(): string {
  const debian = '/usr/lib/google-cloud-sdk';
  if (existsSync(join(debian, 'platform'))) return debian;
  const asked = spawnSync('gcloud', ['info', '--format=value(installation.sdk_root)'], { encoding: 'utf8' });
  return asked.status === 0 ? asked.stdout.trim() : debian;
}

function findJar(below: string, name: RegExp): string | undefined {
  const found = existsSync(below) ? readdirSync(below).find((file) => name.test(file)) : undefined;
  return found === undefined ? undefined : join(below, found);
}

async function start({ name, variable, command }: Emulator): Promise<void> {
  const port = await freePort();
  const log = join(folder ?? tmpdir(), `${name}.log`);
  const output = openSync(log, 'a');
  const child = spawn('java', [...SHORT_LIVED, ...command(port)], { stdio: ['ignore', output, output] });
  started.push(child);
  const until = performance.now() + READY_WITHIN_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > until)
      throw new Error(`the ${name} emulator did not start:\n${readFileSync(log, 'utf8').slice(-2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  process.env[variable] = `127.0.0.1:${port}`;
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/`)).status === 200;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
