import { issuesOf, Malformed } from '../failure.ts';
import { strategyOf } from '../strategy/registry.ts';
import type { Strategy } from '../strategy/schema.ts';
import { act, open } from './act.ts';
import { protecting } from './protect.ts';
import { resultOf } from './result.ts';
import { begin, chargeBorrow, note, type Run, seeEnd, seeOpen } from './run.ts';
import { type BacktestRequest, type BacktestResult, BacktestSettings } from './schema.ts';
import { type Moment, timelineOf } from './timeline.ts';

/*
 * The event-driven backtest: the paper account and a strategy, told the same bars in the order of time.
 *  1. At an instant, bars that end come first, then what the strategy decides on them, then bars that start. A
 *     strategy is never told anything of a bar before its `available_at`.
 *  2. With timing `next_open` an open is sized, and market orders fill, when all that is known of a bar is its open;
 *     closes fill before opens are sized. Brackets stand from the entry's fill on, so on the rest of that bar too; when
 *     one of them fills, what its entry has not filled yet is called off.
 *  3. With timing `lean` orders are sized at their decision and fill as LEAN fills them.
 *  4. final value - initial capital = sum of net trades + unrealised - fees of open entries - borrow, exactly, where
 *     no fee is taken in another currency.
 */

/** The settings of a request, defaults filled in, and its strategy. Throws Malformed where they make no sense. */
export function readRequest(request: BacktestRequest): { settings: BacktestSettings; strategy: Strategy } {
  const { bars, on_progress: _, strategy_of = strategyOf, ...given } = request;
  const read = BacktestSettings.safeParse(given);
  if (!read.success) throw new Malformed('the request of a backtest cannot be read', issuesOf(read.error));
  const settings = read.data;
  const strategy = strategy_of(settings.strategy.kind, bars);
  if (strategy === undefined) throw malformed('strategy.kind', `no strategy is of kind ${settings.strategy.kind}`);
  const checked = strategy.parameters.safeParse(settings.strategy.parameters);
  if (!checked.success)
    throw new Malformed(
      `the parameters of ${strategy.kind} cannot be read`,
      issuesOf(checked.error).map((issue) => ({ ...issue, path: `strategy.parameters.${issue.path}` })),
    );
  const foreign = settings.markets.find(({ currency }) => currency !== settings.currency);
  if (foreign)
    throw malformed('markets', `${foreign.symbol} is in ${foreign.currency}, the account in ${settings.currency}`);
  return { settings, strategy };
}

const malformed = (path: string, message: string): Malformed => new Malformed(message, [{ path, message }]);

/**
 * Runs a backtest: the same request, the same result. Throws Malformed, with the places, for a request or bars that
 * cannot be played.
 */
export function runBacktest(request: BacktestRequest): BacktestResult {
  const { settings, strategy } = readRequest(request);
  const moments = timelineOf(settings, request.bars);
  const { from, to } = settings;
  if (!moments.some(({ ends, at }) => ends.length > 0 && (from === undefined || at > from)))
    throw malformed('bars', `there is no bar to decide on${from ? ` after ${from}` : ''}${to ? ` up to ${to}` : ''}`);
  const run = begin(settings, strategy, protecting);
  const every = Math.max(1, Math.ceil(moments.length / 100));
  const ruined = !play(run, moments, (done, at) => {
    if (done % every === 0 || done === moments.length) request.on_progress?.({ done, total: moments.length, at });
  });
  return resultOf(run, request.bars, ruined);
}

/** Lets moments pass in turn; false as soon as one left nothing. */
export function play(run: Run, moments: readonly Moment[], on_moment?: (done: number, at: string) => void): boolean {
  for (const [index, moment] of moments.entries()) {
    if (!pass(run, moment)) return false;
    on_moment?.(index + 1, moment.at);
  }
  return true;
}

/** Lets one moment pass; false when it left nothing. */
function pass(run: Run, moment: Moment): boolean {
  const { settings, strategy } = run;
  for (const { market, bar, index } of moment.ends) {
    chargeBorrow(run, market, moment.at);
    seeEnd(run, market, bar, index);
  }
  if (moment.ends.length > 0) {
    const isPlayed = settings.from === undefined || moment.at > settings.from;
    if (isPlayed && !note(run, moment.at)) return false;
    for (const { bar } of moment.ends) run.state = strategy.on_data(run.state, bar);
    if (isPlayed) decide(run, moment.at);
  }
  if (settings.fill_timing === 'next_open') begins(run, moment);
  run.account = run.account.closed_orders.length === 0 ? run.account : { ...run.account, closed_orders: [] };
  return true;
}

function decide(run: Run, at: string): void {
  if (run.state.last_bar_at !== at) return;
  const trades = run.strategy.generate_signals(run.state, { may_open: true });
  run.state = run.strategy.on_proposed(run.state, trades);
  act(run, trades, at);
}

function begins(run: Run, { starts, at }: Moment): void {
  if (run.account.open_orders.length === 0 && run.waiting.length === 0) return;
  for (const { market, bar, index } of starts) {
    chargeBorrow(run, market, at);
    seeOpen(run, bar, index);
  }
  for (const { market, bar, index } of starts) {
    const due = run.waiting.filter((wanted) => wanted.market === market);
    run.waiting = run.waiting.filter((wanted) => wanted.market !== market);
    for (const wanted of due) {
      open(run, wanted, { at, now: new Date(at), bar: { index, open: bar.open } });
      seeOpen(run, bar, index);
    }
  }
}
