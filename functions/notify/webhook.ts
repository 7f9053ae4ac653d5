import { request } from 'undici';
import { z } from 'zod';
import { Alert } from '#shared/alert/schema.ts';
import type { Log } from '#shared/ports/index.ts';
import { backoffMs } from '#shared/quantconnect/retry-timing.ts';

const ATTEMPTS = 3;
const TIMEOUT_MS = 5_000;
const BACKOFF = { minimum_ms: 500, maximum_ms: 4_000 };
const Raised = z.object({ alert: Alert });

/**
 * Makes the teller of alerts: one POST each, `text` for chat services beside the alert itself. The URL can hold a
 * token, so it is named nowhere. An alert that cannot be told is logged and not tried for ever: it stands in the
 * status, and a failing webhook must not raise alerts of its own.
 */
export function webhookTo(url: string, log: Log): (body: unknown) => Promise<void> {
  return async (body) => {
    const parsed = Raised.safeParse(body);
    if (!parsed.success) return;
    const { alert } = parsed.data;
    const text = `QuantBridge ${alert.severity}: ${alert.message}`;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (await post(url, JSON.stringify({ text, alert }))) return;
      if (attempt < ATTEMPTS) await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, BACKOFF, 0)));
    }
    log.error('alert was not told to the webhook', { alert_id: alert.alert_id, kind: alert.kind });
  };
}

async function post(url: string, body: string): Promise<boolean> {
  const headers = { 'content-type': 'application/json' };
  try {
    const answer = await request(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    await answer.body.dump();
    return answer.statusCode >= 200 && answer.statusCode < 300;
  } catch {
    return false;
  }
}
