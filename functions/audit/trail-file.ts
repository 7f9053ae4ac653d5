import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join, sep } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { canonical } from '#shared/digest.ts';
import { databasePath } from '#shared/ports/local/index.ts';
import { ChainHead, Checkpoint, checkpointPath } from '#shared/trail/schema.ts';
import { trailVerifier, type Verification } from '#shared/trail/verify.ts';

/**
 * The trail outside of a running system: the documents of a data folder, and exports of them. Nothing here needs a
 * server, and nothing writes.
 */

/** Told how much was read since it was told last, of the total named by `size`. */
export interface Progress {
  start(size: number): void;
  advance(by: number): void;
}

/** The last line of an exported chain. `chains` are all that the export holds, so that none can be cut off whole. */
const LastLine = z.strictObject({ checkpoint: Checkpoint, chains: z.array(z.string()) });

const READ_BYTES = 1 << 20;

function jsonOf(text: string | undefined): unknown {
  try {
    if (text === undefined) return undefined;
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Verifies all chains of a data folder against their heads and checkpoint files, as of one moment. */
export function verifyFolder(folder: string, progress: Progress): Verification[] {
  // Checkpoints first: one that is written meanwhile would name rows that the snapshot of the database has not.
  const { checkpoints, broken } = checkpointFiles(folder);
  const database = snapshot(folder);
  try {
    const verifier = trailVerifier(checkpoints);
    for (const { chain, path } of broken) verifier.unreadable(chain, `the checkpoint file ${path} cannot be read`);
    for (const { id, head } of headsOf(database)) {
      if (head === undefined) verifier.unreadable(id, 'its head cannot be read');
      else verifier.head(head);
    }
    progress.start(Number(database.prepare("SELECT count(*) AS n FROM documents WHERE collection = 'trail'").get()?.n));
    for (const { id, body } of documents(database, 'trail')) {
      const { chain, position } = placeOf(id);
      verifier.add(chain, jsonOf(body), position);
      progress.advance(1);
    }
    return verifier.end();
  } finally {
    database.close();
  }
}

/** Verifies an export, line by line. */
export function verifyFile(path: string, size: number, progress: Progress): Verification[] {
  const verifier = trailVerifier();
  let chain = '';
  progress.start(size);
  for (const line of lines(path)) {
    progress.advance(line.length + 1);
    const value = jsonOf(textOf(line));
    const named = chainNamed(value);
    const last = named === undefined ? LastLine.safeParse(value).data : undefined;
    if (last === undefined) {
      chain = named ?? chain;
      verifier.add(chain, value);
      continue;
    }
    for (const name of last.chains) verifier.expect(name);
    verifier.head(last.checkpoint);
  }
  return verifier.end();
}

function chainNamed(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('chain' in value)) return undefined;
  return typeof value.chain === 'string' ? value.chain : undefined;
}

/** An export, line by line: rows as canonical JSON in the order of their chains, each chain closed by its checkpoint. */
export function* exportLines(folder: string, only?: string): Generator<string> {
  const database = snapshot(folder);
  try {
    const heads = new Map(headsOf(database).map(({ id, head }) => [id, head]));
    const all = new Set([...heads.keys(), ...storedChains(database)]);
    const chains = [...all].sort().filter((chain) => only === undefined || chain === only);
    for (const chain of chains) {
      for (const { body } of documents(database, 'trail', chain)) yield lineOf(body);
      const head = heads.get(chain);
      if (head === undefined) continue;
      const { position, hash } = head;
      yield canonical({ checkpoint: { chain, position, hash }, chains });
    }
  } finally {
    database.close();
  }
}

/** A row that is damaged is exported as it stands, on one line: it is evidence. */
function lineOf(body: string): string {
  try {
    return canonical(JSON.parse(body));
  } catch {
    return body.replaceAll('\n', ' ');
  }
}

/** The database of a folder as of one moment, whatever a host writes to it meanwhile. */
function snapshot(folder: string): DatabaseSync {
  const database = new DatabaseSync(databasePath(folder), { readOnly: true, timeout: 10_000 });
  database.exec('BEGIN');
  return database;
}

function* documents(
  database: DatabaseSync,
  collection: string,
  chain?: string,
): Generator<{ id: string; body: string }> {
  const text = 'SELECT id, body FROM documents WHERE collection = ?';
  // "A" follows "@" in ASCII, so the ids of a chain, "chain@position", lie between.
  const rows =
    chain === undefined
      ? database.prepare(`${text} ORDER BY id`).iterate(collection)
      : database.prepare(`${text} AND id >= ? AND id < ? ORDER BY id`).iterate(collection, `${chain}@`, `${chain}A`);
  for (const { id, body } of rows) yield { id: String(id), body: String(body) };
}

function headsOf(database: DatabaseSync): { id: string; head: ChainHead | undefined }[] {
  return [...documents(database, 'chain_heads')].map(({ id, body }) => {
    const head = ChainHead.safeParse(jsonOf(body)).data;
    return { id, head: head?.chain === id ? head : undefined };
  });
}

function storedChains(database: DatabaseSync): Set<string> {
  const chains = new Set<string>();
  for (const { id } of database.prepare("SELECT id FROM documents WHERE collection = 'trail'").iterate())
    chains.add(placeOf(String(id)).chain);
  return chains;
}

/** The chain and the position that a row's id names; an id that names none stands for a chain of its own. */
function placeOf(id: string): { chain: string; position: number } {
  const at = id.lastIndexOf('@');
  return at < 0 ? { chain: id, position: 0 } : { chain: id.slice(0, at), position: Number(id.slice(at + 1)) };
}

function checkpointFiles(folder: string): { checkpoints: Checkpoint[]; broken: { chain: string; path: string }[] } {
  const files = join(folder, 'files');
  const checkpoints: Checkpoint[] = [];
  const broken: { chain: string; path: string }[] = [];
  const names = existsSync(join(files, 'trail')) ? readdirSync(join(files, 'trail'), { recursive: true }) : [];
  for (const name of names.map((one) => String(one).split(sep).join('/')).filter((one) => one.endsWith('.json'))) {
    const path = `trail/${name}`;
    const checkpoint = Checkpoint.safeParse(jsonOf(readFileSync(join(files, path), 'utf8'))).data;
    const isSound = checkpoint !== undefined && checkpointPath(checkpoint.chain, checkpoint.position) === path;
    if (isSound) checkpoints.push(checkpoint);
    else broken.push({ chain: name.slice(0, name.indexOf('/')), path });
  }
  return { checkpoints, broken };
}

function* lines(path: string): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    let rest: Buffer = Buffer.alloc(0);
    const chunk = Buffer.alloc(READ_BYTES);
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      rest = Buffer.concat([rest, chunk.subarray(0, read)]);
      let from = 0;
      for (let to = rest.indexOf(10); to >= 0; to = rest.indexOf(10, from)) {
        yield rest.subarray(from, to);
        from = to + 1;
      }
      rest = rest.subarray(from);
    }
    if (rest.length > 0) yield rest;
  } finally {
    closeSync(file);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
function textOf(line: Buffer): string | undefined {
  try {
    return utf8.decode(line);
  } catch {
    return undefined;
  }
}
