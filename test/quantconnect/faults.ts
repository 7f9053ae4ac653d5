import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from 'hono';
import type { Faults } from './schema.ts';

/** The counts among the faults. */
type Count = { [K in keyof Faults]: Faults[K] extends number ? K : never }[keyof Faults];

/** Takes one off a count, if any are left and they apply to this path; answers whether it did. */
export function strikes(faults: Faults, count: NonNullable<Count>, path: string): boolean {
  if (faults[count] === 0 || (faults.only !== '' && faults.only !== path)) return false;
  faults[count] -= 1;
  return true;
}

const html = (context: Context, status: 404 | 413 | 502, words: string): Response =>
  context.html(`<html><body><h1>${status} ${words}</h1></body></html>`, status);

/** The answer of an API that never looked at the call; undefined when it does look. */
export async function misbehave(context: Context, faults: Faults, path: string): Promise<Response | undefined> {
  if (strikes(faults, 'slow', path)) await pause(faults.slow_ms);
  if (strikes(faults, 'throttle', path)) {
    const { retry_after } = faults;
    return context.body('', 429, retry_after === undefined ? {} : { 'Retry-After': retry_after });
  }
  if (strikes(faults, 'slow_down', path))
    return context.json({ success: false, errors: ['Too many requests; please slow down.'] });
  if (strikes(faults, 'error_500', path))
    return context.json({ success: false, errors: ['An internal error occurred.'] }, 500);
  if (strikes(faults, 'html_502', path)) return html(context, 502, 'Bad Gateway');
  if (strikes(faults, 'too_large', path)) return html(context, 413, 'Request Entity Too Large');
  return undefined;
}

export const notFound = (context: Context): Response => html(context, 404, 'Not Found');

/** Cuts the connection after the call has acted. Where there is no connection to cut (in process), a proxy's 502. */
export function reset(context: Context): Response {
  const bindings: { incoming?: { socket: { resetAndDestroy(): void } } } = context.env ?? {};
  bindings.incoming?.socket.resetAndDestroy();
  return html(context, 502, 'Bad Gateway');
}
