import { type Amount, add, amount, multiply, negate, round, subtract, toNumber } from '#shared/amount.ts';
import { averageEntry, type Lot, lotQuantity, lotsUnrealised, matchLots } from '#shared/performance/lots.ts';
import { applyFill, averagePrice, FLAT, unrealised } from '#shared/position/position.ts';
import type { Position } from '#shared/position/schema.ts';
import type { GoldenDocument } from './comparison.ts';

type Figure = number | string;
interface PositionCase {
  readonly input: {
    readonly multiplier: number;
    readonly initial_cash: number;
    readonly fills: readonly {
      readonly signed_quantity: Figure;
      readonly price: Figure;
      readonly fee: Figure;
      readonly mark_after: Figure;
    }[];
  };
}

interface Step {
  readonly quantity: Amount;
  readonly average: Amount | null;
  readonly realised: Amount;
  readonly open: Amount;
}

const AT = new Date('2024-01-02T00:00:00.000Z');

/** Average cost: prices times the multiplier go in, the average comes out divided by it. */
function averageSteps(input: PositionCase['input']): Step[] {
  const multiplier = amount(input.multiplier);
  let position: Position = FLAT;
  return input.fills.map((fill) => {
    const terms = {
      quantity: amount(fill.signed_quantity),
      price: multiply(amount(fill.price), multiplier),
      fee: amount(fill.fee),
    };
    const applied = applyFill(position, terms, AT);
    position = applied.position;
    const average = averagePrice(position);
    return {
      quantity: position.quantity,
      average: average === undefined ? null : amount(toNumber(average) / input.multiplier),
      realised: applied.realised,
      open: unrealised(position, multiply(amount(fill.mark_after), multiplier)),
    };
  });
}

function lotSteps(input: PositionCase['input'], matching: 'fifo' | 'lifo'): Step[] {
  const multiplier = amount(input.multiplier);
  let lots: readonly Lot[] = [];
  return input.fills.map((fill) => {
    const matched = matchLots(
      lots,
      { quantity: amount(fill.signed_quantity), price: amount(fill.price) },
      matching,
      multiplier,
    );
    lots = matched.lots;
    return {
      quantity: lotQuantity(lots),
      average: averageEntry(lots),
      realised: matched.realised,
      open: lotsUnrealised(lots, amount(fill.mark_after), multiplier),
    };
  });
}

/** Cash, equity and running totals beside each step; equity is cash plus the marked value. */
function ledger(input: PositionCase['input'], steps: readonly Step[]) {
  const multiplier = amount(input.multiplier);
  let cash = amount(input.initial_cash);
  let fees = '0';
  let gross = '0';
  return steps.map((step, i) => {
    const fill = input.fills[i];
    if (fill === undefined) return null;
    const value = multiply(amount(fill.signed_quantity), amount(fill.price), multiplier);
    cash = add(cash, negate(value), negate(amount(fill.fee)));
    fees = add(fees, amount(fill.fee));
    gross = add(gross, step.realised);
    return {
      quantity: toNumber(step.quantity),
      average_entry_price: step.average === null ? null : toNumber(step.average),
      realised_pnl_this_fill: toNumber(step.realised),
      realised_pnl_gross: toNumber(gross),
      fees: toNumber(fees),
      realised_pnl_net: toNumber(subtract(gross, fees)),
      unrealised_pnl_at_mark: toNumber(step.open),
      cash: toNumber(cash),
      equity_at_mark: toNumber(add(cash, multiply(step.quantity, amount(fill.mark_after), multiplier))),
    };
  });
}

export const positionAccounting = (document: GoldenDocument) => ({
  cases: (document.cases as readonly PositionCase[]).map(({ input }) => ({
    expected: {
      average: ledger(input, averageSteps(input)),
      fifo: ledger(input, lotSteps(input, 'fifo')),
      lifo: ledger(input, lotSteps(input, 'lifo')),
    },
  })),
});

