import { alertId } from '../alert/alert.ts';
import { orderKey } from '../order/schema.ts';
import type { Report } from './schema.ts';

/** The ids of the alerts that events can raise a second time: what an order or a signal is told of more than once. */
export const repeatableAlerts = (deployment_id: string, qc_deploy_id: string, events: Report['events']): string[] =>
  events.flatMap((one) => {
    const { event_id } = one;
    if (one.kind === 'order') {
      const kinds = ['order_symbol_unknown', 'order_illegal_move', 'signal_unknown', 'fee_unknown'];
      const overfilled = alertId('order_overfilled', orderKey(qc_deploy_id, one.order_id));
      return [...kinds.map((kind) => alertId(kind, event_id)), overfilled];
    }
    if (one.kind !== 'signal') return [];
    const kinds = ['signal_unprotected', 'signal_uncertain'];
    return [alertId('signal_unknown', event_id), ...kinds.map((kind) => alertId(kind, one.signal_id, deployment_id))];
  });
