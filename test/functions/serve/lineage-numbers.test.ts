import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { lineageRoutes } from '#functions/serve/lineage.ts';
import { absolute, add, divide, multiply, negate, subtract } from '#shared/amount.ts';
import { Lineage } from '#shared/lineage/schema.ts';
import { Fill, Order } from '#shared/order/schema.ts';
import { changeLimits } from '#shared/risk/limits-change.ts';
import { Trail, type TrailRow, trailKey } from '#shared/trail/schema.ts';
import { rowHash } from '#shared/trail/trail.ts';
import { buy } from '../push/house.ts';
import { asker, doorOf, type SealedHouse, sealedHouse } from './asking.ts';

/*
 * The proof of U-6: every number of a lineage links to a row of the trail. A number that is copied stands in a row that
 * its group names; one that is computed is computed again here, from those rows alone.
 */

vi.setConfig({ testTimeout: 120_000 });

/** A number, or an instant, of an answer, with the facts that its group names. */
interface Claim {
  readonly path: string;
  readonly value: string;
  readonly evidence: readonly string[];
}

const isNumber = (value: unknown): value is string | number =>
  typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$|^\d{4}-\d\d-\d\dT/.test(value));

/** Members that are worked out of others; `derived` checks them. */
const COMPUTED = /(average_price|\.position\.before$|\.result\.|\.execution\.)/;
/** What the producer's message says of itself is under no fact's authority: it is kept as it came. */
const KEPT = /^signal\.(raw|born_at|version)\b/;

function claimsOf(value: unknown, path: string, evidence: readonly string[]): Claim[] {
  if (isNumber(value)) return [{ path, value: String(value), evidence }];
  if (typeof value !== 'object' || value === null) return [];
  const own = 'evidence' in value && Array.isArray(value.evidence) ? (value.evidence as string[]) : evidence;
  return Object.entries(value)
    .filter(([name]) => name !== 'evidence')
    .flatMap(([name, member]) => claimsOf(member, path === '' ? name : `${path}.${name}`, own));
}

/** Every number and text in a row: its body's, and its own time. */
function saidBy(value: unknown): string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(saidBy) : [];
}

async function rowsOf(one: SealedHouse, told: Lineage): Promise<Map<string, TrailRow>> {
  const rows = new Map<string, TrailRow>();
  for (const { id, at, fact, trail } of told.facts) {
    if (trail === null) throw new Error(`${fact} is not sealed`);
    const row = await one.store.get(Trail, trailKey(trail.chain, trail.position));
    expect(row).toMatchObject({ hash: trail.hash, envelope: { id, fact, at } });
    if (row === undefined) throw new Error('no row');
    expect(rowHash(row)).toBe(row.hash);
    rows.set(id, row);
  }
  return rows;
}

/** What the computed members must be, from the rows that the group names. */
function derived({ deliveries }: Lineage, rows: ReadonlyMap<string, TrailRow>): void {
  const bodies = (ids: readonly string[]) => ids.map((id) => rows.get(id)?.envelope.body ?? {});
  const fillsIn = (ids: readonly string[]) => bodies(ids).flatMap(({ fill }) => (fill ? [Fill.parse(fill)] : []));
  for (const { orders, fills, result, execution } of deliveries) {
    for (const { average_price, evidence } of orders) {
      const [order] = bodies(evidence).map((body) => Order.parse(body.order));
      const isFilled = order !== undefined && order.filled_quantity !== '0';
      expect(average_price).toBe(isFilled ? divide(order.filled_value, order.filled_quantity) : null);
    }
    for (const { position, quantity } of fills)
      expect(add(position?.before ?? '', quantity)).toBe(position?.after.quantity);
    if (result !== null) {
      const parts = fillsIn(result.evidence);
      const filled = new Map(
        bodies(result.evidence).flatMap(({ order }) => {
          const each = Order.safeParse(order).data;
          return each === undefined ? [] : [[each.order_key, each] as const];
        }),
      );
      expect(new Set(parts.map(({ event_id }) => event_id)).size).toBe(fills.length);
      expect(result.realised).toBe(add(...parts.map(({ realised }) => realised)));
      expect(result.fees).toBe(add(...[...filled.keys()].map((key) => newest(rows, key).fees)));
      expect(result.net).toBe(subtract(result.realised, result.fees));
      expect(result.moved).toBe(add(...parts.map(({ quantity }) => quantity)));
      expect(result.position_before).toBe(fills[0]?.position?.before);
      expect(result.position_after).toBe(fills.at(-1)?.position?.after.quantity);
    }
    if (execution === null) continue;
    const parts = fillsIn(execution.evidence);
    const value = add(...parts.map(({ quantity, price }) => multiply(absolute(quantity), price)));
    expect(execution.filled).toBe(add(...parts.map(({ quantity }) => absolute(quantity))));
    const worse = subtract(value, multiply(execution.filled, execution.decision_price));
    const { shortfall, side, fees } = execution;
    if (shortfall !== null && execution.filled === execution.ordered)
      expect(shortfall.total).toBe(add(side === 'buy' ? worse : negate(worse), fees));
  }
}

