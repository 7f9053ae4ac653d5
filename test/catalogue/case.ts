import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { submit } from '#functions/submit.ts';
import type { Act, Outcome } from '#shared/control/config.ts';
import type { Document } from '#shared/document.ts';
import { loadBars } from '#shared/ports/local/market.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { fact } from '#shared/topics.ts';
import { type House, minute } from '../functions/push/house.ts';

/** One input that is refused, and what its refusal leaves behind. */
export interface Case {
  readonly code: ReasonCode;
  readonly name: string;
  /** What stands before; not part of what is compared. */
  readonly given?: (of: House) => Promise<unknown>;
  /** Hands the input in; answers the code that came back. */
  readonly act: (of: House) => Promise<unknown>;
  /** Collections in which a refusal of this kind is recorded. Nothing else may change. */
  readonly records: readonly string[];
  /** The bytes that must be parked. */
  readonly parked?: string | Uint8Array;
  /** The fact that must say the code. */
  readonly said?: 'signal.rejected' | 'signal.expired' | 'signal.unrouted' | 'command.refused';
}

type Given = Pick<Case, 'given'>;

/** What a request is answered, whatever its shape: an error, a signal's result, or the founding words. */
export interface RequestTerms extends Given {
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  /** Headers, made when the house stands; without, the key of a model of `alg`. */
  readonly headers?: (of: House) => Promise<Record<string, string>> | Record<string, string>;
  readonly status: number;
  readonly records?: readonly string[];
}

export const modelKey = async (of: House): Promise<Record<string, string>> => ({
  'X-API-KEY': await of.key('model', ['submit', 'read_signals', 'read_status'], 'alg'),
});

/** By HTTP: the code of the body, or, where the founding contract fixes the body, of the audit line. */
export function byRoute(code: ReasonCode, name: string, terms: RequestTerms): Case {
  const { method = 'GET', path, body, headers = modelKey, status, given, records = [] } = terms;
  let made: Record<string, string> = {};
  return {
    code,
    name: `by route: ${name}`,
    records,
    async given(of) {
      await given?.(of);
      made = await headers(of);
    },
    async act(of) {
      const answer = await of.door.request(path, { method, headers: made, ...(body === undefined ? {} : { body }) });
      const text = await answer.text();
      if (answer.status !== status) return `HTTP ${answer.status}: ${text}`;
      if (/\n\s+at |\.ts:\d|node_modules/.test(text)) return `it tells of the inside: ${text}`;
      const sent = of.lines.findLast(({ message }) => message === 'API response sent');
      const json = JSON.parse(text) as { error?: { code: string }; code?: string };
      return json.error?.code ?? json.code ?? sent?.fields.code;
    },
  };
}

/** A signal that is read and refused: by the door, and recorded with its verdict and its fact. */
export function bySignal(code: ReasonCode, name: string, raw: Document, given?: Case['given']): Case {
  return {
    code,
    name: `by signal: ${name}`,
    records: ['signals'],
    said: 'signal.rejected',
    ...(given === undefined ? {} : { given }),
    async act(of) {
      const submitted = await submit(of.ports, { raw, algorithm_id: 'alg' });
      return submitted.read ? submitted.admitted.code : submitted.code;
    },
  };
}

/** A signal that cannot be read: parked with its bytes when it came by topic, and nothing at all by the door. */
export function unreadable(code: ReasonCode, name: string, raw: unknown, given?: Case['given']): Case[] {
  const stands = given === undefined ? {} : { given };
  const body = JSON.stringify(raw);
  return [
    {
      code,
      name: `by topic: ${name}`,
      records: ['parked'],
      parked: body,
      ...stands,
      async act(of) {
        const received = { raw: raw as Document, algorithm_id: 'alg' };
        const status = await of.give('generate', fact('signal.received', minute(0), ['case'], received));
        if (status !== 204) return `status ${status}`;
        return of.facts('message.parked').at(-1)?.body.code;
      },
    },
    {
      code,
      name: `by door: ${name}`,
      records: [],
      ...stands,
      async act(of) {
        const submitted = await submit(of.ports, { raw: JSON.parse(body), algorithm_id: 'alg' });
        return submitted.read ? submitted.admitted.code : submitted.code;
      },
    },
  ];
}

/** A file of bars, read from a disk. */
export function byFile(code: ReasonCode, name: string, text: string): Case {
  return {
    code,
    name: `by file: ${name}`,
    records: [],
    async act() {
      const folder = mkdtempSync(join(tmpdir(), 'quantbridge-bars-'));
      try {
        const path = join(folder, 'bars.csv');
        writeFileSync(path, text);
        const read = await loadBars({ path, exchange: 'bybit', symbol: 'BTCUSDT', session: 'always' });
        return read.ok ? 'it was read' : read.code;
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

/** A command of a person: the decider behind the command line. */
export function byCommand<T>(code: ReasonCode, name: string, act: Act<Outcome<T>>, given?: Case['given']): Case {
  return {
    code,
    name: `by command: ${name}`,
    records: [],
    ...(given === undefined ? {} : { given }),
    async act(of) {
      const outcome = await of.store.commit(act.keys, act.decide);
      return outcome.accepted ? 'it was done' : outcome.code;
    },
  };
}
