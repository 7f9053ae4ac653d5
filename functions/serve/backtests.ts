import type { Context } from 'hono';
import { z } from 'zod';
import { amount, PositiveAmount } from '#shared/amount.ts';
import { BacktestJob, BacktestJobs, BacktestSummary, jobId, jobKeys, requestJob } from '#shared/backtest/job.ts';
import { BacktestSettings } from '#shared/backtest/schema.ts';
import { Algorithms } from '#shared/deployment/schema.ts';
import { type Issue, issuesOf } from '#shared/failure.ts';
import { type Instrument, Instruments, instrumentId } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { strategyOf } from '#shared/strategy/registry.ts';
import type { Env } from './auth.ts';
import { fail } from './errors.ts';
import { type Route, route } from './route.ts';

export type BacktestDoorPorts = Pick<Ports, 'store' | 'clock' | 'files'>;

const Numeric = z.union([PositiveAmount, z.number().positive().transform(amount)]);
const OPTIONAL = {
  sizing: true,
  fee: true,
  slippage: true,
  fill_timing: true,
  size_at: true,
  allow_short: true,
  brackets: true,
  borrow_rate_annual: true,
  risk_free_annual: true,
} as const;
/**
 * What is asked for (003-05, 004-34). The strategy is given whole, or by the id under which the algorithm has it, or
 * is the only one that it has. A symbol is "SPX" where one exchange lists it, else "cboe:SPX".
 */
const BacktestOrder = BacktestSettings.pick(OPTIONAL)
  .partial()
  .extend({
    strategy: BacktestSettings.shape.strategy.optional(),
    strategy_id: z.string().optional(),
    symbols: z.array(z.string().min(1).max(64)).min(1).max(20).optional(),
    start_date: z.iso.date(),
    end_date: z.iso.date(),
    initial_capital: Numeric.default('100000'),
    /** Absent: 252, or 365 where every market is always open. */
    periods_per_year: z.number().positive().optional(),
  })
  .strict();
type BacktestOrder = z.infer<typeof BacktestOrder>;

type Resolved =
  | { readonly ok: true; readonly settings: BacktestSettings; readonly until: string }
  | { readonly ok: false; readonly issues: readonly Issue[] };
const issue = (path: string, message: string): { ok: false; issues: Issue[] } => ({
  ok: false,
  issues: [{ path, message }],
});

const Shown = BacktestJob.pick({
  backtest_id: true,
  state: true,
  requested_at: true,
  started_at: true,
  finished_at: true,
  progress: true,
  summary: true,
  result: true,
  failure: true,
});
const Started = Shown.extend({ location: z.string() });
const Older = z.strictObject({
  success: z.boolean(),
  backtest_id: z.string(),
  state: z.string(),
  location: z.string(),
  result: BacktestSummary.nullable(),
});
const JobPath = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id of a backtest is needed')
    .meta({ description: 'The `backtest_id` that POST /backtests answered.' }),
});

/** POST /backtests answers 202 with an id, GET /backtests/{id} how far it is; /api/backtest is the older name. */
export function backtestRoutes(ports: BacktestDoorPorts): readonly Route[] {
  const asking = {
    method: 'post',
    scope: 'submit',
    body: BacktestOrder,
    refuses: ['REQUEST_MALFORMED', 'ALGORITHM_FORBIDDEN', 'UNAVAILABLE'],
  } as const;
  const looking = { method: 'get', scope: 'submit', parameters: JobPath, refuses: ['BACKTEST_UNKNOWN'] } as const;
  return [
    route({
      ...asking,
      path: '/backtests',
      does: 'Asks for a backtest; the same request is the same backtest (003-05).',
      answers: { 202: { means: 'It waits or runs, or has ended already.', schema: Started } },
      async handle(context, { body }) {
        const asked = await ask(context, ports, body);
        if (asked instanceof Response) return asked;
        const location = `/backtests/${asked.backtest_id}`;
        return context.json({ ...shown(asked), location }, 202, { Location: location });
      },
    }),
    route({
      ...asking,
      path: '/api/backtest',
      does: 'The older name of POST /backtests (004-34).',
      answers: {
        200: { means: 'It has ended before.', schema: Older },
        202: { means: 'It waits or runs.', schema: Older },
      },
      async handle(context, { body }) {
        const asked = await ask(context, ports, body);
        if (asked instanceof Response) return asked;
        const { backtest_id, state, summary } = asked;
        const answer = { success: state !== 'failed', backtest_id, state, location: `/backtests/${backtest_id}` };
        return context.json({ ...answer, result: summary ?? null }, state === 'finished' ? 200 : 202);
      },
    }),
    route({
      ...looking,
      path: '/backtests/{id}',
      does: 'How far a backtest is, and what came of it.',
      answers: { 200: { means: 'Its state.', schema: Shown } },
      async handle(context, { path }) {
        const job = await owned(context, ports, path.id);
        return job === undefined ? fail(context, 'BACKTEST_UNKNOWN') : context.json(shown(job));
      },
    }),
    route({
      ...looking,
      path: '/backtests/{id}/result',
      does: 'The whole result of a backtest.',
      answers: { 200: { means: 'Statistics, trades, equity and drawdown.', schema: z.looseObject({}) } },
      async handle(context, { path }) {
        const job = await owned(context, ports, path.id);
        const bytes = job?.result === undefined ? undefined : await ports.files.read(job.result.path);
        if (bytes === undefined) return fail(context, 'BACKTEST_UNKNOWN');
        return context.body(new Uint8Array(bytes), 200, { 'Content-Type': 'application/json' });
      },
    }),
  ];
}

