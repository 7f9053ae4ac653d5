import { join } from 'node:path';
import { z } from 'zod';
import type { BacktestRequest } from '#shared/backtest/schema.ts';
import { tariffOf } from '#shared/brokerage/tariff.ts';
import type { Session } from '#shared/market/session.ts';
import { STRATEGIES } from '#shared/strategy/registry.ts';
import type { Strategy } from '#shared/strategy/schema.ts';
import { type Axis, axesOf, date, fraction, marketsOf, type NamedMarket, Unclear } from './arguments.ts';
import type { Gathered, Source } from './market-data.ts';

/** Options as commander hands them over. */
export interface Options {
  readonly data: string;
  readonly json?: boolean;
  readonly csv?: true | string;
  readonly strategy?: string;
  readonly symbols: string;
  readonly from?: string;
  readonly to?: string;
  readonly bars?: string;
  readonly provider?: string;
  readonly adjust?: string;
  readonly cache?: string;
  readonly session: Session;
  readonly capital: string;
  readonly size?: string;
  readonly fee?: string;
  readonly brokerage?: string;
  readonly slippage?: string;
  readonly timing: 'next_open' | 'lean';
  readonly allowShort?: boolean;
  readonly periods?: string;
  readonly parameters?: string;
  readonly sweep?: readonly string[];
  readonly report?: string | boolean;
  readonly certify?: string;
  readonly [parameter: string]: unknown;
}

/** What a person asked for, checked as far as it can be without bars. */
export interface Plan {
  readonly strategy: Strategy;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly markets: readonly NamedMarket[];
  readonly source: Source;
  readonly axes: readonly Axis[];
  readonly from: string;
  readonly to: string | undefined;
  readonly session: Session;
}

/** The names of a strategy's parameters, in its own order. */
export function parameterNames(strategy: Strategy): readonly string[] {
  const schema = z.toJSONSchema(strategy.parameters, { io: 'input', unrepresentable: 'any' });
  return Object.keys(schema.properties ?? {});
}

const FIRST_DAY = '1900-01-01';

/** Throws `Unclear`. `environment` holds the key of a provider that needs one. */
export function planOf(options: Options, environment: Readonly<Record<string, string | undefined>>): Plan {
  if (options.strategy === undefined)
    throw new Unclear(`Say which strategy: --strategy <kind>. There are: ${[...STRATEGIES.keys()].join(', ')}.`);
  const strategy = STRATEGIES.get(options.strategy);
  if (strategy === undefined)
    throw new Unclear(`There is no strategy ${options.strategy}. There are: ${[...STRATEGIES.keys()].join(', ')}.`);
  const markets = marketsOf(options.symbols);
  const axes = axesOf(options.sweep ?? []);
  const parameters = parametersOf(options, strategy);
  const names = parameterNames(strategy);
  for (const { name } of axes)
    if (!names.includes(name))
      throw new Unclear(`${strategy.kind} has no parameter ${name}. It has: ${names.join(', ')}.`);
  if (axes.length === 0) checkParameters(strategy, parameters);
  return {
    strategy,
    parameters,
    markets,
    axes,
    source: sourceOf(options, markets, environment),
    from: options.from === undefined ? FIRST_DAY : date(options.from),
    to: options.to === undefined ? undefined : date(options.to),
    session: options.session,
  };
}

