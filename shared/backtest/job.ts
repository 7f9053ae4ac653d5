import { z } from 'zod';
import { Amount } from '../amount.ts';
import { deterministicId } from '../digest.ts';
import { collection, type Key, key, write } from '../document.ts';
import type { Decision, Read } from '../ports/index.ts';
import { type Envelope, fact, Instant } from '../topics.ts';
import { type BacktestResult, BacktestSettings } from './schema.ts';

/*
 * A backtest as a service. Invariants:
 *  1. The id names settings and the end of the bars: the same request is the same job and is run once.
 *  2. At most `maximum` jobs run at a time; the others wait in order.
 *  3. A run holds its place by a lease. When its process dies, the lease ends and the job is run again, three times
 *     at most; a run whose place was taken over changes nothing any more.
 */

/** What a finished backtest says of itself (004-19); the whole of it is in `files`. */
export const BacktestSummary = z.strictObject({
  strategy_name: z.string(),
  start_date: Instant,
  end_date: Instant,
  initial_capital: Amount,
  final_value: Amount,
  total_return: z.number(),
  sharpe_ratio: z.number().nullable(),
  max_drawdown: z.number().nullable(),
  num_trades: z.int(),
  win_rate: z.number().nullable(),
});
export type BacktestSummary = z.infer<typeof BacktestSummary>;

export const BacktestJob = z.strictObject({
  schema: z.literal(1),
  backtest_id: z.string(),
  /** `failed` will not be run again: `failure` says why. */
  state: z.enum(['queued', 'running', 'finished', 'failed']),
  settings: BacktestSettings,
  /** Bars that were available then are used, no later ones. */
  until: Instant,
  requested_by: z.string(),
  /** The algorithm that it was asked for; absent for an operator. */
  algorithm_id: z.string().optional(),
  requested_at: Instant,
  started_at: Instant.optional(),
  finished_at: Instant.optional(),
  attempts: z.int().min(0),
  progress: z.strictObject({ done: z.int(), total: z.int(), at: Instant }).optional(),
  summary: BacktestSummary.optional(),
  /** The file of the whole result. */
  result: z.strictObject({ path: z.string(), bytes: z.int(), sha256: z.string() }).optional(),
  failure: z.string().optional(),
});
export type BacktestJob = z.infer<typeof BacktestJob>;
export const BacktestJobs = collection('backtests', BacktestJob);

/** Which jobs run, until when their leases last, and which wait, in order. */
export const BacktestQueue = z.strictObject({
  schema: z.literal(1),
  running: z.array(z.strictObject({ backtest_id: z.string(), until: Instant })),
  waiting: z.array(z.string()),
});
export type BacktestQueue = z.infer<typeof BacktestQueue>;
export const BacktestQueues = collection('backtest_queues', BacktestQueue);
export const QUEUE_ID = 'queue';
const EMPTY: BacktestQueue = { schema: 1, running: [], waiting: [] };

const MAXIMUM_WAITING = 100;
const MAXIMUM_ATTEMPTS = 3;

export const jobKeys = (backtest_id: string): readonly Key[] => [
  key(BacktestJobs, backtest_id),
  key(BacktestQueues, QUEUE_ID),
];

export interface JobRequest {
  readonly settings: BacktestSettings;
  readonly until: string;
  readonly requested_by: string;
  readonly algorithm_id?: string;
}
export const jobId = ({ settings, until, algorithm_id }: JobRequest): string =>
  deterministicId('backtest', settings, until, algorithm_id ?? null);

/** The job of a request: the one that exists, or a new one that waits; undefined when too many wait. */
export function requestJob(read: Read, now: Date, request: JobRequest): Decision<BacktestJob | undefined> {
  const backtest_id = jobId(request);
  const known = read(BacktestJobs, backtest_id);
  if (known !== undefined) return { answer: known };
  const queue = read(BacktestQueues, QUEUE_ID) ?? EMPTY;
  if (queue.waiting.length >= MAXIMUM_WAITING) return { answer: undefined };
  const job: BacktestJob = {
    schema: 1,
    backtest_id,
    state: 'queued',
    ...request,
    requested_at: now.toISOString(),
    attempts: 0,
  };
  const { requested_by, algorithm_id } = request;
  const body = { backtest_id, strategy: job.settings.strategy.kind, requested_by };
  return {
    create: [write(BacktestJobs, backtest_id, job)],
    put: [write(BacktestQueues, QUEUE_ID, { ...queue, waiting: [...queue.waiting, backtest_id] })],
    publish: [fact('backtest.requested', now, [backtest_id], body, algorithm_id === undefined ? {} : { algorithm_id })],
    answer: job,
  };
}

