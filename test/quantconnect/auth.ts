import { timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { type QuantConnectCredentials, tokenHash } from '#shared/quantconnect/sign.ts';
import type { Faults } from './schema.ts';

interface Presented {
  readonly user_id: string;
  readonly hash: string;
  readonly timestamp: string;
}

/** Header form, or the query form that `algorithm.link` makes (LEAN Common/Api/Authentication.cs). */
function presented(context: Context): Presented {
  const header = /^Basic (\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
  const encoded = header ?? context.req.query('authorization') ?? '';
  const timestamp = context.req.header('timestamp') ?? context.req.query('timestamp') ?? '';
  const [user_id = '', hash = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return { user_id, hash, timestamp };
}

/** The answer that bad credentials get; undefined for good ones. `now` is the machine's time, in milliseconds. */
export function refuseCredentials(
  context: Context,
  credentials: QuantConnectCredentials,
  faults: Faults,
  now: number,
): Response | undefined {
  const given = presented(context);
  const isKnown = given.user_id === credentials.user_id;
  const isTimely = /^\d+$/.test(given.timestamp) && Math.abs(now / 1000 - Number(given.timestamp)) <= faults.max_age_s;
  const expected = Buffer.from(tokenHash(credentials.token, given.timestamp));
  const hash = Buffer.from(given.hash);
  const fits = hash.length === expected.length && timingSafeEqual(hash, expected);
  if (isKnown && isTimely && fits) return undefined;
  if (faults.auth === '200') {
    const { user_id, timestamp } = given;
    const words = `Hash doesn't match. UID: ${user_id} Hash: ${given.hash} Timestamp: '${timestamp}'`;
    return context.json({ errors: [isKnown ? words : 'UserID not valid'], success: false });
  }
  if (faults.auth === '500') return context.json({ success: false, errors: ["Hash doesn't match."] }, 500);
  return context.body('', 401, { www_authenticate: 'Basic', 'Content-Type': 'text/html' });
}
