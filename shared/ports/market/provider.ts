import { Unavailable } from '#shared/failure.ts';
import type { Adjustment, Answer, DailyRow, HttpAnswer, ProviderAdapter, Quote } from '#shared/market/provider.ts';
import { backoffMs } from '#shared/quantconnect/retry-timing.ts';
import type { Transport } from './http.ts';

/** The host's own time, for spacing and backoff: never a replay's clock. */
export interface Timer {
  now_ms(): number;
  sleep(ms: number): Promise<void>;
  /** In [0, 1). */
  random(): number;
}
export const realTimer: Timer = {
  now_ms: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: () => Math.random(),
};

export type Outcome<T> = Exclude<Answer<T>, { kind: 'later' }>;

/** Asks a provider. Throws `Unavailable`, with what was said last, when it does not answer in the attempts it has. */
export interface Provider {
  readonly adapter: ProviderAdapter;
  history(ticker: string, from: string): Promise<Outcome<readonly DailyRow[]>>;
  quote(ticker: string, symbol: string): Promise<Outcome<Quote>>;
}

export interface ProviderOptions {
  readonly adapter: ProviderAdapter;
  readonly transport: Transport;
  readonly adjustment: Adjustment;
  /** Asked anew for each call; answers "" where none is needed. */
  readonly key: () => Promise<string>;
  readonly timer?: Timer;
  readonly attempts?: number;
}

const BACKOFF = { minimum_ms: 1_000, maximum_ms: 30_000 } as const;
const DAY_MS = 86_400_000;

/** A provider that keeps the published distance between requests, and asks again when it is told to come later. */
export function provider(options: ProviderOptions): Provider {
  const { adapter, transport, adjustment, key, timer = realTimer, attempts = 4 } = options;
  const turn = turns(adapter, timer);

  async function ask<T>(url: string, read: (answer: HttpAnswer) => Answer<T>): Promise<Outcome<T>> {
    let said = '';
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const unaffordable = await turn();
      if (unaffordable !== undefined) return unaffordable;
      let wait_ms: number | undefined;
      try {
        const answer = await transport(url);
        const outcome = read(answer);
        if (outcome.kind !== 'later') return outcome;
        said = outcome.message;
        wait_ms = answer.wait_ms ?? outcome.wait_ms;
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        said = error.message;
      }
      if (attempt < attempts) await timer.sleep(wait_ms ?? backoffMs(attempt, BACKOFF, timer.random()));
    }
    throw new Unavailable(`${said}; asked ${attempts} times. Try later, or use --bars with a CSV file.`);
  }

  return {
    adapter,
    history: async (ticker, from) =>
      ask(adapter.historyUrl({ ticker, from, now: new Date(timer.now_ms()), key: await key() }), (answer) =>
        adapter.readHistory(answer, adjustment),
      ),
    quote: async (ticker, symbol) =>
      ask(adapter.quoteUrl({ ticker, key: await key() }), (answer) => adapter.readQuote(answer, symbol)),
  };
}

/** Waits for the next turn; answers a refusal when the day's requests are spent. Callers queue in order. */
function turns(
  { spacing_ms, per_day, title }: ProviderAdapter,
  timer: Timer,
): () => Promise<Outcome<never> | undefined> {
  let queue: Promise<unknown> = Promise.resolve();
  let last_ms = Number.NEGATIVE_INFINITY;
  let taken: number[] = [];
  const take = async (): Promise<Outcome<never> | undefined> => {
    taken = taken.filter((at) => at > timer.now_ms() - DAY_MS);
    if (per_day !== undefined && taken.length >= per_day) {
      const message = `${title} allows ${per_day} requests a day, and they are used up.`;
      return { kind: 'refused', message, fix: 'Ask again tomorrow, or use --bars with a CSV file.' };
    }
    const wait_ms = last_ms + spacing_ms - timer.now_ms();
    if (wait_ms > 0) await timer.sleep(wait_ms);
    last_ms = timer.now_ms();
    taken.push(last_ms);
    return undefined;
  };
  return () => {
    const mine = queue.then(take);
    queue = mine;
    return mine;
  };
}
