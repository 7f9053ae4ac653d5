import { createHash } from 'node:crypto';

export interface QuantConnectCredentials {
  readonly user_id: string;
  /** Never travels: only its time-stamped hash does. */
  readonly token: string;
}

/** The hash that stands for a token at one time: lower-case hex SHA-256 of "token:unix seconds". */
export const tokenHash = (token: string, timestamp: string): string =>
  createHash('sha256').update(`${token}:${timestamp}`, 'utf8').digest('hex');

/**
 * The headers that authenticate one call. QuantConnect refuses them once they are older than 7,200 s
 * (LEAN Api/ApiConnection.cs), so they are made afresh for each call and are themselves a secret for that long.
 */
export function authenticationHeaders(
  credentials: QuantConnectCredentials,
  now: Date,
): { Authorization: string; Timestamp: string } {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const pair = `${credentials.user_id}:${tokenHash(credentials.token, timestamp)}`;
  return { Authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`, Timestamp: timestamp };
}
