import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The whole way on one machine: process start to process end of `npm start -- --once` on the built-in bars, as a
 * person waits for it. The budget of the founding issue is 45 s on 2 cores.
 */
export async function bench(rounds = 3): Promise<void> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'quantbridge-bench-'));
    const started = performance.now();
    const words = ['start', '--', '--once', '--json', '--port', '0', '--data', folder];
    const { status, stderr } = spawnSync('npm', words, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
    seconds.push((performance.now() - started) / 1_000);
    rmSync(folder, { recursive: true, force: true });
    if (status !== 0) throw new Error(`the replay ended with ${String(status)}: ${stderr.slice(-500)}`);
  }
  seconds.sort((a, b) => a - b);
  const [fastest = 0] = seconds;
  const median = seconds[Math.floor(seconds.length / 2)] ?? 0;
  console.log(`replay of 5,105 bars: median ${median.toFixed(1)} s, fastest ${fastest.toFixed(1)} s of ${rounds} runs`);
}

if (import.meta.main) await bench();
