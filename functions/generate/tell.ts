import { type Amount, absolute, isZero, lesser, negate, sign, subtract } from '#shared/amount.ts';
import { type Algorithm, Algorithms } from '#shared/deployment/schema.ts';
import { key, write } from '#shared/document.ts';
import { instrumentId } from '#shared/market/schema.ts';
import { Fill } from '#shared/order/schema.ts';
import { Signals, signalKey } from '#shared/signal/schema.ts';
import { StrategyMemories, type StrategyMemory, ToldFacts } from '#shared/strategy/memory.ts';
import { strategyOf } from '#shared/strategy/registry.ts';
import type { StrategyState, ToldFill } from '#shared/strategy/schema.ts';
import type { Envelope } from '#shared/topics.ts';
import type { GeneratePorts } from './generate.ts';

/**
 * Tells a fill, or the end of a signal, to the strategy that proposed it: once, whatever the bus does. A fill that
 * belongs to no signal (flattened, or traded by hand) is taken from the strategies that hold that market, in the
 * order of their ids, since they no longer hold it. Only the algorithm's first deployment counts: strategies
 * think in the units of one account. A signal that went to no deployment has ended.
 */
export async function tellStrategies({ store }: GeneratePorts, envelope: Envelope): Promise<void> {
  const { algorithm_id, signal_id, body } = envelope;
  if (algorithm_id === undefined) return;
  const algorithm = await store.get(Algorithms, algorithm_id);
  if (algorithm === undefined) return;
  const counts = envelope.fact === 'signal.unrouted' || isFirst(algorithm, deploymentOf(body));
  if (!counts) return;
  const signal = signal_id === undefined ? undefined : await store.get(Signals, signalKey(signal_id, 1));
  if (signal !== undefined && signal.strategy_id === undefined) return;
  await store.commit([key(StrategyMemories, algorithm_id), key(ToldFacts, envelope.id)], (read, now) => {
    const memory = read(StrategyMemories, algorithm_id);
    if (memory === undefined || read(ToldFacts, envelope.id) !== undefined) return { answer: undefined };
    const told =
      envelope.fact === 'order.filled'
        ? tellFill(algorithm, memory, Fill.parse(body.fill), signal?.strategy_id)
        : tellEnd(algorithm, memory, signal, envelope.fact === 'signal.executed');
    return {
      create: [write(ToldFacts, envelope.id, { schema: 1, algorithm_id, told_at: now.toISOString() })],
      put: [write(StrategyMemories, algorithm_id, { ...memory, strategies: told })],
      answer: undefined,
    };
  });
}

const isFirst = ({ deployments }: Algorithm, deployment_id: string | undefined): boolean =>
  deployment_id !== undefined && deployments[0]?.deployment_id === deployment_id;

function deploymentOf(body: Envelope['body']): string | undefined {
  const fill = Fill.safeParse(body.fill);
  if (fill.success) return fill.data.deployment_id;
  return typeof body.deployment_id === 'string' ? body.deployment_id : undefined;
}

type States = StrategyMemory['strategies'];

function tellFill(algorithm: Algorithm, memory: StrategyMemory, fill: Fill, strategy_id: string | undefined): States {
  const told: ToldFill = {
    event_id: fill.event_id,
    market: instrumentId(fill.exchange, fill.symbol),
    quantity: fill.quantity,
    price: fill.price,
    leg: fill.leg,
  };
  if (strategy_id !== undefined)
    return change(algorithm, memory.strategies, strategy_id, (one, state) => one.on_order_filled(state, told));
  let states = memory.strategies;
  let left: Amount = fill.quantity;
  for (const [id, state] of Object.entries(memory.strategies).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (state.market !== told.market || sign(state.held) !== -sign(left) || isZero(left)) continue;
    const size = lesser(absolute(state.held), absolute(left));
    const quantity = sign(left) > 0 ? size : negate(size);
    left = subtract(left, quantity);
    states = change(algorithm, states, id, (one, before) =>
      one.on_order_filled(before, { ...told, quantity, leg: 'X' }),
    );
  }
  return states;
}

function tellEnd(
  algorithm: Algorithm,
  memory: StrategyMemory,
  signal: { strategy_id?: string | undefined; intent: string; decision_at: string } | undefined,
  executed: boolean,
): States {
  const { strategy_id, intent, decision_at } = signal ?? {};
  if (strategy_id === undefined || decision_at === undefined || (intent !== 'open' && intent !== 'close'))
    return memory.strategies;
  return change(algorithm, memory.strategies, strategy_id, (one, state) =>
    one.on_signal_ended(state, { intent, decision_at, executed }),
  );
}

function change(
  algorithm: Algorithm,
  states: States,
  strategy_id: string,
  act: (strategy: NonNullable<ReturnType<typeof strategyOf>>, state: StrategyState) => StrategyState,
): States {
  const state = states[strategy_id];
  const kind = algorithm.strategies.find((one) => one.strategy_id === strategy_id)?.kind ?? state?.kind;
  const strategy = kind === undefined ? undefined : strategyOf(kind);
  return state === undefined || strategy === undefined ? states : { ...states, [strategy_id]: act(strategy, state) };
}
