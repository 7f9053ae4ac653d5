import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/*
 * The house holds its own order; `.biome.json` holds the same directions, for the editor.
 *  1. Imports flow one way: ports and nouns know no verb, a verb knows no other verb, nobody knows test. The hosts of
 *     verbs, functions/local and functions/cli, may know all of them; the subcommand of a verb, `*-command.ts`, may
 *     use what functions/cli shows things with.
 *  2. Of the ports a noun knows types only, those of shared/ports/index.ts: `Read` and `Decision` for a decider,
 *     `Ports` for a client that is handed its transport.
 *  3. Google's clients are imported in shared/ports/google alone, the environment is read in the rims alone.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOSTS = ['functions/local', 'functions/cli'];

interface Import {
  readonly from: string;
  /** A path below the root, or the name of a package. */
  readonly to: string;
  readonly isType: boolean;
}

const files = ['functions', 'shared', 'infra', 'test'].flatMap((place) => filesBelow(place));
function filesBelow(place: string): string[] {
  if (!existsSync(join(ROOT, place))) return [];
  const found = readdirSync(join(ROOT, place), { recursive: true, withFileTypes: true, encoding: 'utf8' });
  return found.filter((one) => one.isFile()).map((one) => relative(ROOT, join(one.parentPath, one.name)));
}
const existing = files.filter((path) => path.endsWith('.ts'));
const textOf = new Map(existing.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
const imports = existing.flatMap(importsOf);

function importsOf(from: string): Import[] {
  const text = textOf.get(from) ?? '';
  const static_ = [...text.matchAll(/^(?:import|export)( type)? [^'"]*?(?:from )?'([^']+)';/gm)];
  const dynamic = [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([all, to]) => [all, undefined, to]);
  return [...static_, ...dynamic].map(([, type, to = '']) => ({
    from,
    to: to.startsWith('.') ? relative(ROOT, join(ROOT, dirname(from), to)) : to.replace(/^#/, ''),
    isType: type !== undefined,
  }));
}

const isBelow = (path: string, ...places: string[]): boolean => places.some((place) => path.startsWith(`${place}/`));
/** "functions/notify" of "functions/notify/send.ts"; undefined for a file beside the rooms. */
const verbOf = (path: string): string | undefined => /^functions\/[^/]+(?=\/)/.exec(path)?.[0];
const offences = (isOffence: (one: Import) => boolean): string[] =>
  imports.filter(isOffence).map(({ from, to }) => `${from} imports ${to}`);
const naming = (pattern: RegExp, ...allowed: string[]): string[] =>
  existing.filter(
    (path) => pattern.test(textOf.get(path) ?? '') && !allowed.includes(path) && !isBelow(path, ...allowed),
  );

it('reads the imports that it judges', () => {
  const isThere = (from: string, to: string) => imports.some((one) => one.from === from && one.to === to);
  expect(isThere('functions/local/rooms.ts', 'functions/notify/notify.ts')).toBe(true);
  expect(isThere('functions/cli/data.ts', 'shared/ports/local/index.ts')).toBe(true);
  expect(isThere('shared/intake/intake.ts', 'shared/signal/schema.ts')).toBe(true);
});

const isSubcommand = (from: string, to: string): boolean => from.endsWith('-command.ts') && to === 'functions/cli';

describe('imports flow one way', () => {
  it('shared knows no function', () => {
    expect(offences(({ from, to }) => isBelow(from, 'shared') && isBelow(to, 'functions', 'infra'))).toEqual([]);
  });

  it('a noun knows of the ports their types only', () => {
    const isNoun = (path: string) => isBelow(path, 'shared') && !isBelow(path, 'shared/ports');
    const isOffence = ({ from, to, isType }: Import) =>
      isNoun(from) && isBelow(to, 'shared/ports') && !(isType && to === 'shared/ports/index.ts');
    expect(offences(isOffence)).toEqual([]);
  });

  it('a noun does no I/O', () => {
    const isOffence = ({ from, to }: Import) =>
      isBelow(from, 'shared') && !isBelow(from, 'shared/ports') && to.startsWith('node:') && to !== 'node:crypto';
    expect(offences(isOffence)).toEqual([]);
  });

  it('a verb knows no other verb', () => {
    const isOffence = ({ from, to }: Import) => {
      const [own, other] = [verbOf(from), verbOf(to)];
      return (
        own !== undefined && other !== undefined && own !== other && !HOSTS.includes(own) && !isSubcommand(from, other)
      );
    };
    expect(offences(isOffence)).toEqual([]);
  });

  it('what stands beside the verbs knows none of them', () => {
    const isBeside = (path: string) => isBelow(path, 'functions') && verbOf(path) === undefined;
    expect(offences(({ from, to }) => isBeside(from) && verbOf(to) !== undefined)).toEqual([]);
  });

  it('nobody knows test', () => {
    expect(offences(({ from, to }) => !isBelow(from, 'test') && isBelow(to, 'test'))).toEqual([]);
  });

  it('the ports alone know the clients of Google, the rims alone the framework', () => {
    const isRim = (from: string, to: string) =>
      to === '@google-cloud/functions-framework' && /^functions\/[^/]+\/index\.ts$/.test(from);
    const isOffence = ({ from, to }: Import) =>
      to.startsWith('@google-cloud/') && !isBelow(from, 'shared/ports/google', 'infra', 'test') && !isRim(from, to);
    expect(offences(isOffence)).toEqual([]);
  });
});

describe('what is named in one place only', () => {
  it('the stand-in, by its path, in functions/local', () => {
    const outside = naming(/\btest\/quantconnect\b/, 'functions/local', 'test');
    expect(outside).toEqual([]);
  });

  it('the environment, in the rims', () => {
    const rims = existing.filter((path) => /^functions\/[^/]+\/(index|[a-z]+-command)\.ts$/.test(path));
    expect(naming(/\bprocess\.env\b/, 'functions/cli', 'test', ...rims)).toEqual([]);
  });
});

describe('sizes and names', () => {
  const linesOf = (path: string): number => (textOf.get(path) ?? '').trimEnd().split('\n').length;

  it('no source is longer than 300 lines, no test than 500', () => {
    const wall = (path: string): number => (path.endsWith('.test.ts') ? 500 : 300);
    expect(existing.filter((path) => linesOf(path) > wall(path)).map((path) => `${path}: ${linesOf(path)}`)).toEqual(
      [],
    );
  });

  it('no room is named for having no name', () => {
    const rooms = new Set(files.flatMap((path) => dirname(path).split('/')));
    const nameless = ['utils', 'util', 'helpers', 'common', 'lib', 'core', 'types', 'constants', 'misc'];
    expect(nameless.filter((name) => rooms.has(name))).toEqual([]);
  });

  it('files are named in kebab-case', () => {
    const isKebab = (path: string): boolean => /(^|\/)[a-z0-9]+(-[a-z0-9]+)*(\.test|\.config)?\.ts$/.test(path);
    expect(existing.filter((path) => !isKebab(path))).toEqual([]);
  });
});
