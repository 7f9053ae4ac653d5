import { type Act, changeDocument, decided, type Fields, type Outcome, refusal, refuse } from '../control/config.ts';
import { Algorithms } from '../deployment/schema.ts';
import { key } from '../document.ts';
import { DEFAULT_LIMITS, type Limits, LimitsOf } from './schema.ts';

/** The id of the limits of algorithms that have none of their own. */
export const DEFAULT_LIMITS_ID = 'default';

/**
 * Changes the named members of an algorithm's limits, or of the default. An algorithm's first own limits start from
 * the default ones. A member given as undefined (`allowed_symbols`) is taken away.
 */
export function changeLimits(id: string, fields: Fields, by: string): Act<Outcome<Limits>> {
  const isDefault = id === DEFAULT_LIMITS_ID;
  const limitKeys = [...new Set([id, DEFAULT_LIMITS_ID])].map((one) => key(LimitsOf, one));
  return {
    keys: isDefault ? limitKeys : [...limitKeys, key(Algorithms, id)],
    decide: (read, now) => {
      if (!isDefault && read(Algorithms, id) === undefined)
        return refuse(refusal('ALGORITHM_UNKNOWN', 'algorithm_id', `there is no algorithm ${id}`));
      const before = read(LimitsOf, id);
      const base = before ?? read(LimitsOf, DEFAULT_LIMITS_ID) ?? DEFAULT_LIMITS;
      const owner = isDefault ? {} : { algorithm_id: id };
      const change = { collection: LimitsOf, id, before, fields: { ...base, ...fields }, by, ...owner };
      return decided(changeDocument(change, now));
    },
  };
}
