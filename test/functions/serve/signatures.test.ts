import { describe, expect, test } from 'vitest';
import { faultOfSignature, type SignableRequest } from '#functions/serve/auth.ts';
import { sign } from '#shared/key/signature.ts';
import { Signals } from '#shared/signal/schema.ts';
import { buy, type House, instant, minute, SECRETS } from '../push/house.ts';
import { reportBody, reported, signedHeaders } from '../reconcile/theirs.ts';
import { codeOf, doors, signedKey } from './doors.ts';

const SECRET = 'the-secret-that-signer-shares-with-us';
const BODY = JSON.stringify(buy(0));
type Headers = Record<string, string>;

interface Change {
  readonly secret?: string;
  readonly key_id?: string;
  readonly at?: Date;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
}
function signed(key: string, change: Change = {}): Headers {
  const {
    secret = SECRET,
    key_id = 'signer',
    at = minute(0),
    method = 'POST',
    path = '/signals',
    body = BODY,
  } = change;
  const timestamp = String(at.getTime() / 1000);
  const signature = sign({ timestamp, method, path_and_query: path, body }, secret);
  return { 'X-API-KEY': key, 'X-Key-Id': key_id, 'X-Timestamp': timestamp, 'X-Signature': signature };
}

/** A house with a key that must sign, and one that need not but may. */
async function signers() {
  const { one, model } = await doors();
  const signer = await signedKey(one, 'signer', SECRET);
  const held = JSON.parse(await one.secrets.get('bridge-keys')) as object;
  await one.secrets.put('bridge-keys', JSON.stringify({ ...held, model: 'the-secret-of-model' }));
  return { one, model, signer };
}
async function post(one: House, headers: Headers, path = '/signals', body = BODY) {
  const answer = await one.door.request(path, { method: 'POST', headers, body });
  const text = await answer.text();
  return { status: answer.status, text, json: JSON.parse(text) as Record<string, unknown> };
}
const without = (headers: Headers, ...names: string[]): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));

