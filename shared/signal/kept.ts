import type { Issue } from '../failure.ts';

/** Levels that a message may have: what surrounds it in a document, a fact and the trail comes on top. */
const LEVELS = 16;

/**
 * The first thing in a message that cannot be kept as it came, whatever its dialect: too many levels, text that is
 * not well-formed Unicode, or a member called `__proto__`. Undefined when there is none.
 */
export function whyNotKept(message: unknown): Issue | undefined {
  const left: { value: unknown; path: string; level: number }[] = [{ value: message, path: '', level: 0 }];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    const { value, path, level } = one;
    if (typeof value === 'string' && !value.isWellFormed()) return { path, message: 'text is not well-formed Unicode' };
    if (typeof value !== 'object' || value === null) continue;
    if (level >= LEVELS) return { path, message: `more than ${LEVELS} levels` };
    for (const [name, member] of Object.entries(value)) {
      const at = path === '' ? name : `${path}.${name}`;
      if (name === '__proto__' || !name.isWellFormed()) return { path: at, message: 'a name that cannot be kept' };
      left.push({ value: member, path: at, level: level + 1 });
    }
  }
  return undefined;
}