/** Whose turn it is: a run whose lease ended, else the first that waits if a place is free. `own` are running here. */
export function nextJob(
  queue: BacktestQueue = EMPTY,
  now: Date,
  maximum: number,
  own: ReadonlySet<string>,
): string | undefined {
  const ended = queue.running.find(({ backtest_id, until }) => until <= now.toISOString() && !own.has(backtest_id));
  if (ended !== undefined) return ended.backtest_id;
  return queue.running.length < maximum ? queue.waiting[0] : undefined;
}

export interface ClaimTerms {
  readonly maximum: number;
  readonly lease_ms: number;
  readonly own: ReadonlySet<string>;
}

/** Takes a job to run it. `moved` when it was no longer its turn or it was given up: look again. */
export function claimJob(
  read: Read,
  now: Date,
  backtest_id: string,
  { maximum, lease_ms, own }: ClaimTerms,
): Decision<BacktestJob | 'moved'> {
  const queue = read(BacktestQueues, QUEUE_ID) ?? EMPTY;
  const job = read(BacktestJobs, backtest_id);
  if (job === undefined || nextJob(queue, now, maximum, own) !== backtest_id) return { answer: 'moved' };
  if (job.attempts >= MAXIMUM_ATTEMPTS) {
    const failure = `It was started ${MAXIMUM_ATTEMPTS} times and never came to its end: give it fewer bars.`;
    return { ...ended(queue, { ...job, state: 'failed', failure }, now), answer: 'moved' };
  }
  const until = new Date(now.getTime() + lease_ms).toISOString();
  const { progress: _, ...before } = job;
  const claimed: BacktestJob = {
    ...before,
    state: 'running',
    attempts: job.attempts + 1,
    started_at: now.toISOString(),
  };
  const rest = without(queue, backtest_id);
  return {
    put: [
      write(BacktestJobs, backtest_id, claimed),
      write(BacktestQueues, QUEUE_ID, { ...rest, running: [...rest.running, { backtest_id, until }] }),
    ],
    answer: claimed,
  };
}

/** The job as this attempt left it; undefined when another attempt has taken over. */
const ownJob = (read: Read, { backtest_id, attempts }: BacktestJob): BacktestJob | undefined => {
  const job = read(BacktestJobs, backtest_id);
  return job?.state === 'running' && job.attempts === attempts ? job : undefined;
};

export function noteProgress(
  read: Read,
  claimed: BacktestJob,
  progress: NonNullable<BacktestJob['progress']>,
): Decision<undefined> {
  const job = ownJob(read, claimed);
  if (job === undefined) return { answer: undefined };
  return { put: [write(BacktestJobs, job.backtest_id, { ...job, progress })], answer: undefined };
}

export type Outcome = Required<Pick<BacktestJob, 'summary' | 'result'>> | Required<Pick<BacktestJob, 'failure'>>;

/** The end of a run: states the fact, frees the place. */
export function finishJob(read: Read, now: Date, claimed: BacktestJob, outcome: Outcome): Decision<undefined> {
  const job = ownJob(read, claimed);
  if (job === undefined) return { answer: undefined };
  const queue = read(BacktestQueues, QUEUE_ID) ?? EMPTY;
  const state = 'failure' in outcome ? 'failed' : 'finished';
  return { ...ended(queue, { ...job, ...outcome, state }, now), answer: undefined };
}

function ended(queue: BacktestQueue, job: BacktestJob, now: Date) {
  const { backtest_id, state, summary, result, failure, algorithm_id, attempts } = job;
  const done: BacktestJob = { ...job, finished_at: now.toISOString() };
  const body = {
    backtest_id,
    state,
    attempts,
    ...(summary === undefined ? {} : { summary }),
    ...(result === undefined ? {} : { result }),
    ...(failure === undefined ? {} : { failure }),
  };
  const links = algorithm_id === undefined ? {} : { algorithm_id };
  const said: Envelope = fact('backtest.finished', now, [backtest_id], body, links);
  return {
    put: [write(BacktestJobs, backtest_id, done), write(BacktestQueues, QUEUE_ID, without(queue, backtest_id))],
    publish: [said],
  };
}

const without = (queue: BacktestQueue, backtest_id: string): BacktestQueue => ({
  ...queue,
  running: queue.running.filter((one) => one.backtest_id !== backtest_id),
  waiting: queue.waiting.filter((one) => one !== backtest_id),
});

export const summaryOf = (result: BacktestResult): BacktestSummary => {
  const { strategy_name, start_date, end_date, initial_capital, final_value } = result;
  const { total_return, sharpe_ratio, max_drawdown, num_trades, win_rate } = result;
  return {
    strategy_name,
    start_date,
    end_date,
    initial_capital,
    final_value,
    total_return,
    sharpe_ratio,
    max_drawdown,
    num_trades,
    win_rate,
  };
};