describe('a submission with a key that must sign (F-76)', () => {
  test('is taken when it is signed', async () => {
    const { one, signer } = await signers();
    expect((await post(one, signed(signer))).json).toMatchObject({ accepted: true, duplicate: false });
  });

  test('that is sent again inside the window is a duplicate and changes nothing', async () => {
    const { one, signer } = await signers();
    const headers = signed(signer);
    await post(one, headers);
    const digest = one.digest();
    const facts = one.facts().length;
    one.to(4);
    const { status, json } = await post(one, headers);
    expect([status, json.accepted, json.duplicate]).toEqual([200, true, true]);
    expect([one.digest(), one.facts().length]).toEqual([digest, facts]);
  });

  test('that is sent again after the window is stale', async () => {
    const { one, signer } = await signers();
    const headers = signed(signer);
    await post(one, headers);
    const digest = one.digest();
    one.to(6);
    expect(codeOf(await post(one, headers))).toBe('SIGNATURE_STALE');
    expect(one.digest()).toBe(digest);
  });

  test.each<[string, (headers: Headers, key: string) => Headers, string]>([
    ['no signature', (all) => without(all, 'X-Signature', 'X-Timestamp', 'X-Key-Id'), 'SIGNATURE_MISSING'],
    ['its signature left out', (all) => without(all, 'X-Signature'), 'SIGNATURE_MISSING'],
    ['an empty signature', (all) => ({ ...all, 'X-Signature': '' }), 'SIGNATURE_MISSING'],
    ['a wrong signature', (all) => ({ ...all, 'X-Signature': 'a'.repeat(64) }), 'SIGNATURE_INVALID'],
    ['two signatures', (all) => ({ ...all, 'X-Signature': `${all['X-Signature']}, x` }), 'SIGNATURE_INVALID'],
    ['no timestamp', (all) => without(all, 'X-Timestamp'), 'SIGNATURE_INVALID'],
    ['no key id', (all) => without(all, 'X-Key-Id'), 'SIGNATURE_INVALID'],
    ['the id of another key', (_, key) => signed(key, { key_id: 'model' }), 'SIGNATURE_INVALID'],
    [
      'the id and the secret of another key',
      (_, key) => signed(key, { key_id: 'k1', secret: SECRETS.k1 }),
      'SIGNATURE_INVALID',
    ],
    ['a guessed secret', (_, key) => signed(key, { secret: 'guess' }), 'SIGNATURE_INVALID'],
    ['another body', (_, key) => signed(key, { body: `${BODY} ` }), 'SIGNATURE_INVALID'],
    ['another path', (_, key) => signed(key, { path: '/signals?explain=1' }), 'SIGNATURE_INVALID'],
    ['another method', (_, key) => signed(key, { method: 'PUT' }), 'SIGNATURE_INVALID'],
    ['another timestamp', (all) => ({ ...all, 'X-Timestamp': '1' }), 'SIGNATURE_INVALID'],
    ['a clock that is slow', (_, key) => signed(key, { at: minute(-6) }), 'SIGNATURE_STALE'],
    ['a clock that is fast', (_, key) => signed(key, { at: minute(6) }), 'SIGNATURE_STALE'],
  ])('with %s is refused, and leaves nothing behind', async (_, headers, code) => {
    const { one, signer } = await signers();
    const digest = one.digest();
    const right = signed(signer);
    const answer = await post(one, headers(right, signer));
    expect([answer.status, codeOf(answer)]).toEqual([403, code]);
    expect(one.digest()).toBe(digest);
    expect(answer.text).not.toContain(SECRET);
    expect(answer.text).not.toContain(right['X-Signature']);
  });

  test.each([
    [-6, '360 seconds behind the time here'],
    [6, '360 seconds ahead of the time here'],
  ])('signed %d minutes from now is told by how much', async (n, words) => {
    const { one, signer } = await signers();
    const { json } = await post(one, signed(signer, { at: minute(n) }));
    const { message } = json.error as { message: string };
    expect(message).toContain(words);
    expect(message).toContain(`It is ${instant(0)} here, and 300 seconds either way are taken.`);
  });

  test('whose secret is nowhere is refused as for a wrong one', async () => {
    const { one, signer } = await signers();
    const wrong = await post(one, signed(signer, { secret: 'guess' }));
    await one.secrets.put('bridge-keys', '{}');
    const answer = await post(one, signed(signer));
    expect(codeOf(answer)).toBe('SIGNATURE_INVALID');
    const said = ({ status, text }: typeof answer) => [status, text.replace(/"request_id":"[^"]+"/, '')];
    expect(said(answer)).toEqual(said(wrong));
  });
});

describe('a submission with a key that need not sign', () => {
  test('is taken without a signature, and with its own', async () => {
    const { one, model } = await signers();
    expect((await post(one, { 'X-API-KEY': model })).json).toMatchObject({ accepted: true });
    const own = signed(model, { key_id: 'model', secret: 'the-secret-of-model' });
    expect((await post(one, own)).json).toMatchObject({ accepted: true, duplicate: true });
  });

  test.each<[string, Headers]>([
    ['X-Signature', { 'X-Signature': 'a'.repeat(64) }],
    ['X-Timestamp', { 'X-Timestamp': String(minute(0).getTime() / 1000) }],
    ['X-Key-Id', { 'X-Key-Id': 'model' }],
    ['an empty X-Signature', { 'X-Signature': '' }],
  ])('that carries %s alone is held to it', async (_, headers) => {
    const { one, model } = await signers();
    const answer = await post(one, { 'X-API-KEY': model, ...headers });
    expect([answer.status, codeOf(answer)]).toEqual([403, 'SIGNATURE_INVALID']);
    expect(one.all(Signals)).toEqual([]);
  });
});

describe('a report', () => {
  const text = JSON.stringify(reportBody(1, [reported({ id: 1, n: 1, at: instant(0), quantity: '1' })]));

  test('that is sent again with the same signature changes nothing', async () => {
    const { one } = await doors();
    const request = { method: 'POST', headers: signedHeaders(one, text), body: text };
    expect((await one.door.request('/reports', request)).status).toBe(200);
    const digest = one.digest();
    const facts = one.facts().length;
    one.to(4);
    expect(await (await one.door.request('/reports', request)).json()).toMatchObject({ duplicate: true });
    expect([one.digest(), one.facts().length]).toEqual([digest, facts]);
  });

  test('of a clock that differs is told by how much', async () => {
    const { one } = await doors();
    const headers = signedHeaders(one, text, { at: minute(-6) });
    const answer = await one.door.request('/reports', { method: 'POST', headers, body: text });
    expect(await answer.text()).toContain('360 seconds behind the time here');
  });
});

test('the bytes of a body are verified, whatever text they are', async () => {
  const { one } = await signers();
  const body = new Uint8Array([0xef, 0xbb, 0xbf, 0xc3, 0x28]);
  const timestamp = String(minute(0).getTime() / 1000);
  const request = { method: 'POST', path_and_query: '/signals', body };
  const headers: Headers = {
    'x-key-id': 'signer',
    'x-timestamp': timestamp,
    'x-signature': sign({ ...request, timestamp }, SECRET),
  };
  const judge = (given: SignableRequest['body']) =>
    faultOfSignature(
      one.ports,
      { key_id: 'signer', signed: true },
      { ...request, body: given, header: (name) => headers[name] },
      'when signed',
    );
  expect(await judge(body)).toBeUndefined();
  expect(await judge(new TextDecoder().decode(body))).toEqual({ code: 'SIGNATURE_INVALID' });
});
