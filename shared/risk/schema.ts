import { z } from 'zod';
import { Amount, PositiveAmount } from '../amount.ts';
import { collection } from '../document.ts';

/** The limits of one algorithm (id = algorithm_id), or, id "default", of those without their own. 004-14's defaults. */
export const Limits = z.strictObject({
  schema: z.literal(1),
  version: z.int().min(1),
  /** Largest position of one market, in percent of equity. */
  max_position_size_pct: PositiveAmount,
  /** Loss since the day's opening equity, in percent of it, from which on only closing signals pass. */
  max_daily_loss_pct: PositiveAmount,
  /** Gross exposure as a multiple of equity. */
  max_portfolio_leverage: PositiveAmount,
  /** "exchange:symbol" names; absent means every symbol of the map. */
  allowed_symbols: z.array(z.string()).optional(),
  allow_short: z.boolean(),
  /** A signal older than this is late, whatever its valid_until; also the validity of one that names none. */
  max_signal_age_ms: z.int().min(1),
  /** How far ahead of our clock a decision may be stamped. */
  max_clock_skew_ms: z.int().min(0),
  /** A fence is raised when a position differs by more than this many units. */
  drift_tolerance: Amount,
});
export type Limits = z.infer<typeof Limits>;
export const LimitsOf = collection('limits', Limits);

export const DEFAULT_LIMITS: Limits = {
  schema: 1,
  version: 1,
  max_position_size_pct: '10',
  max_daily_loss_pct: '5',
  max_portfolio_leverage: '1',
  allow_short: false,
  max_signal_age_ms: 300_000,
  max_clock_skew_ms: 5_000,
  drift_tolerance: '0',
};
