import { SingleBar } from 'cli-progress';

export interface ProgressBar {
  at(done: number): void;
  end(): void;
}

/** A bar with the time left on a terminal, nothing elsewhere. */
export function bar(stream: NodeJS.WritableStream & { isTTY?: boolean }, words: string, total: number): ProgressBar {
  if (stream.isTTY !== true) return { at: () => {}, end: () => {} };
  const format = `${words} {bar} {percentage}%  {eta_formatted} left`;
  const shown = new SingleBar({ format, stream, clearOnComplete: true, hideCursor: true });
  shown.start(total, 0);
  return { at: (done) => shown.update(done), end: () => shown.stop() };
}
