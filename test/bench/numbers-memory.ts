import { ema, sma } from '#shared/feature/average.ts';
import { strategyOf } from '#shared/strategy/registry.ts';
import { closesOf } from './numbers-data.ts';
import { barsOfCloses } from './numbers-ours.ts';

/*
 * Bars that are never all there at once through two features and a strategy, in a process of its own:
 * node numbers-memory.ts BARS prints the peak of its memory.
 */
const BLOCK = 10_000;

function* walk(count: number): Generator<number> {
  for (let done = 0, seed = 1; done < count; done += BLOCK, seed += 1)
    yield* closesOf(Math.min(BLOCK, count - done), seed);
}

const count = Number(process.argv[2]);
const crossover = strategyOf('crossover');
if (crossover === undefined) throw new Error('there is no strategy crossover');
let state = crossover.start({ fast: 10, slow: 20 });
let [slow, quick] = [sma.start({ period: 50 }), ema.start({ period: 20 })];
let [proposals, seen] = [0, 0];
const began = performance.now();
for (const bar of barsOfCloses(walk(count))) {
  const close = Number(bar.close);
  slow = sma.step(slow, close).state;
  quick = ema.step(quick, close).state;
  state = crossover.on_data(state, bar);
  const trades = crossover.generate_signals(state, { may_open: true });
  state = crossover.on_proposed(state, trades);
  for (const { intent, decision_at } of trades)
    state = crossover.on_signal_ended(state, { market: 'x:TEST', intent, decision_at, executed: false });
  proposals += trades.length;
  seen += 1;
}
if (seen !== count) throw new Error(`${seen} bars of ${count} were streamed`);
const seconds = (performance.now() - began) / 1_000;
console.log(JSON.stringify({ peak: process.resourceUsage().maxRSS / 1_024, seconds, proposals }));
