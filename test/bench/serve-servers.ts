import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import { CLIENT_CORE, type Command, versionOf } from './serve-process.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const here = (name: string): string => join(import.meta.dirname, name);

/** The limit: node:http with a prepared answer. Without a file it answers a few bytes, as a liveness route does. */
export const limitServer = (port: number, file?: string): Command => ({
  words: [process.execPath, here('serve-limit.js'), String(port), ...(file === undefined ? [] : [file])],
});

export interface Python {
  readonly program: string;
  /** Of Python and of what the founding server is made of. */
  readonly versions: string;
}

const PACKAGES = ['fastapi', 'starlette', 'uvicorn', 'redis'] as const;
const VERSIONS = `import sys, ${PACKAGES.join(', ')}
print("CPython", sys.version.split()[0], *(f"{one.__name__} {one.__version__}" for one in (${PACKAGES.join(', ')})))`;

/** The interpreters to try, in this order. */
export const PYTHONS = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter((one) => one !== undefined);

/** The first interpreter that has what the founding server needs. */
export function pythonWithFastApi(): Python | undefined {
  for (const program of PYTHONS) {
    const versions = versionOf(program, '-c', VERSIONS);
    if (versions !== undefined) return { program, versions };
  }
  return undefined;
}

export const seedServer = (python: Python, port: number, redisPort: number, signals: string, key: string): Command => ({
  words: [python.program, here('serve-seed.py')],
  environment: { PORT: String(port), REDIS_PORT: String(redisPort), SIGNALS: signals, API_KEY: key },
});

export const redisServer = (port: number): Command => ({
  words: ['redis-server', '--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'],
  core: CLIENT_CORE,
});

const Package = z.object({ scripts: z.object({ start: z.string() }) });

/** What is deployed: the bundle of functions/serve in its own folder, with the framework beside it. */
export interface Artefact {
  readonly folder: string;
  readonly start: string;
}

/** Builds the artefact into a folder that does not exist yet. */
export function build(folder: string): Artefact {
  execFileSync(process.execPath, [join(ROOT, 'infra', 'bundle.ts'), 'serve', folder], { stdio: 'pipe' });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const { scripts } = Package.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  return { folder, start: scripts.start };
}

/** What the door would refuse a client for that asks without pause. */
const LIFTED = ['LIMIT_KEY_PER_S', 'LIMIT_KEY_BURST', 'LIMIT_ADDRESS_PER_S', 'LIMIT_ADDRESS_BURST'] as const;

/** The artefact under its own start command, on a data folder, with the limits on callers lifted. */
export const ourServer = ({ folder, start }: Artefact, port: number, data: string): Command => ({
  words: ['sh', '-c', start.startsWith('exec ') ? start : `exec ${start}`],
  cwd: folder,
  environment: {
    PATH: [join(folder, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter),
    NODE_ENV: 'production',
    PORT: String(port),
    QUANTBRIDGE_DATA: data,
    ...Object.fromEntries(LIFTED.map((name) => [name, '1000000'])),
  },
});