/** A job, if the key may see it: an algorithm's key sees its own only. */
async function owned(
  context: Context<Env>,
  { store }: BacktestDoorPorts,
  backtest_id: string,
): Promise<BacktestJob | undefined> {
  const job = await store.get(BacktestJobs, backtest_id);
  const { algorithm_id } = context.get('key');
  return algorithm_id === undefined || algorithm_id === job?.algorithm_id ? job : undefined;
}

const shown = (job: BacktestJob): object => {
  const { backtest_id, state, requested_at, started_at, finished_at, progress, summary, result, failure } = job;
  return { backtest_id, state, requested_at, started_at, finished_at, progress, summary, result, failure };
};

/** The job of the request, or the answer that says why there is none. */
async function ask(
  context: Context<Env>,
  ports: BacktestDoorPorts,
  order: BacktestOrder,
): Promise<BacktestJob | Response> {
  const { key_id, algorithm_id } = context.get('key');
  const resolved = await resolve(ports, order, algorithm_id);
  if (!resolved.ok) return fail(context, 'REQUEST_MALFORMED', { issues: resolved.issues });
  const { settings, until } = resolved;
  const request = { settings, until, requested_by: key_id, ...(algorithm_id === undefined ? {} : { algorithm_id }) };
  const job = await ports.store.commit(jobKeys(jobId(request)), (fresh, now) => requestJob(fresh, now, request));
  return job ?? fail(context, 'UNAVAILABLE', { message: 'Too many backtests wait. Ask again when some have ended.' });
}

const DAY_MS = 86_400_000;

/** Fills in what the order leaves to us: strategy, markets with their grids, and the last instant of the bars. */
async function resolve(
  { store, clock }: BacktestDoorPorts,
  order: BacktestOrder,
  algorithm_id: string | undefined,
): Promise<Resolved> {
  const {
    strategy: given,
    strategy_id,
    symbols,
    start_date,
    end_date,
    initial_capital,
    periods_per_year,
    ...terms
  } = order;
  const algorithm = algorithm_id === undefined ? undefined : await store.get(Algorithms, algorithm_id);
  const all = algorithm?.strategies ?? [];
  const only =
    strategy_id === undefined
      ? all.length === 1
        ? all[0]
        : undefined
      : all.find((one) => one.strategy_id === strategy_id);
  const strategy = given ?? (only === undefined ? undefined : { kind: only.kind, parameters: only.parameters });
  if (strategy === undefined)
    return issue('strategy', 'name a strategy: {"kind": …, "parameters": …}, or a strategy_id of the algorithm');
  const kind = strategyOf(strategy.kind);
  if (kind === undefined) return issue('strategy.kind', `no strategy is of kind ${strategy.kind}`);
  const fits = kind.parameters.safeParse(strategy.parameters);
  if (!fits.success) return { ok: false, issues: issuesOf(fits.error) };
  if (start_date > end_date) return issue('end_date', 'it comes before start_date');

  const names = symbols ?? (only === undefined ? [] : [instrumentId(only.exchange, only.symbol)]);
  if (names.length === 0) return issue('symbols', 'name at least one');
  const markets: Instrument[] = [];
  for (const [i, name] of names.entries()) {
    const found = await listed(store, name);
    if (typeof found === 'string') return issue(`symbols.${i}`, found);
    markets.push(found);
  }
  const from = `${start_date}T00:00:00.000Z`;
  const to = new Date(Date.parse(`${end_date}T00:00:00Z`) + DAY_MS).toISOString();
  const now = clock.now().toISOString();
  const settings = BacktestSettings.safeParse({
    ...terms,
    periods_per_year: periods_per_year ?? (markets.every(({ session }) => session === 'always') ? 365 : 252),
    strategy,
    initial_capital,
    from,
    to,
    markets: markets.map(marketOf),
  });
  if (!settings.success) return { ok: false, issues: issuesOf(settings.error) };
  return { ok: true, settings: settings.data, until: to < now ? to : now };
}

async function listed(store: Ports['store'], name: string): Promise<Instrument | string> {
  if (name.includes(':')) return (await store.get(Instruments, name)) ?? `the symbol map has no ${name}`;
  const found = await store.query(Instruments, { equal: { symbol: name }, limit: 2 });
  if (found.length > 1) return `several exchanges list ${name}: write exchange:${name}`;
  return found[0]?.document ?? `the symbol map has no ${name}`;
}

const marketOf = (instrument: Instrument) => {
  const { exchange, symbol, currency, lot_size, tick_size, minimum_quantity, session, quantconnect } = instrument;
  const { security_type } = quantconnect;
  return { exchange, symbol, currency, lot_size, tick_size, minimum_quantity, session, security_type };
};
