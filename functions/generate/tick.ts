import { isDeepStrictEqual } from 'node:util';
import { absolute, amount, multiply, round } from '#shared/amount.ts';
import { type Algorithm, Algorithms, type StrategySetting } from '#shared/deployment/schema.ts';
import { canonical } from '#shared/digest.ts';
import { key, write } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import { type Admitted, intake, intakeKeys, type Offer } from '#shared/intake/intake.ts';
import type { Bar } from '#shared/market/schema.ts';
import type { Proposal, Sizing } from '#shared/signal/schema.ts';
import { StrategyMemories, type StrategyMemory } from '#shared/strategy/memory.ts';
import { strategyOf } from '#shared/strategy/registry.ts';
import type { ProposedTrade, Strategy, StrategyState } from '#shared/strategy/schema.ts';
import { advance } from '#shared/strategy/strategy.ts';
import { eachInTurn } from '../push.ts';
import { pricesFor } from '../submit.ts';
import type { GeneratePorts } from './generate.ts';

/** How many bars a strategy without a memory is shown at most, to warm up. */
const WARM_UP_BARS = 5_000;
const ATTEMPTS = 5;

/** Shows every algorithm's strategies the bars that became available, and submits what they propose. */
export async function tick(ports: GeneratePorts, at: Date): Promise<void> {
  const algorithms = await ports.store.query(Algorithms, { limit: 1000 });
  await eachInTurn(algorithms, ({ document }) => tickAlgorithm(ports, document, at));
}

/** One algorithm: bars, decisions, signals and what the strategies remember stand in one commit. */
async function tickAlgorithm(ports: GeneratePorts, algorithm: Algorithm, at: Date): Promise<void> {
  const { algorithm_id } = algorithm;
  const settings = algorithm.strategies.filter((one) => one.enabled);
  if (settings.length === 0) return;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const memory = await ports.store.get(StrategyMemories, algorithm_id);
    const bars = await newBars(ports, settings, memory, at);
    if (bars.size === 0) return;
    const run = runStrategies(settings, memory, bars, at, algorithm_id);
    const prices = run.offers.length === 0 ? {} : await pricesFor(ports, algorithm.deployments, run.offers);
    const keys = run.offers.length === 0 ? [] : intakeKeys(algorithm, run.offers);
    const done = await ports.store.commit([...keys, key(StrategyMemories, algorithm_id)], (read, now) => {
      const current = read(StrategyMemories, algorithm_id);
      if (!isDeepStrictEqual(current, memory)) return { answer: false };
      if (run.offers.length > 0 && read(Algorithms, algorithm_id)?.version !== algorithm.version)
        throw new Unavailable(`the algorithm ${algorithm_id} is being changed`);
      const decision = run.offers.length === 0 ? { answer: [] } : intake(read, now, algorithm, run.offers, prices);
      const strategies = settle(run, decision.answer, settings);
      const next: StrategyMemory = { schema: 1, algorithm_id, strategies, updated_at: now.toISOString() };
      return {
        ...decision,
        put: [...(decision.put ?? []), write(StrategyMemories, algorithm_id, next)],
        answer: true,
      };
    });
    if (done) return;
  }
  throw new Unavailable(`the strategies of ${algorithm_id} are being told something else`);
}

async function newBars(
  { market }: GeneratePorts,
  settings: readonly StrategySetting[],
  memory: StrategyMemory | undefined,
  at: Date,
): Promise<Map<string, readonly Bar[]>> {
  const found = await Promise.all(
    settings.map(async ({ strategy_id, exchange, symbol }) => {
      const after = memory?.strategies[strategy_id]?.last_bar_at;
      const request = { exchange, symbol, until: at.toISOString(), limit: WARM_UP_BARS };
      return [strategy_id, await market.bars(after === undefined ? request : { ...request, after })] as const;
    }),
  );
  return new Map(found.filter(([, bars]) => bars.length > 0));
}

