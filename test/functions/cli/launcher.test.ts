import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LAUNCHER, olderNode, quantbridge, ROOT, runToEnd } from './command-line.ts';

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A checkout with the launcher and whatever else is named, by path. */
function checkout(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantbridge-launcher-'));
  made.push(folder);
  mkdirSync(join(folder, 'functions/cli'), { recursive: true });
  cpSync(LAUNCHER, join(folder, 'functions/cli/quantbridge'));
  for (const [path, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text, { mode: 0o755 });
  }
  return folder;
}

/** A Node that says it is version 20: the machine's own, or ours under a preload that claims it. */
function oldNode(folder: string): [string, string[]] {
  if (olderNode !== undefined) return [olderNode, []];
  const claim = join(folder, 'claim.cjs');
  writeFileSync(
    claim,
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.0.0' } });",
  );
  return [process.execPath, ['--require', claim]];
}

const COMMANDER = { 'node_modules/commander/package.json': '{}' };
/** Stands in for our own Node: says how it was called, lives until it is told to end. */
const OUR_NODE = `#!${process.execPath}
process.on('SIGTERM', () => { console.log('told to end'); process.exit(7); });
if (process.argv.includes('stay')) setInterval(() => {}, 1000);
console.log('called', JSON.stringify(process.argv.slice(3)));
`;

describe('the launcher', () => {
  it('is executable, because npx runs it as it is', () => {
    expect(statSync(LAUNCHER).mode & 0o111).toBe(0o111);
  });

  it('runs from npx without a registry, from any folder of the repository', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'quantbridge-npm-'));
    made.push(cache);
    const env = { ...process.env, npm_config_cache: cache, npm_config_offline: 'true' };
    const cwd = join(ROOT, 'functions');
    const { code, out } = await runToEnd('npx', ['quantbridge', '--help'], { cwd, env });
    expect(out).toContain('Usage: quantbridge');
    expect(code).toBe(0);
  });

  it('under an older Node hands the same arguments to our own and gives its exit code back', async () => {
    const folder = checkout({ ...COMMANDER, 'node_modules/.bin/node': `${OUR_NODE}process.exitCode = 5;\n` });
    const [node, flags] = oldNode(folder);
    const launcher = join(folder, 'functions/cli/quantbridge');
    const ended = await runToEnd(node, [...flags, launcher, 'halt', '--reason', 'two words']);
    expect(ended.out).toBe('called ["halt","--reason","two words"]\n');
    expect(ended.code).toBe(5);
  });

  it('passes a signal on and waits for what comes of it', async () => {
    const folder = checkout({ ...COMMANDER, 'node_modules/.bin/node': OUR_NODE });
    const [node, flags] = oldNode(folder);
    const child = spawn(node, [...flags, join(folder, 'functions/cli/quantbridge'), 'stay']);
    const ended = Promise.withResolvers<number | null>();
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (out === '') child.kill('SIGTERM');
      out += text;
    });
    child.on('close', (code) => ended.resolve(code));
    expect(await ended.promise).toBe(7);
    expect(out).toContain('told to end');
  });

  it.each([
    ['nothing is installed', {}, 'its packages are missing'],
    ['only our own Node is missing', COMMANDER, 'needs Node 24'],
  ])('says what to do when %s', async (_, files, words) => {
    const folder = checkout(files);
    const [node, flags] = oldNode(folder);
    const { code, out, err } = await runToEnd(node, [...flags, join(folder, 'functions/cli/quantbridge'), 'status']);
    expect(err).toContain(words);
    expect(err).toContain('npm ci');
    expect([code, out]).toEqual([2, '']);
  });
});

describe('help', () => {
  it('names every command and asks for no data folder', async () => {
    const { code, out } = await quantbridge(['--help', '--data', '/nowhere']);
    const commands = [...out.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name]) => name);
    expect(commands).toEqual([
      'status',
      'halt',
      'reduce',
      'resume',
      'flatten',
      'signals',
      'alerts',
      'parked',
      'dead-letters',
      'algorithms',
      'strategies',
      'deployments',
      'symbols',
      'limits',
      'keys',
      'trail',
      'backtest',
      'lookahead',
      'bundles',
      'help',
    ]);
    expect(code).toBe(0);
  });
});
