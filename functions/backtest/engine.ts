import { Worker } from 'node:worker_threads';
import type { BacktestRequest, BacktestResult, Progress } from '#shared/backtest/schema.ts';
import { type Issue, Malformed } from '#shared/failure.ts';

/**
 * Runs a request to its end. Throws `Malformed` for one that makes no sense, `TooLong` for one that takes too long, and
 * the signal's reason when it is asked to stop.
 */
export type Engine = (
  request: Omit<BacktestRequest, 'on_progress' | 'strategy_of'>,
  onProgress: (progress: Progress) => void,
  stop: AbortSignal,
) => Promise<BacktestResult>;

export class TooLong extends Error {
  override readonly name = 'TooLong';
}

type Said =
  | { readonly progress: Progress }
  | { readonly result: BacktestResult }
  | { readonly malformed: { readonly message: string; readonly issues: readonly Issue[] } };

/** The local engine in a thread of its own, so that who serves can go on serving; ended after `timeout_ms`. */
export const engineInWorker =
  ({ timeout_ms }: { timeout_ms: number }): Engine =>
  async (request, onProgress, stop) => {
    stop.throwIfAborted();
    const worker = new Worker(new URL('engine-worker.ts', import.meta.url), { workerData: request });
    const { promise, resolve, reject } = Promise.withResolvers<BacktestResult>();
    const timer = setTimeout(
      () => reject(new TooLong(`It did not end within ${timeout_ms / 1000} s: give it fewer bars.`)),
      timeout_ms,
    );
    worker.on('message', (said: Said) => {
      if ('progress' in said) onProgress(said.progress);
      else if ('result' in said) resolve(said.result);
      else reject(new Malformed(said.malformed.message, said.malformed.issues));
    });
    const stopped = (): void => reject(stop.reason);
    stop.addEventListener('abort', stopped);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the engine ended with ${code} and no result`)));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      stop.removeEventListener('abort', stopped);
      await worker.terminate();
    }
  };