interface Run {
  readonly strategies: Readonly<Record<string, StrategyState>>;
  /** The strategy and the trade behind each offer, in the order of offers. */
  readonly proposers: readonly { strategy_id: string; trade: ProposedTrade }[];
  readonly offers: readonly Offer[];
}

/** Pure: the same memory and bars give the same states and offers. */
function runStrategies(
  settings: readonly StrategySetting[],
  memory: StrategyMemory | undefined,
  bars: ReadonlyMap<string, readonly Bar[]>,
  at: Date,
  algorithm_id: string,
): Run {
  const strategies: Record<string, StrategyState> = { ...memory?.strategies };
  const proposers: { strategy_id: string; trade: ProposedTrade }[] = [];
  const offers: Offer[] = [];
  for (const setting of settings) {
    const { strategy_id, validity_ms } = setting;
    const strategy = strategyOf(setting.kind);
    if (strategy === undefined) throw new Error(`no strategy is of kind ${setting.kind}`);
    const before = stateOf(strategy, setting, strategies[strategy_id]);
    const propose_after = new Date(at.getTime() - validity_ms).toISOString();
    const { state, trades } = advance(strategy, before, bars.get(strategy_id) ?? [], { may_open: true, propose_after });
    strategies[strategy_id] = state;
    for (const trade of trades) {
      const proposal = proposalOf(algorithm_id, setting, state, trade);
      offers.push({ proposal, raw: { strategy_id, ...trade } });
      proposers.push({ strategy_id, trade });
    }
  }
  return { strategies, proposers, offers };
}

/** What it remembers, or a fresh start where its version or its parameters changed; holdings are kept. */
function stateOf(strategy: Strategy, setting: StrategySetting, before: StrategyState | undefined): StrategyState {
  const fresh = strategy.start(setting.parameters, before?.held);
  const same =
    before?.kind === fresh.kind &&
    before.version === fresh.version &&
    canonical(before.parameters) === canonical(fresh.parameters);
  return same ? before : fresh;
}

function proposalOf(
  algorithm_id: string,
  setting: StrategySetting,
  state: StrategyState,
  trade: ProposedTrade,
): Proposal {
  const { strategy_id, exchange, symbol, sizing, validity_ms, parameters } = setting;
  const { intent, side, order, protect, decision_at, features, reason } = trade;
  return {
    algorithm_id,
    strategy_id,
    exchange,
    symbol,
    intent,
    side,
    direction: intent === 'close' ? 'flat' : side === 'buy' ? 'long' : 'short',
    sizing: sizingOf(sizing, state, trade),
    order,
    protect,
    decision_at,
    valid_until: new Date(Date.parse(decision_at) + validity_ms).toISOString(),
    test: false,
    features: { ...features },
    parameters,
    extras: { reason, kind: setting.kind },
  };
}

/** The configured size of an open, or what is held of a close; the part of it that the strategy asks for. */
function sizingOf(sizing: Sizing, { held }: StrategyState, { intent, share = 1 }: ProposedTrade): Sizing {
  const whole: Sizing = intent === 'close' && held !== '0' ? { mode: 'units', value: absolute(held) } : sizing;
  return share === 1 ? whole : { ...whole, value: round(multiply(whole.value, amount(share)), 12) };
}

/** The memories once the gate has spoken: a refused proposal is not pending. */
function settle(
  run: Run,
  admitted: readonly Admitted[],
  settings: readonly StrategySetting[],
): Record<string, StrategyState> {
  const strategies = { ...run.strategies };
  admitted.forEach(({ accepted }, i) => {
    const proposer = run.proposers[i];
    if (accepted || proposer === undefined) return;
    const { strategy_id, trade } = proposer;
    const state = strategies[strategy_id];
    const kind = settings.find((one) => one.strategy_id === strategy_id)?.kind;
    const strategy = kind === undefined ? undefined : strategyOf(kind);
    if (state === undefined || strategy === undefined) return;
    const { intent, decision_at } = trade;
    strategies[strategy_id] = strategy.on_signal_ended(state, { intent, decision_at, executed: false });
  });
  return strategies;
}
