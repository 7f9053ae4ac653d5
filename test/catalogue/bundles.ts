import type { ReasonCode } from '#shared/signal/reason.ts';
import { buy } from '../functions/push/house.ts';
import { bundleDoor } from '../functions/serve/frozen.ts';
import type { Case } from './case.ts';

type Door = ReturnType<typeof bundleDoor>;

/** A request to the routes of bundles, by a key that may read the past. */
const freezing = (
  code: ReasonCode,
  name: string,
  ask: (door: Door, headers: Record<string, string>) => Response | Promise<Response>,
): Case => ({
  code,
  name: `by route: ${name}`,
  records: ['keys'],
  given: (of) => of.submit(buy(0)),
  async act(of) {
    const headers = { 'X-API-KEY': await of.key('reader', ['read_history'], 'alg') };
    const answer = await ask(bundleDoor(of, { max_rows: 0 }), headers);
    return ((await answer.json()) as { error: { code: string } }).error.code;
  },
});
const body = JSON.stringify({ from: '2026-01-01', to: '2027-01-01' });

export const BUNDLES: readonly Case[] = [
  freezing('BUNDLE_UNKNOWN', 'a bundle of nobody', (door, headers) => door.request('/bundles/bundle-1', { headers })),
  freezing('BUNDLE_TOO_LARGE', 'more rows than one request may freeze', (door, headers) =>
    door.request('/bundles', { method: 'POST', headers, body }),
  ),
];
