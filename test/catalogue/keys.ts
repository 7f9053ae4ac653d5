import { addKey, createKey, revokeKey, rotateKey } from '#shared/key/key.ts';
import { buy, instant, minute } from '../functions/push/house.ts';
import { signedKey } from '../functions/serve/doors.ts';
import { byCommand, byRoute, type Case, modelKey } from './case.ts';

/** What is refused for a key or for the lack of one. */

const brief = { key_id: 'brief', secret: 'b'.repeat(43), scopes: ['read_status'] } as const;

const { document: taken } = createKey({ key_id: 'k1', secret: 'a'.repeat(43), scopes: [] }, new Date(0));

export const KEYS: readonly Case[] = [
  byRoute('KEY_MISSING', 'no key', { path: '/status', status: 401, headers: () => ({}) }),
  byRoute('KEY_MISSING', 'an empty key', { path: '/nowhere', status: 401, headers: () => ({ 'X-API-KEY': '' }) }),
  byRoute('KEY_INVALID', 'a guess', {
    path: '/status',
    status: 403,
    headers: () => ({ 'X-API-KEY': `qb_k1_${'a'.repeat(43)}` }),
  }),
  byRoute('KEY_INVALID', 'no key of ours', {
    path: '/status',
    status: 403,
    headers: () => ({ 'X-API-KEY': 'Bearer x' }),
  }),
  byRoute('KEY_INVALID', 'one that was revoked', {
    path: '/status',
    status: 403,
    async headers(of) {
      const headers = await modelKey(of);
      await of.act(revokeKey('model'));
      return headers;
    },
  }),
  byRoute('KEY_INVALID', 'one that has expired', {
    path: '/status',
    status: 403,
    async headers(of) {
      const { document, text } = createKey({ ...brief, expires_at: instant(1) }, minute(0));
      await of.act(addKey(document));
      of.to(1);
      return { 'X-API-KEY': text };
    },
  }),
  {
    code: 'SIGNATURE_MISSING',
    name: 'by route: unsigned, with a key that must sign',
    records: [],
    given: (of) => signedKey(of, 'signer', 'the-secret-of-signer'),
    async act(of) {
      const headers = { 'X-API-KEY': `qb_signer_${'signer'.padEnd(43, 'x')}` };
      const body = JSON.stringify(buy(0));
      const answer = await of.door.request('/signals', { method: 'POST', headers, body });
      const { error } = (await answer.json()) as { error: { code: string } };
      return answer.status === 403 ? error.code : `HTTP ${answer.status}`;
    },
  },
  byCommand('CONFIG_INVALID', 'a key that is taken', addKey(taken)),
  byCommand('KEY_INVALID', 'the end of a key that is not there', revokeKey('nobody')),
  byCommand('KEY_INVALID', 'another secret for a key that is not there', rotateKey('nobody', 'a'.repeat(43), 0)),
  byCommand('KEY_INVALID', 'another secret for a key that was revoked', rotateKey('k1', 'a'.repeat(43), 0), (of) =>
    of.act(revokeKey('k1')),
  ),
  byCommand('CONFIG_INVALID', 'an old secret for ever', rotateKey('k1', 'a'.repeat(43), Number.MAX_SAFE_INTEGER)),
];
