import { median } from './serve-paired.ts';
import { freePort, run, untilAnswered } from './serve-process.ts';
import { type Artefact, limitServer, ourServer } from './serve-servers.ts';

export interface Starts {
  /** Ours ÷ bare node:http, the medians of the starts. */
  readonly ratio: number;
  readonly base_ms: number;
  readonly ours_ms: number;
  /** From a start of ours to the first batch that a key got. */
  readonly batch_ms: number;
}

/** The milliseconds from the start of a process to its first 200. */
async function start(
  command: (port: number) => Parameters<typeof run>[0],
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const port = await freePort();
  const begun = performance.now();
  const server = run(command(port));
  try {
    await untilAnswered(port, path, headers);
    return performance.now() - begun;
  } finally {
    await server.stop();
  }
}

/** Starts bare node:http and the artefact in turn; the first start of each is left out. */
export async function starts(
  artefact: Artefact,
  data: string,
  batch: string,
  headers: Readonly<Record<string, string>>,
  count = 11,
): Promise<Starts> {
  const ours = (port: number) => ourServer(artefact, port, data);
  const took: { base: number; ours: number; batch: number }[] = [];
  for (let n = 0; n <= count; n++) {
    took.push({
      base: await start(limitServer, '/healthz', {}),
      ours: await start(ours, '/healthz', {}),
      batch: await start(ours, batch, headers),
    });
  }
  const [base_ms, ours_ms, batch_ms] = (['base', 'ours', 'batch'] as const).map((whose) =>
    median(took.slice(1).map((one) => one[whose])),
  ) as [number, number, number];
  return { ratio: ours_ms / base_ms, base_ms, ours_ms, batch_ms };
}
