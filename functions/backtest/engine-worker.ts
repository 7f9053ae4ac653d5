import { parentPort, workerData } from 'node:worker_threads';
import { completeBacktest } from '#shared/backtest/complete.ts';
import { Malformed } from '#shared/failure.ts';

/** Runs one backtest whole beside the thread that serves, and tells it how far it is. */
try {
  const result = completeBacktest({ ...workerData, on_progress: (progress) => parentPort?.postMessage({ progress }) });
  parentPort?.postMessage({ result });
} catch (error) {
  if (!(error instanceof Malformed)) throw error;
  parentPort?.postMessage({ malformed: { message: error.message, issues: error.issues } });
}
