import { readdirSync, readFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FUNCTIONS } from '#functions/manifest.ts';
import { REASONS } from '#shared/signal/reason.ts';
import { house } from './functions/push/house.ts';
import { bars, doorOf, newFolder, ROOT, run, shell } from './process/host.ts';

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const sourceOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const sources = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => sourceOf(join(folder, name)));
/** The text between two headings. */
const section = (title: string): string => readme.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
const firstCells = (text: string): string[] => [...text.matchAll(/^\| `([^`]+)` .*\|$/gm)].map(([, cell = '']) => cell);

/** The commands of the README, block by block. */
const BLOCKS = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands = '']) => commands);

describe('the README', () => {
  it('stays under 220 lines', () => {
    expect(readme.split('\n').length).toBeLessThan(220);
  });

  it('maps the functions as the manifest has them', () => {
    for (const [name, { does }] of Object.entries(FUNCTIONS)) {
      expect(section('The house')).toContain(`| \`functions/${name}\` | ${does} |`);
    }
  });

  it.each(['functions', 'shared'])('names every room of %s, and no other', (place) => {
    const there = readdirSync(join(ROOT, place), { withFileTypes: true }).filter((one) => one.isDirectory());
    const named = [...section('The house').matchAll(/`(\w+\/\w+)`/g)].map(([, name]) => name);
    const rooms = there.map(({ name }) => `${place}/${name}`);
    expect(named.filter((name) => name?.startsWith(`${place}/`)).toSorted()).toEqual(rooms.toSorted());
  });

  it('explains every kind of alert that is raised', () => {
    const raised = [...sources('functions'), ...sources('shared')].flatMap((text) =>
      [...text.matchAll(/(?:\braise\(|\balarm\(\s*change,|\balert: \{ kind:)\s*'([a-z_]+)'/g)].map(
        ([, kind = '']) => kind,
      ),
    );
    expect(firstCells(section('Operate'))).toEqual([...new Set(raised)].toSorted());
  });

  it('names every route of the door, with codes of the catalogue', async () => {
    const { door } = await house();
    const { paths } = (await (await door.request('/openapi.json')).json()) as { paths: Record<string, object> };
    const served = Object.entries(paths).flatMap(([path, of]) =>
      Object.keys(of).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const named = firstCells(section('API')).map((route) => route.replace(/\?.*/, ''));
    expect(named.toSorted()).toEqual(served.toSorted());
    const codes = [...section('API').matchAll(/`([A-Z]+_[A-Z_]+|INTERNAL|UNAVAILABLE)`/g)].map(([, code = '']) => code);
    expect(codes.filter((code) => !Object.hasOwn(REASONS, code))).toEqual([]);
  });
});

/** A checkout of its own, so that the commands run in it as they stand and its data is nobody else's. */
async function checkout(): Promise<string> {
  const folder = newFolder();
  for (const name of ['package.json', 'node_modules', 'functions', 'shared', 'test'])
    await symlink(join(ROOT, name), join(folder, name));
  return folder;
}

it('the commands of the README do what it says', async () => {
  const folder = await checkout();
  const [start = '', ...others] = BLOCKS;
  expect(start).toBe('npm start\n');
  expect(others.length).toBeGreaterThan(1);
  const few = process.env.QUANTBRIDGE_LONG === '1' ? '' : ` --bars ${bars(folder, 120)}`;
  const one = run('bash', ['-c', `cd ${folder} && exec npm start -- --port 0${few}`]);
  const url = await doorOf(one);
  for (const commands of others) {
    const script = `set -euo pipefail; cd ${folder}\n${commands.replaceAll('http://127.0.0.1:8080', url)}`;
    const ended = await run('bash', ['-c', script], shell({ npm_config_offline: 'true' })).ended;
    expect(ended, ended.out + ended.err).toMatchObject({ code: 0 });
    expect(ended.out).not.toContain('"error"');
    expect(ended.out).not.toContain('"detail"');
  }
  one.signal('SIGINT', 'group');
  expect((await one.ended).code).toBe(0);
});
