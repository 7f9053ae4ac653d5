import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { ApiKey } from '#shared/key/schema.ts';
import { type Desk, Misuse } from './data.ts';
import { duration, id, instantOf, LENGTHS, textOf } from './options.ts';
import { moment, type NotDone, type Options, onData, type Shown, table } from './screen.ts';

const ONCE = 'Keep it now: it is not shown again.';

/** API keys. The text of a key is shown once, when it is made or rotated; only its hash is kept. */
export function mountKeys(program: Command): void {
  const keys = program.command('keys').description('API keys: create, list, rotate, revoke');
  keys
    .command('create')
    .description('make a key; its text is shown this once')
    .requiredOption('--scopes <names>', 'read_signals, read_history, submit, report, read_status; commas between')
    .option('--algorithm <id>', 'the one algorithm that it speaks for; without it, an operator key', id)
    .option('--producer <name>', 'who holds it: a model or a team', id)
    .option('--expires <when>', `a date, a time with its zone, or from now on a length ${LENGTHS}`)
    .option('--signed', 'every submission must carry a signature; its secret is shown this once')
    .option('--id <id>', 'id of the key; made up without it', id)
    .action(onData(create));
  keys.command('list').description('every key, without its secret').action(onData(list));
  const rotating = keys.command('rotate').description('give a key another secret; its text is shown this once');
  rotating
    .argument('<key>', 'its id', id)
    .option(
      '--overlap <length>',
      `how long the old secret stays right: 0, or a length ${LENGTHS}`,
      duration,
      86_400_000,
    )
    .action(onData(rotate));
  keys.command('revoke').description('end a key for good').argument('<key>', 'its id', id).action(onData(revoke));
}

async function create({ store, secrets, clock }: Desk, options: Options): Promise<Shown | NotDone> {
  const [{ addKey, createKey, shownKey }, { ApiKeys }, { Algorithms }] = await Promise.all([
    import('#shared/key/key.ts'),
    import('#shared/key/schema.ts'),
    import('#shared/deployment/schema.ts'),
  ]);
  const terms = await termsOf(options, clock.now());
  const { key_id, algorithm_id } = terms;
  if (algorithm_id !== undefined && (await store.get(Algorithms, algorithm_id)) === undefined) {
    const issues = [{ path: 'algorithm_id', message: `there is no algorithm ${algorithm_id}` }];
    return { accepted: false, code: 'ALGORITHM_UNKNOWN', issues };
  }
  const { document, text } = createKey(terms, clock.now());
  // The secret comes first: a key that must sign is never without one.
  const isTaken = (await store.get(ApiKeys, key_id)) !== undefined;
  const signing = terms.signed && !isTaken ? await signingSecret(secrets, key_id) : { json: {}, words: [] };
  const act = addKey(document);
  const kept = await store.commit(act.keys, act.decide);
  if (!kept.accepted) return kept;
  const words = [text, ONCE, ...signing.words].join('\n');
  return { json: { ...shownKey(document), key: text, ...signing.json }, text: words };
}

async function termsOf(options: Options, now: Date) {
  const { Scope } = await import('#shared/key/schema.ts');
  const scopes = Scope.array().safeParse(textOf(options.scopes).split(','));
  if (!scopes.success) throw new Misuse(`A scope is one of ${Scope.options.join(', ')}.`);
  const algorithm_id = textOf(options.algorithm);
  const producer = textOf(options.producer);
  const expires = textOf(options.expires);
  return {
    key_id: textOf(options.id) || `key-${randomBytes(5).toString('hex')}`,
    secret: newSecret(),
    scopes: scopes.data,
    signed: options.signed === true,
    ...(algorithm_id === '' ? {} : { algorithm_id }),
    ...(producer === '' ? {} : { producer }),
    ...(expires === '' ? {} : { expires_at: await instantOf(expires, now) }),
  };
}

const newSecret = (): string => randomBytes(32).toString('base64url');

