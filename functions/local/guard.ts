import type { Document } from '#shared/document.ts';
import { Unavailable } from '#shared/failure.ts';
import type { Clock, QuantConnect } from '#shared/ports/index.ts';
import { readLive } from '#shared/quantconnect/client.ts';

/** What live/read calls QuantConnect's own paper brokerage. */
export const PAPER_BROKERAGE = 'PaperBrokerage';
/** For so long a brokerage that was looked at is believed: a redeployment can change it. */
const BELIEVED_MS = 600_000;

/**
 * Stands before the one call that can move money: a command reaches a project only after its brokerage was seen to be
 * QuantConnect's paper brokerage, unless live was switched on. What is not seen to be so is refused here, in their own
 * form of a refusal, and nothing is sent.
 */
export function guarded(transport: QuantConnect, mayTradeLive: boolean, clock: Clock): QuantConnect {
  const seen = new Map<number, { readonly brokerage: string; readonly at_ms: number }>();

  async function brokerageOf(project: number): Promise<string> {
    const now_ms = clock.now().getTime();
    const known = seen.get(project);
    if (known !== undefined && now_ms - known.at_ms < BELIEVED_MS) return known.brokerage;
    const live = await readLive({ quantconnect: transport }, project).catch((error: unknown) => {
      if (error instanceof Unavailable) return undefined;
      throw error;
    });
    const brokerage = live?.outcome === 'live' ? live.brokerage : '';
    if (brokerage !== '') seen.set(project, { brokerage, at_ms: now_ms });
    return brokerage;
  }

  return {
    async post(path: string, payload: Document) {
      if (path !== 'live/commands/create' || mayTradeLive) return transport.post(path, payload);
      const brokerage = await brokerageOf(Number(payload.projectId));
      if (brokerage === PAPER_BROKERAGE) return transport.post(path, payload);
      const why = brokerage === '' ? 'its brokerage is not known' : `it runs on ${brokerage}`;
      const error = `Nothing was sent to project ${String(payload.projectId)}: ${why}, and live was not switched on.`;
      return { status: 200, body: JSON.stringify({ success: false, errors: [error] }) };
    },
  };
}
