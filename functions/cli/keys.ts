import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { type Desk, Misuse } from './data.ts';
import { id, textOf } from './options.ts';
import { moment, type NotDone, type Options, onData, type Shown, table } from './screen.ts';

/** API keys. The text of a key is shown once, when it is made; only its hash is kept. */
export function mountKeys(program: Command): void {
  const keys = program.command('keys').description('API keys: create, list, revoke');
  keys
    .command('create')
    .description('make a key; its text is shown this once')
    .requiredOption('--scopes <names>', 'read_signals, read_history, submit, report, read_status; commas between')
    .option('--algorithm <id>', 'the one algorithm that it speaks for; without it, an operator key', id)
    .option('--id <id>', 'id of the key; made up without it', id)
    .action(onData(create));
  keys.command('list').description('every key, without its secret').action(onData(list));
  keys.command('revoke').description('end a key for good').argument('<key>', 'its id', id).action(onData(revoke));
}

async function create({ store, clock }: Desk, options: Options): Promise<Shown | NotDone> {
  const [{ addKey, createKey }, { Scope }, { Algorithms }] = await Promise.all([
    import('#shared/key/key.ts'),
    import('#shared/key/schema.ts'),
    import('#shared/deployment/schema.ts'),
  ]);
  const scopes = Scope.array().safeParse(textOf(options.scopes).split(','));
  if (!scopes.success) throw new Misuse(`A scope is one of ${Scope.options.join(', ')}.`);
  const algorithm_id = textOf(options.algorithm);
  if (algorithm_id !== '' && (await store.get(Algorithms, algorithm_id)) === undefined) {
    const issues = [{ path: 'algorithm_id', message: `there is no algorithm ${algorithm_id}` }];
    return { accepted: false, code: 'ALGORITHM_UNKNOWN', issues };
  }
  const terms = {
    key_id: textOf(options.id) || `key-${randomBytes(5).toString('hex')}`,
    secret: randomBytes(32).toString('base64url'),
    scopes: scopes.data,
    ...(algorithm_id === '' ? {} : { algorithm_id }),
  };
  const { document, text } = createKey(terms, clock.now());
  const act = addKey(document);
  const kept = await store.commit(act.keys, act.decide);
  if (!kept.accepted) return kept;
  const { hash: _, ...shown } = document;
  return { json: { ...shown, key: text }, text: `${text}\nKeep it now: it is not shown again.` };
}

async function list({ store }: Desk): Promise<Shown> {
  const { ApiKeys } = await import('#shared/key/schema.ts');
  const found = await store.query(ApiKeys, { equal: {}, limit: 10_000 });
  const keys = found.map(({ document: { hash: _, ...shown } }) => shown);
  const rows = keys.map((one) => [
    one.key_id,
    one.algorithm_id ?? 'any',
    one.scopes.join(', '),
    moment(one.created_at),
    one.revoked_at === undefined ? 'valid' : `revoked ${moment(one.revoked_at)}`,
  ]);
  const head = ['Key', 'Algorithm', 'Scopes', 'Created', ''];
  return { json: keys, text: await table(head, rows, 'There are no keys yet.') };
}

async function revoke({ store }: Desk, _: Options, [key_id = '']: readonly string[]): Promise<Shown | NotDone> {
  const { revokeKey } = await import('#shared/key/key.ts');
  const { keys, decide } = revokeKey(key_id);
  const answer = await store.commit(keys, decide);
  if (!answer.accepted) return answer;
  const { hash: __, ...shown } = answer.document;
  return { json: shown, text: `The key ${key_id} is revoked.` };
}
