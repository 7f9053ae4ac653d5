import { SingleBar } from 'cli-progress';

export interface Progress {
  at(step: number): void;
  end(): void;
}

/** A progress bar on a terminal; elsewhere a line for every tenth of the way. Standard error, never output. */
export function progressOn(stream: NodeJS.WriteStream, title: string, total: number, from: number): Progress {
  if (stream.isTTY) {
    const format = `${title} {bar} {percentage}% | {value}/{total} bars | {duration_formatted}, {eta_formatted} left`;
    const bar = new SingleBar({ format, stream, hideCursor: true, clearOnComplete: false, etaBuffer: 200 });
    bar.start(total, from);
    return { at: (step) => bar.update(step), end: () => bar.stop() };
  }
  let tenth = Math.floor((10 * from) / total);
  return {
    at(step) {
      const now = Math.floor((10 * step) / total);
      if (now === tenth) return;
      tenth = now;
      stream.write(`${title}: ${now * 10} % (${step}/${total} bars)\n`);
    },
    end: () => {},
  };
}
