import { Hono } from 'hono';
import { type Audit, audit } from '#functions/audit/audit.ts';
import { authenticate, type Env } from '#functions/serve/auth.ts';
import { keyring } from '#functions/serve/keyring.ts';
import { mount, type Route } from '#functions/serve/route.ts';
import type { Ports } from '#shared/ports/index.ts';
import { type House, house, minute, tick } from '../push/house.ts';

/** A door with these routes alone, behind keys as the whole one is. */
export function doorOf(ports: Pick<Ports, 'store' | 'clock'>, routes: readonly Route[]): Hono<Env> {
  const door = new Hono<Env>();
  door.use(authenticate(keyring(ports, 0)));
  mount(door, routes);
  return door;
}

/** Asks a door; answers the status, the headers and the very text. */
export const asker = (door: Hono<Env>, key: string) => async (path: string) => {
  const answer = await door.request(path, { headers: { 'X-API-KEY': key } });
  const text = await answer.text();
  const json = JSON.parse(text) as Record<string, unknown>;
  const code = Reflect.get((json.error ?? {}) as object, 'code') as unknown;
  return { status: answer.status, headers: answer.headers, text, json, code };
};

/** A house whose facts are heard and, at each minute, sealed. */
export async function sealedHouse(options: Parameters<typeof house>[0] = {}) {
  const one = await house(options);
  const ledger: Audit = audit(one);
  return {
    ...one,
    /** Hears what was said since. */
    async hear(): Promise<void> {
      for (const envelope of one.facts()) await ledger.hear(envelope);
    },
    /** The clock comes to a minute, everybody ticks, and what was said before it is sealed. */
    async seal(n: number): Promise<void> {
      one.to(n);
      for (const envelope of one.facts()) await ledger.hear(envelope);
      await ledger.handle(tick(n));
    },
    /** The far side sees a minute, reports, and the reports are applied. */
    async trade(n: number, close: string): Promise<void> {
      one.to(n, close);
      await one.far_clock(n);
      await one.deliver('track');
    },
    /** Both books are compared at a minute. */
    async compare(n: number): Promise<void> {
      if (minute(n) > one.clock.now()) one.to(n);
      await one.give('reconcile', tick(n));
    },
  };
}
export type SealedHouse = Awaited<ReturnType<typeof sealedHouse>> & House;
