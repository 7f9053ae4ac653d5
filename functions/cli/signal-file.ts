/** One signal of a file, as it came. `place` names it to its author: "line 3" or "signal 2". */
export interface Entry {
  readonly raw: unknown;
  readonly place: string;
}
export interface Fault {
  readonly path: string;
  readonly message: string;
}

/**
 * Reads one JSON signal, an array of them, or JSON lines. Faults name the line of the file; where there is one,
 * nothing of the file is used.
 */
export function readSignalFile(text: string): { entries: readonly Entry[]; faults: readonly Fault[] } {
  const whole = parse(text);
  if ('value' in whole) {
    const { value } = whole;
    if (!Array.isArray(value)) return { entries: [{ raw: value, place: '' }], faults: [] };
    return { entries: value.map((raw: unknown, i) => ({ raw, place: `signal ${i + 1}` })), faults: [] };
  }
  const lines = text
    .split('\n')
    .map((line, i) => ({ line: line.trim(), place: `line ${i + 1}` }))
    .filter(({ line }) => line !== '');
  if (lines.length === 0) return { entries: [], faults: [{ path: '', message: 'there is nothing in it' }] };
  if (!isJsonLines(lines)) return { entries: [], faults: [lineOf(text, faultOffset(text), whole.error)] };
  const read = lines.map(({ line, place }) => ({ place, ...parse(line) }));
  return {
    entries: read.flatMap((one) => ('value' in one ? [{ raw: one.value, place: one.place }] : [])),
    faults: read.flatMap((one) => ('error' in one ? [{ path: one.place, message: one.error }] : [])),
  };
}

/** Several lines of which the first is an object by itself, if only by its brackets: a broken line may be the first. */
const isJsonLines = (lines: readonly { line: string }[]): boolean =>
  lines.length > 1 && /^\{.*\}$/.test(lines[0]?.line ?? '');

function parse(text: string): { value: unknown } | { error: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { error: (error instanceof Error ? error.message : 'not JSON').replace(/ in JSON at position .*$/, '') };
  }
}

function lineOf(text: string, offset: number, message: string): Fault {
  const before = text.slice(0, offset).split('\n');
  return { path: `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`, message };
}

const SPACE = /[ \t\n\r]*/y;
const TEXT = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const MARK = /[[\]{},:]/y;

type Need = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end';

/** The offset of the first character that cannot be JSON (RFC 8259); the parser of the engine does not always say. */
export function faultOffset(text: string): number {
  let at = 0;
  let need: Need = 'value';
  const open: ('[' | '{')[] = [];
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  for (;;) {
    take(SPACE);
    const start = at;
    const token = take(TEXT) ?? take(SCALAR) ?? take(MARK);
    const next: Need | undefined = token === undefined ? undefined : step(token, need, open);
    if (next === undefined) return start;
    need = next;
  }
}

/** What is needed after a token; undefined when it may not stand here. Keeps the open brackets. */
function step(token: string, need: Need, open: ('[' | '{')[]): Need | undefined {
  const isValue = need === 'value' || need === 'value or ]';
  const closes = { ']': need === 'value or ]' || need === ', or end', '}': need === 'key or }' || need === ', or end' };
  switch (token) {
    case '[':
    case '{':
      if (!isValue) return undefined;
      open.push(token);
      return token === '[' ? 'value or ]' : 'key or }';
    case ']':
    case '}':
      return closes[token] && open.pop() === (token === ']' ? '[' : '{') ? ', or end' : undefined;
    case ',':
      if (need !== ', or end' || open.length === 0) return undefined;
      return open.at(-1) === '[' ? 'value' : 'key';
    case ':':
      return need === ':' ? 'value' : undefined;
    default:
      if (isValue) return ', or end';
      return token.startsWith('"') && (need === 'key' || need === 'key or }') ? ':' : undefined;
  }
}