type Pair = readonly [number, number];
interface CrossLibraryCase {
  readonly name: string;
  readonly input: {
    readonly initial_cash?: number;
    readonly fills?: readonly (Pair | { readonly price: number; readonly signed_quantity: number })[];
    readonly fee_rate?: number;
    readonly mark?: number | string;
    readonly position?: { readonly quantity: number; readonly average: number };
    readonly fill?: { readonly signed_quantity: number; readonly price: number; readonly fee: number };
    readonly sequences?: readonly (readonly Pair[])[];
  };
}

interface Held {
  readonly position: Position;
  readonly cash: Amount;
}

const holding = (quantity: Figure, average: Figure): Position => ({
  ...FLAT,
  quantity: amount(quantity),
  cost: multiply(amount(quantity), amount(average)),
});

/** The position and the cash after each fill. */
function replay(fills: readonly Pair[], rate: number, cash: Amount): Held[] {
  let held: Held = { position: FLAT, cash };
  return fills.map(([units, cost]) => {
    const [quantity, price] = [amount(units), amount(cost)];
    const value = multiply(quantity, price);
    const fee = multiply(value.startsWith('-') ? negate(value) : value, amount(rate));
    const { position } = applyFill(held.position, { quantity, price, fee }, AT);
    held = { position, cash: subtract(held.cash, add(value, fee)) };
    return held;
  });
}

const figures = ({ position }: Held) => ({
  quantity: toNumber(position.quantity),
  average: toNumber(averagePrice(position) ?? '0'),
  realised_net_of_fees: toNumber(subtract(position.realised, position.fees)),
});

/** Realised less fees of each stretch from flat to flat, in whole cents, as nautilus keeps dollars. */
function cycles(steps: readonly Held[]): number[] {
  const nets = steps
    .filter(({ position }) => position.quantity === '0')
    .map(({ position }) => subtract(position.realised, position.fees));
  return nets.map((net, i) => toNumber(round(subtract(net, nets[i - 1] ?? '0'), 2)));
}

function crossLibraryCase({ input }: CrossLibraryCase) {
  if (input.sequences !== undefined) {
    const ends = input.sequences.map((sequence) => replay(sequence, 0, '0').at(-1));
    return {
      quantity_average: ends.map((end) => (end === undefined ? [] : [figures(end).quantity, figures(end).average])),
    };
  }
  if (input.position !== undefined && input.fill !== undefined) {
    const { signed_quantity, price, fee } = input.fill;
    const terms = { quantity: amount(signed_quantity), price: amount(price), fee: amount(fee) };
    const { position, realised } = applyFill(holding(input.position.quantity, input.position.average), terms, AT);
    return {
      realised_gross: toNumber(realised),
      quantity: toNumber(position.quantity),
      average: toNumber(averagePrice(position) ?? '0'),
    };
  }
  const fills = (input.fills ?? []).map((fill): Pair => ('price' in fill ? [fill.signed_quantity, fill.price] : fill));
  const steps = replay(fills, input.fee_rate ?? 0, amount(input.initial_cash ?? 0));
  const last = steps.at(-1)?.position ?? FLAT;
  const open = typeof input.mark === 'number' ? unrealised(last, amount(input.mark)) : '0';
  const net = subtract(last.realised, last.fees);
  return {
    ...Object.fromEntries(steps.map((step, i) => [`after_fill_${i + 1}`, figures(step)])),
    equity_after_each_fill: steps.map(({ cash, position }, i) =>
      toNumber(add(cash, multiply(position.quantity, amount(i + 1)))),
    ),
    realised_net_per_cycle: cycles(steps),
    unrealised: toNumber(open),
    realised_net_of_fees: toNumber(net),
    total: toNumber(add(open, net)),
  };
}

export const positionsOfLeanAndNautilus = (document: GoldenDocument) => ({
  cases: (document.cases as readonly CrossLibraryCase[]).map((one) => ({ expected: crossLibraryCase(one) })),
});