function newest(rows: ReadonlyMap<string, TrailRow>, order_key: string): Order {
  const told = [...rows.values()].flatMap(({ envelope }) => Order.safeParse(envelope.body.order).data ?? []);
  const own = told.filter((one) => one.order_key === order_key).toSorted((a, b) => a.last_event - b.last_event);
  const last = own.at(-1);
  if (last === undefined) throw new Error(`no fact tells of ${order_key}`);
  return last;
}

const Step = fc.record({
  action: fc.constantFrom('buy', 'buy', 'sell'),
  quantity: fc.integer({ min: 1, max: 4_000 }).map((n) => String(n / 1000)),
  price: fc.integer({ min: 90, max: 110 }).map((n) => `${n}.5`),
  said: fc.constantFrom('sent', 'refused', 'arrives unheard', undefined),
  protects: fc.boolean(),
});

test('each number of a lineage stands in a row of the trail that it names, or follows from such rows (U-6)', async () => {
  let checked = 0;
  const life = fc.tuple(fc.array(Step, { minLength: 1, maxLength: 4 }), fc.nat());
  await fc.assert(
    fc.asyncProperty(life, async ([steps, pick]) => {
      const one = await sealedHouse();
      const ask = asker(doorOf(one.ports, lineageRoutes(one.ports)), await one.key('asker', ['read_signals'], 'alg'));
      one.to(0, '100');
      await one.act(changeLimits('alg', { max_position_size_pct: '40' }, 'risk'));
      const born: string[] = [];
      for (const [i, { action, quantity, price, said, protects }] of steps.entries()) {
        const n = 1 + 3 * i;
        one.to(n, price);
        if (said === 'refused' || said === 'arrives unheard') one.script.push(said);
        const protect = protects && action === 'buy' ? { stop_loss_pct: 10 } : {};
        born.push(
          (await one.submit(buy(n, { action, quantity, features: { n: i, of: price }, ...protect }))).signal_id,
        );
        await one.deliver('notify');
        await one.trade(n + 1, price);
        await one.compare(n + 1);
      }
      await one.seal(20);
      for (const signal_id of born) {
        const answer = await ask(`/lineage/${signal_id}`);
        expect(answer.status, answer.text).toBe(200);
        const told = Lineage.parse(answer.json);
        expect(told.behind).toEqual([]);
        const rows = await rowsOf(one, told);
        derived(told, rows);
        const { signal, verdict, stream, config, deliveries, reconciliation, alerts } = told;
        const claims = claimsOf({ signal, verdict, stream, config, deliveries, reconciliation, alerts }, '', []).filter(
          ({ path }) => !COMPUTED.test(path) && !KEPT.test(path) && !/^config\.(control|instrument)/.test(path),
        );
        expect(claims.length).toBeGreaterThan(20);
        const sample = claims.filter((_, i) => i % 3 === pick % 3);
        for (const { path, value, evidence } of sample) {
          const said = evidence.flatMap((id) => saidBy(rows.get(id)));
          expect(said, `${path} of ${signal_id}`).toContain(value);
          checked++;
        }
      }
    }),
    { numRuns: 6 },
  );
  expect(checked).toBeGreaterThan(100);
});

test('a number that no row carries is found out', async () => {
  const one = await sealedHouse();
  const ask = asker(doorOf(one.ports, lineageRoutes(one.ports)), await one.key('asker', ['read_signals'], 'alg'));
  one.to(0, '100');
  const { signal_id } = await one.submit(buy(0));
  await one.deliver('notify');
  await one.trade(1, '101');
  await one.seal(2);
  const told = Lineage.parse((await ask(`/lineage/${signal_id}`)).json);
  const rows = await rowsOf(one, told);
  const [fill] = told.deliveries[0]?.fills ?? [];
  const said = (fill?.evidence ?? []).flatMap((id) => saidBy(rows.get(id)));
  expect(said).toContain(fill?.price);
  expect(said).not.toContain('101.5');
  const [delivery] = told.deliveries;
  if (delivery?.result == null) throw new Error('nothing filled');
  const forged = { ...told, deliveries: [{ ...delivery, result: { ...delivery.result, realised: '1' } }] };
  expect(() => derived(forged, rows)).toThrow();
});
