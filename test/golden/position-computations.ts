import { add, type Amount, amount, multiply, negate, subtract, toNumber } from '#shared/amount.ts';
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
