import { alertId } from '../alert/alert.ts';
import type { Deployment } from '../deployment/schema.ts';
import type { Instrument } from '../market/schema.ts';
import type { OrderEvent, Report } from './schema.ts';

/** How an instrument is found by what QuantConnect calls it. */
export const tickerKey = ({
  ticker,
  security_type,
  market,
}: Instrument['quantconnect'] | OrderEvent['quantconnect']): string => `${ticker}|${security_type}|${market}`;

/**
 * The id of the alert that an event raises whenever it is told: no document of ours says that it was told before.
 * Every other alert goes with a move that happens once, so that it needs no look at what stands.
 */
export function repeatableAlert(
  { instruments, deployment }: { instruments: ReadonlyMap<string, Instrument>; deployment: Deployment },
  event: Report['events'][number],
): string | undefined {
  if (event.kind === 'order')
    return instruments.has(tickerKey(event.quantconnect)) ? undefined : alertId('order_symbol_unknown', event.event_id);
  if (event.kind === 'control') return undefined;
  return event.status === 'unprotected'
    ? alertId('signal_unprotected', event.signal_id, deployment.deployment_id)
    : alertId('signal_unknown', event.event_id);
}
