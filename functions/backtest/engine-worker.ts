import { parentPort, workerData } from 'node:worker_threads';
import { certifiedBacktest } from '#shared/backtest/certificate.ts';
import { Malformed } from '#shared/failure.ts';

/** Runs and certifies one backtest beside the thread that serves, and tells it how far it is. */
try {
  const result = certifiedBacktest({ ...workerData, on_progress: (progress) => parentPort?.postMessage({ progress }) });
  parentPort?.postMessage({ result });
} catch (error) {
  if (!(error instanceof Malformed)) throw error;
  parentPort?.postMessage({ malformed: { message: error.message, issues: error.issues } });
}
