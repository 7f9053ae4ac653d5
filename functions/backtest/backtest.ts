import {
  type BacktestJob,
  BacktestQueues,
  claimJob,
  finishJob,
  jobKeys,
  nextJob,
  noteProgress,
  QUEUE_ID,
  summaryOf,
} from '#shared/backtest/job.ts';
import type { BacktestRequest, BacktestResult, Progress } from '#shared/backtest/schema.ts';
import { sha256 } from '#shared/digest.ts';
import { Malformed } from '#shared/failure.ts';
import { type Bar, instrumentId } from '#shared/market/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import type { Handler } from '../push.ts';
import { type Engine, engineInWorker, TooLong } from './engine.ts';

export type BacktestPorts = Pick<Ports, 'clock' | 'store' | 'market' | 'files' | 'log'>;

export interface BacktestOptions {
  readonly engine?: Engine;
  /** How many run at a time, over all instances. */
  readonly maximum?: number;
  /**
   * Whether a message is acknowledged before its run ends: where one process serves everything and goes on living. In
   * the cloud the run belongs to the request, since the processor is taken away after the answer.
   */
  readonly in_background?: boolean;
}

export interface Backtests {
  readonly handle: Handler;
  /** Resolves when nothing runs here any more. */
  settled(): Promise<void>;
  /** Stops what runs here; it is run again when its lease has ended. */
  end(): Promise<void>;
}

/** 540 s of a function's run + 60 s for bars and result. */
const TIMEOUT_MS = 540_000;
const LEASE_MS = 600_000;
const MAXIMUM_BARS = 1_000_000;

/** A request is run when a place is free; a tick takes up what a process that died has left. */
export function backtest(ports: BacktestPorts, options: BacktestOptions = {}): Backtests {
  const { store, clock, log } = ports;
  const { engine = engineInWorker({ timeout_ms: TIMEOUT_MS }), maximum = 2, in_background = false } = options;
  const own = new Set<string>();
  const going = new Set<Promise<void>>();
  const stop = new AbortController();

  async function claim(): Promise<BacktestJob | undefined> {
    while (true) {
      const candidate = nextJob(await store.get(BacktestQueues, QUEUE_ID), clock.now(), maximum, own);
      if (candidate === undefined) return undefined;
      const terms = { maximum, lease_ms: LEASE_MS, own };
      const claimed = await store.commit(jobKeys(candidate), (read, now) => claimJob(read, now, candidate, terms));
      if (claimed !== 'moved') return claimed;
    }
  }

  /** Runs what is to be run, one after the other. In the cloud one message runs one: it has one message's time. */
  async function work(): Promise<void> {
    for (let job = await claim(); job !== undefined; job = await claim()) {
      own.add(job.backtest_id);
      try {
        await runJob(ports, (request, onProgress) => engine(request, onProgress, stop.signal), job);
      } finally {
        own.delete(job.backtest_id);
      }
      if (!in_background) return;
    }
  }

  function inBackground(): void {
    const run: Promise<void> = work()
      .catch((error: unknown) => {
        if (!stop.signal.aborted) log.error('backtest failed', { error: wordsOf(error) });
      })
      .finally(() => going.delete(run));
    going.add(run);
  }

  const settled = async (): Promise<void> => {
    while (going.size > 0) await Promise.all(going);
  };

  return {
    async handle({ fact }) {
      if (fact !== 'backtest.requested' && fact !== 'tick.minute') return;
      if (!in_background) return work();
      if ((await store.get(BacktestQueues, QUEUE_ID)) !== undefined) inBackground();
    },
    settled,
    async end() {
      stop.abort();
      await settled();
    },
  };
}

type Run = (request: BacktestRequest, onProgress: (progress: Progress) => void) => Promise<BacktestResult>;

async function runJob(ports: BacktestPorts, run: Run, job: BacktestJob): Promise<void> {
  const { store, files } = ports;
  const keys = jobKeys(job.backtest_id);
  let told = Promise.resolve();
  let tenths = 0;
  // A document a percent would be a hundred commits; ten show that it moves.
  const onProgress = (progress: Progress): void => {
    const { done, total } = progress;
    const reached = Math.floor((10 * done) / Math.max(1, total));
    if (reached <= tenths) return;
    tenths = reached;
    told = told.then(() => store.commit(keys, (read) => noteProgress(read, job, progress)));
  };
  const outcome = await outcomeOf(ports, run, job, onProgress).finally(() => told);
  if ('failure' in outcome) {
    await store.commit(keys, (read, now) => finishJob(read, now, job, outcome));
    return;
  }
  // The file comes first: a document never names one that is not there. A repeated run writes the same bytes.
  const bytes = Buffer.from(JSON.stringify(outcome.whole));
  const path = `backtests/${job.backtest_id}/result.json`;
  await files.putIfAbsent(path, bytes);
  const result = { path, bytes: bytes.length, sha256: sha256(bytes) };
  await store.commit(keys, (read, now) => finishJob(read, now, job, { summary: summaryOf(outcome.whole), result }));
}

async function outcomeOf(
  { market }: BacktestPorts,
  run: Run,
  { settings, until }: BacktestJob,
  onProgress: (progress: Progress) => void,
): Promise<{ readonly failure: string } | { readonly whole: BacktestResult }> {
  const bars: Record<string, readonly Bar[]> = {};
  for (const { exchange, symbol } of settings.markets) {
    const found = await market.bars({ exchange, symbol, until, limit: MAXIMUM_BARS });
    if (found.length === 0) return { failure: `There are no bars of ${exchange}:${symbol} up to ${until}.` };
    bars[instrumentId(exchange, symbol)] = found;
  }
  try {
    const request: BacktestRequest = { ...settings, bars };
    return { whole: await run(request, onProgress) };
  } catch (error) {
    if (error instanceof TooLong) return { failure: error.message };
    if (!(error instanceof Malformed)) throw error;
    const issues = error.issues.map(({ path, message }) => `${path}: ${message}`);
    return { failure: [error.message, ...issues].join('; ') };
  }
}

const wordsOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
