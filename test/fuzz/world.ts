import { app } from '#functions/serve/app.ts';
import { door } from '#functions/serve/door.ts';
import { ErrorBody, KeyFault } from '#functions/serve/errors.ts';
import { Result } from '#functions/serve/submit-body.ts';
import { revokeKey } from '#shared/key/key.ts';
import { heard } from '#shared/ports/watch.ts';
import { buy, SECRETS } from '../functions/push/house.ts';
import { type Declared, declaredBy } from '../functions/serve/declared.ts';
import { doors, signedKey } from '../functions/serve/doors.ts';
import { OWN, SIGNER_SECRET, type Wild } from './requests.ts';

/** What came back of a request. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly request_id: string | null;
}

const UNLIMITED = { key_per_s: 1e6, key_burst: 1e6, address_per_s: 1e6, address_burst: 1e6 };

/** A house whose every write and audit line is seen, and its door. */
export async function world() {
  const { one, ...keys } = await doors();
  const historian = await one.key('historian', ['submit', 'read_signals', 'read_history', 'read_status'], 'alg');
  const revoked = await one.key('revoked', ['submit', 'read_signals'], 'alg');
  const signer = await signedKey(one, 'signer', SIGNER_SECRET);
  await one.act(revokeKey('revoked'));
  await one.submit(buy(0, { signal_id: OWN, model_id: OWN }));
  const { watch, ...ports } = heard(one.ports);
  const lines: string[] = [];
  const written = new Set<string>();
  watch((writes) => {
    for (const { collection } of writes) written.add(collection);
  });
  const options = { watch, limits: UNLIMITED, write: (text: string) => void lines.push(...text.trimEnd().split('\n')) };
  const opened = app(ports, options);
  const changes = one.database.sql.prepare('SELECT total_changes() AS n');
  return {
    one,
    keys: { ...keys, historian, revoked, signer, k1: one.bridgeKey },
    app: opened,
    door: door(ports, options),
    declared: await declaredBy({ door: opened }),
    lines,
    /** The collections that were written since the last look. */
    written: () => {
      const all = [...written];
      written.clear();
      return all;
    },
    /** Grows with every row that is inserted, changed or deleted, though it be put back later. */
    changes: () => Number(changes.get()?.n),
  };
}
export type World = Awaited<ReturnType<typeof world>>;

/** What each operation may write when it does not refuse. */
const MAY_WRITE: Readonly<Record<string, readonly string[]>> = {
  post_signals: ['signals', 'stream_entries', 'stream_heads', 'alerts', 'deliveries', 'books'],
  get_signals: ['tellings'],
  post_reports: ['reports', 'report_heads'],
  post_bundles: ['bundles'],
  post_backtests: ['backtests', 'backtest_queues'],
  post_api_backtest: ['backtests', 'backtest_queues'],
};
const UNROUTED =
  /"code":"(ROUTE_UNKNOWN|METHOD_UNKNOWN|URL_TOO_LONG|HEADERS_TOO_LARGE|ENCODING_UNSUPPORTED|REQUEST_TOO_LARGE|REQUEST_MALFORMED)"/;
const INSIDE =
  /node_modules|file:\/\/|\.(ts|js):\d+|\bat \w+ \(|TypeError|RangeError|ZodError|SQLITE|\/functions\/|\/shared\//;
/** Who may read what is of the algorithm `alg`. */
const INSIDERS = ['model', 'operator', 'historian', 'k1', 'signer', 'nothing'];

/** What is wrong with an answer; undefined where nothing is. `changed`: rows were written meanwhile. */
export function faultOf(of: World, request: Wild, answer: Answer, changed: boolean): string | undefined {
  const { status, text } = answer;
  const { pathname } = new URL(`http://door${request.target}`);
  const method = request.method.toUpperCase();
  const operation = of.declared.operationOf(method === 'HEAD' ? 'GET' : method, pathname);
  const written = of.written();
  if (status >= 500 && !(status === 503 && /backtest/.test(pathname))) return `answers ${status}`;
  const hidden = [SECRETS.k1, SECRETS.k2, SIGNER_SECRET, ...Object.values(of.keys)].find((one) => text.includes(one));
  if (hidden !== undefined) return 'tells a secret';
  if (INSIDE.test(text) && status >= 400) return 'tells of the inside';
  if (!INSIDERS.includes(request.who) && text.includes(OWN)) return "tells another algorithm's id";
  if (method === 'HEAD') return text === '' ? undefined : 'has a body though it is asked for none';
  const shape = shapeOf(operation, status, text);
  if (shape === undefined) return `an error of no known shape: ${text.slice(0, 300)}`;
  const undeclared = operation === undefined ? undefined : of.declared.undeclared(operation, status, text);
  if (undeclared !== undefined && !isUnrouted(status, text)) return undeclared;
  if (operation === undefined && status < 400) return `answers ${status} where no operation is declared`;
  const isJudged = shape === 'judged' && !/[?&]explain=1/.test(request.target);
  if (status >= 400 && !isJudged && (changed || written.length > 0))
    return `changes ${written.join(', ')} though refused`;
  const may = MAY_WRITE[operation?.operationId ?? ''] ?? [];
  const other = written.filter((name) => !may.includes(name));
  if (other.length > 0) return `changes ${other.join(', ')}`;
  return changed && may.length === 0 ? 'changes something' : undefined;
}

/** A path that has a route by its look and none by the door's reading. */
const isUnrouted = (status: number, text: string): boolean =>
  [401, 403, 404, 405].includes(status) && (UNROUTED.test(text) || KeyFault.safeParse(parsed(text)).success);

/** "error", "judged" for the verdict on a signal, "fine"; undefined for an error body that is none of them. */
function shapeOf(
  operation: Declared | undefined,
  status: number,
  text: string,
): 'error' | 'judged' | 'fine' | undefined {
  const json = parsed(text);
  if (operation?.operationId === 'post_signals' && Result.safeParse(json).success)
    return 'signal_id' in Object(json) ? 'judged' : 'error';
  if (status < 400) return 'fine';
  return ErrorBody.safeParse(json).success || KeyFault.safeParse(json).success ? 'error' : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is wrong with the audit lines of the requests since the last look: two each, of one id and one status. */
export function auditFault({ lines }: World, answer: Answer): string | undefined {
  const found = lines
    .splice(0)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ message }) => String(message).startsWith('API '));
  const [received, sent, ...more] = found;
  if (received?.message !== 'API request received' || sent?.message !== 'API response sent' || more.length > 0)
    return `has ${found.length} audit lines`;
  if (received.request_id !== answer.request_id || sent.request_id !== answer.request_id)
    return 'is audited under another id';
  if (sent.status_code !== answer.status) return `is audited as ${String(sent.status_code)}, not ${answer.status}`;
  const said = /"request_id":"([^"]*)"\}\}$/.exec(answer.text)?.[1];
  return said === undefined || said === answer.request_id || answer.status < 400
    ? undefined
    : 'names another request in its error';
}

/**
 * The same of bytes that are no whole request: where a body breaks off, the request that began and its breaking are
 * audited each under an id of its own, and one of them is answered.
 */
export function brokenAuditFault({ lines }: World, answer: Answer | undefined): string | undefined {
  const ids = lines.splice(0).map((line) => String((JSON.parse(line) as Record<string, unknown>).request_id));
  const single = ids.find((id) => ids.filter((one) => one === id).length !== 2);
  if (single !== undefined) return `has not two audit lines of ${single}`;
  return answer?.request_id == null || ids.includes(answer.request_id) ? undefined : 'is audited under another id';
}