/** Throws `Unclear` with what the strategy does not take. */
export function checkParameters(strategy: Strategy, parameters: unknown): void {
  const read = strategy.parameters.safeParse(parameters);
  if (read.success) return;
  const issues = read.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? '' : `--${path.join('.')}: `}${message}`,
  );
  const names = parameterNames(strategy);
  throw new Unclear(
    `The parameters of ${strategy.kind} do not fit. ${issues.join('; ')}. It takes: ${names.join(', ')}.`,
  );
}

/** `--parameters` as JSON, and over it each parameter that was given as an option of its own. */
function parametersOf(options: Options, strategy: Strategy): Record<string, unknown> {
  const whole: unknown = options.parameters === undefined ? {} : jsonOf(options.parameters);
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole))
    throw new Unclear('--parameters is a JSON object, such as {"fast": 10}.');
  const names = parameterNames(strategy);
  const single = names.flatMap((name) => {
    const given = options[`parameter_${name}`];
    return typeof given === 'string' ? [[name, valueIn(given)] as const] : [];
  });
  const short = options.allowShort === true && names.includes('allow_short') ? { allow_short: true } : {};
  return { ...whole, ...short, ...Object.fromEntries(single) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A number or a truth where it is one, else the text. */
const valueIn = (text: string): unknown => jsonOf(text) ?? text;

export function sourceOf(
  { bars, provider, adjust = 'total', cache, data }: Options,
  markets: readonly unknown[],
  environment: Readonly<Record<string, string | undefined>>,
): Source {
  if (bars !== undefined && provider !== undefined)
    throw new Unclear('Bars come from --bars or from --provider, not both.');
  if (bars !== undefined) {
    const paths = bars.split(',');
    if (paths.length !== markets.length)
      throw new Unclear(
        `--bars names ${paths.length} files for ${markets.length} symbols: name one each, in their order.`,
      );
    return { kind: 'files', paths };
  }
  if (provider === undefined) return { kind: 'builtin' };
  if (provider !== 'yahoo' && provider !== 'alpha-vantage')
    throw new Unclear(`There is no provider ${provider}. There are: yahoo, alpha-vantage.`);
  if (adjust !== 'total' && adjust !== 'splits') throw new Unclear('--adjust is total or splits.');
  const key = environment.ALPHA_VANTAGE_API_KEY ?? '';
  if (provider === 'alpha-vantage' && key === '')
    throw new Unclear(
      'Alpha Vantage needs a key: get one at www.alphavantage.co/support and put it into ALPHA_VANTAGE_API_KEY.',
    );
  return { kind: 'provider', name: provider, adjustment: adjust, key, cache: cache ?? join(data, 'cache') };
}

const DAY_MS = 86_400_000;
const endOf = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString();

/** Throws `Unclear` where no bar lies between the first and the last day, and says where bars do lie. */
function checkSpan({ from, to }: Plan, gathered: readonly Gathered[]): void {
  if (to !== undefined && from > to) throw new Unclear(`--from ${from} comes after --to ${to}.`);
  const spans = gathered.map(({ symbol, bars }) => {
    const [first, last] = [bars[0]?.available_at.slice(0, 10), bars.at(-1)?.available_at.slice(0, 10)];
    return {
      symbol,
      first,
      last,
      has: bars.some((bar) => bar.available_at >= from && bar.available_at.slice(0, 10) <= (to ?? '~')),
    };
  });
  if (spans.some(({ has }) => has)) return;
  const words = spans.map(({ symbol, first, last }) => `${symbol} has bars from ${first} to ${last}`).join(', ');
  throw new Unclear(`${words}: none lies between --from and --to. Name other days.`);
}

/** The engine's request, once the bars are there. */
export function requestOf(plan: Plan, options: Options, gathered: readonly Gathered[]): BacktestRequest {
  const { session, from, to } = plan;
  checkSpan(plan, gathered);
  const periods = options.periods === undefined ? (session === 'exchange' ? 252 : 365) : Number(options.periods);
  if (!(periods > 0)) throw new Unclear('--periods is how many bars a year has, such as 252.');
  if (!/^\d{1,15}(\.\d{1,8})?$/.test(options.capital) || Number(options.capital) === 0)
    throw new Unclear('--capital is an amount above zero, such as 100000.');
  const size = options.size === undefined ? percentEach(gathered.length) : percentOf(options.size);
  return {
    strategy: { kind: plan.strategy.kind, parameters: plan.parameters as BacktestRequest['strategy']['parameters'] },
    markets: gathered.map(({ exchange, symbol }) => ({ exchange, symbol, session })),
    bars: Object.fromEntries(gathered.map(({ market, bars }) => [market, bars])),
    ...(from === FIRST_DAY ? {} : { from: `${from}T00:00:00.000Z` }),
    ...(to === undefined ? {} : { to: endOf(to) }),
    initial_capital: options.capital,
    sizing: { mode: 'percent_of_equity', value: size },
    ...feesOf(options),
    ...(options.slippage === undefined ? {} : { slippage: slippageOf(options.slippage) }),
    fill_timing: options.timing,
    ...(options.timing === 'lean' ? { size_at: 'decision' } : {}),
    allow_short: options.allowShort === true,
    periods_per_year: periods,
  };
}

/** All equity for one market, an equal share for each of several. */
const percentEach = (markets: number): string => String(Math.floor(10_000 / markets) / 100);

function percentOf(text: string): string {
  const [found, digits = ''] = /^(\d{1,4}(?:\.\d{1,6})?)%?$/.exec(text) ?? [];
  if (found === undefined || Number(digits) === 0)
    throw new Unclear('--size is the percentage of equity that a position takes, such as 50%.');
  return digits;
}

/** A rate for every fill, or what a brokerage charges. */
function feesOf({ fee, brokerage }: Options): Pick<BacktestRequest, 'fee'> {
  if (fee !== undefined && brokerage !== undefined)
    throw new Unclear('A fee comes from --fee or --brokerage, not both.');
  if (fee !== undefined) {
    const rate = fraction(fee);
    return { fee: { kind: 'percent', maker: rate, taker: rate, buy_in: 'quote' } };
  }
  const tariff = brokerage === undefined ? undefined : tariffOf(brokerage);
  return tariff === undefined ? {} : { fee: tariff };
}

const slippageOf = (text: string): NonNullable<BacktestRequest['slippage']> =>
  text === 'volume' ? { kind: 'volume_share' } : { kind: 'fixed', bps: bpsOf(text) };

/** Hundredths of a percent. */
const bpsOf = (text: string): string => String(Number((Number(fraction(text)) * 10_000).toFixed(9)));
