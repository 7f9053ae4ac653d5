import { readFileSync } from 'node:fs';
import { amount } from '#shared/amount.ts';
import { runBacktest } from '#shared/backtest/engine.ts';
import { type CrossoverResult, runCrossover, sweepCrossover } from '#shared/backtest/vectorised.ts';
import type { Bar } from '#shared/market/schema.ts';
import { simulateLoss } from '#shared/risk/monte-carlo.ts';

/*
 * Our side of `npm run bench -- numbers`, one case a process: node numbers-ours.ts CASE FILE REPEATS, answered by one
 * line of JSON as numbers-base.py answers. What is measured is the code that the subcommand `backtest` runs.
 */

export const CAPITAL = 10_000;
export const FEE = 0.001;
export const YEAR = 98_280;
export const FASTS = [5, 8, 10, 12, 15, 18, 20, 22, 25, 30];
export const SLOWS = [40, 50, 60, 80, 100, 120, 150, 180, 200, 250];

const TERMS = {
  initial_capital: CAPITAL,
  fee_rate: FEE,
  lot_size: 0,
  share: 1,
  allow_short: false,
  periods_per_year: YEAR,
};

/**
 * Closes as columns whose opens are the closes before, so that an order decided at a close fills at that price. Both
 * columns are views of one array, as nothing else is in the base programs.
 */
export function columnsOfCloses(closes: Float64Array) {
  const all = new Float64Array(closes.length + 1);
  all.set(closes, 1);
  all[0] = closes[0] ?? 0;
  const highest = closes.reduce((most, value) => Math.max(most, value), 0);
  return { open: all.subarray(0, -1), close: all.subarray(1), highest };
}

/** Bars of a minute that open at the close before, prices in hundredths. */
export function* barsOfCloses(closes: Iterable<number>): Generator<Bar> {
  let ms = Date.parse('2000-01-01T00:00:00.000Z');
  let [open, start] = ['', new Date(ms).toISOString()];
  for (const value of closes) {
    const close = String(Math.round(value * 100) / 100);
    open ||= close;
    const [high, low] = Number(open) > Number(close) ? [open, close] : [close, open];
    ms += 60_000;
    const available_at = new Date(ms).toISOString();
    yield { exchange: 'x', symbol: 'TEST', start, available_at, open, high, low, close, volume: '0' };
    open = close;
    start = available_at;
  }
}

const numbersOf = ({
  final_value,
  total_return,
  sharpe_ratio,
  max_drawdown,
  num_trades,
  win_rate,
}: CrossoverResult) => [final_value, total_return, sharpe_ratio, max_drawdown, num_trades, win_rate];

export type Numbers = readonly (readonly (number | null)[])[];

/** What is run and timed, by case; each answers the numbers that are compared. */
export const CASES: Readonly<Record<string, (numbers: Float64Array) => () => Numbers>> = {
  portfolio(closes) {
    const columns = columnsOfCloses(closes);
    return () => [numbersOf(runCrossover(columns, { ...TERMS, fast: 20, slow: 50 }))];
  },
  sweep(closes) {
    const columns = columnsOfCloses(closes);
    return () => sweepCrossover(columns, FASTS, SLOWS, TERMS).map(numbersOf);
  },
  'monte-carlo'(numbers) {
    const assets = Math.sqrt(numbers.length);
    const covariance = Array.from({ length: assets }, (_, i) => [...numbers.subarray(i * assets, (i + 1) * assets)]);
    const model = { mean: covariance.map(() => 0), covariance };
    const weights = covariance.map(() => 1 / assets);
    return () => {
      const loss = simulateLoss(model, weights, { confidence: 0.99, paths: 100_000, seed: 7 });
      return [[loss.value_at_risk.value, loss.expected_shortfall.value]];
    };
  },
  engine(closes) {
    const bars = [...barsOfCloses(closes)];
    return () => {
      const result = runBacktest({
        strategy: { kind: 'crossover', parameters: { fast: 10, slow: 20 } },
        markets: [{ exchange: 'x', symbol: 'TEST' }],
        bars: { 'x:TEST': bars },
        initial_capital: amount(CAPITAL),
        fee: { kind: 'percent', maker: '0.002', taker: '0.002', buy_in: 'quote' },
        periods_per_year: YEAR,
      });
      const { final_value, total_return, sharpe_ratio, max_drawdown, num_trades, win_rate } = result;
      return [[Number(final_value), total_return, sharpe_ratio, max_drawdown, num_trades, win_rate]];
    };
  },
  vectorised(closes) {
    const rounded = Float64Array.from(barsOfCloses(closes), ({ close }) => Number(close));
    const columns = columnsOfCloses(rounded);
    const terms = { ...TERMS, fee_rate: 0.002, lot_size: 1, fast: 10, slow: 20 };
    return () => [numbersOf(runCrossover(columns, terms))];
  },
};

/** Seconds of the processor that its clock, which ticks every few milliseconds, tells well enough. */
const TICKS = 0.2;

function time(name: string, file: string, repeats: number): void {
  const bytes = readFileSync(file);
  const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const run = CASES[name]?.(numbers);
  if (run === undefined) throw new RangeError(`no case ${name}`);
  const found = run();
  const beganOnCpu = process.threadCpuUsage();
  let wall = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i += 1) {
    const began = performance.now();
    run();
    wall = Math.min(wall, (performance.now() - began) / 1_000);
  }
  const { user, system } = process.threadCpuUsage(beganOnCpu);
  const cpu = (user + system) / 1e6;
  console.log(JSON.stringify({ wall, cpu: cpu > TICKS ? cpu / repeats : wall, numbers: found }));
}

if (import.meta.main) {
  const [name = '', file = '', repeats = '1'] = process.argv.slice(2);
  time(name, file, Number(repeats));
}
