import { z } from 'zod';
import { realisedVolatility } from '../feature/volatility.ts';
import { Window } from '../feature/window.ts';
import { strategy, type Wish } from './strategy.ts';

const Parameters = z.strictObject({
  /** Annual volatility that the position is to have, a fraction. */
  target: z.number().positive().max(5).default(0.1),
  period: z.int().min(2).max(2_000).default(20),
  periods_per_year: z.number().positive().default(252),
  /** The most that is held, in shares of the configured size. */
  max_share: z.number().positive().max(10).default(1),
  /** How far, as a fraction of what is wanted, the share held may stray before it is changed. */
  band: z.number().min(0).max(1).default(0.1),
});

const Memory = z.strictObject({
  state: z.strictObject({
    periods_per_year: z.number().positive(),
    previous: z.number().nullable(),
    returns: Window,
    centre: z.enum(['sample', 'zero']),
  }),
  volatility: z.number().nullable(),
});
type Memory = z.infer<typeof Memory>;

/** Shares are told to four decimals, so that what is asked for can be read and repeated. */
const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

/**
 * Volatility target: always long, with target / realised volatility of the configured size, at most `max_share`. It
 * trades only when what it holds has strayed from that by more than the band. Sized best by percent of equity.
 */
export const volatilityTarget = strategy({
  kind: 'volatility_target',
  version: 1,
  family: 'volatility_target',
  fails_when:
    'Sudden breaks out of calm: volatility is measured backwards, so that the position is largest when a quiet market ' +
    'falls, and smallest when it recovers after the fall. It has no opinion on direction and follows a long decline ' +
    'all the way down. In choppy volatility it trades often, and costs eat what the steadier risk was worth.',
  parameters: Parameters,
  memory: Memory,
  start: ({ period, periods_per_year }): Memory => ({
    state: realisedVolatility.start({ period, periods_per_year, centre: 'sample' }),
    volatility: null,
  }),
  observe({ state }, { close }): Memory {
    const stepped = realisedVolatility.step(state, close);
    return { state: stepped.state, volatility: stepped.value };
  },
  decide({ volatility }, { target, max_share, band }, position, held): readonly Wish[] {
    if (volatility === null) return [];
    const wanted = volatility === 0 ? max_share : rounded(Math.min(max_share, target / volatility));
    const share = position > 0 ? held : 0;
    if (position > 0 && held === 0)
      return [{ intent: 'close', side: 'sell', features: { volatility, wanted }, reason: 'its share is not known' }];
    const features = { volatility, wanted, held: share };
    const reason = `volatility of ${(100 * volatility).toFixed(1)} % asks for a share of ${wanted}`;
    const change = wanted > share ? rounded(wanted - share) : rounded(1 - wanted / share);
    if (Math.abs(wanted - share) <= band * wanted || change === 0) return [];
    if (wanted > share) return [{ intent: 'open', side: 'buy', share: change, features, reason }];
    return [{ intent: 'close', side: 'sell', share: change, features, reason }];
  },
});