/** Gives a key id the secret that it signs with, unless it has one, and says what is to be done with it. */
async function signingSecret(secrets: Desk['secrets'], key_id: string) {
  const { shareSecret } = await import('#functions/bridge-keys.ts');
  const signing_secret = newSecret();
  if (!(await shareSecret(secrets, key_id, signing_secret)))
    return { json: {}, words: [`It signs with the secret that bridge-keys of the data folder holds for ${key_id}.`] };
  const words = [
    `Sign each submission as X-Key-Id ${key_id} with this secret, not shown again either:`,
    signing_secret,
    'It lies in secrets/bridge-keys of the data folder. Where secrets are managed elsewhere, add it there under',
    `"${key_id}" to the JSON object of the secret bridge-keys, before the key is used.`,
  ];
  return { json: { signing_secret }, words };
}

async function list({ store, clock }: Desk): Promise<Shown> {
  const [{ shownKey }, { ApiKeys }] = await Promise.all([
    import('#shared/key/key.ts'),
    import('#shared/key/schema.ts'),
  ]);
  const found = await store.query(ApiKeys, { equal: {}, limit: 10_000 });
  const states = await Promise.all(found.map(({ document }) => stateOf(document, clock.now())));
  const rows = found.map(({ document: one }, i) => [
    one.key_id,
    one.algorithm_id ?? 'any',
    one.producer ?? '-',
    one.signed === true ? `${one.scopes.join(', ')}; signed` : one.scopes.join(', '),
    moment(one.created_at),
    one.rotated_at === undefined ? '-' : moment(one.rotated_at),
    states[i] ?? '',
  ]);
  const head = ['Key', 'Algorithm', 'Producer', 'Scopes', 'Created', 'Last rotated', ''];
  return {
    json: found.map(({ document }) => shownKey(document)),
    text: await table(head, rows, 'There are no keys yet.'),
  };
}

const STATES = { revoked: 'revoked', expired: 'expired', expires: 'expires', old_secret_valid: 'old secret until' };
async function stateOf(document: ApiKey, now: Date): Promise<string> {
  const { keyState } = await import('#shared/key/key.ts');
  const told = keyState(document, now);
  return told.state === 'valid' ? 'valid' : `${STATES[told.state]} ${moment(told.at)}`;
}

/** Where the host keeps the texts of its own keys, for people and for the stand-in. */
const KEPT_TEXTS = ['development-key', 'algorithm-key'];

async function rotate({ store, secrets }: Desk, options: Options, [key_id = '']: readonly string[]) {
  const { keyText, rotateKey, shownKey } = await import('#shared/key/key.ts');
  const secret = newSecret();
  const { keys, decide } = rotateKey(key_id, secret, Number(options.overlap));
  const answer = await store.commit(keys, decide);
  if (!answer.accepted) return answer;
  const text = keyText(key_id, secret);
  const words = [text, ONCE];
  for (const name of KEPT_TEXTS) {
    const held = await secrets.get(name).catch(() => '');
    if (held.slice(0, -43) !== text.slice(0, -43)) continue;
    await secrets.put(name, text);
    words.push(`secrets/${name} of the data folder holds it now.`);
  }
  const { document } = answer;
  const until = document.previous?.valid_until;
  words.push(`The old secret is ${until === undefined ? 'wrong from now on' : `right until ${moment(until)}`}.`);
  if (document.signed === true) words.push('The secret that it signs with stays as it is.');
  return { json: { ...shownKey(document), key: text }, text: words.join('\n') };
}

async function revoke({ store }: Desk, _: Options, [key_id = '']: readonly string[]): Promise<Shown | NotDone> {
  const { revokeKey, shownKey } = await import('#shared/key/key.ts');
  const { keys, decide } = revokeKey(key_id);
  const answer = await store.commit(keys, decide);
  if (!answer.accepted) return answer;
  return { json: shownKey(answer.document), text: `The key ${key_id} is revoked.` };
}
