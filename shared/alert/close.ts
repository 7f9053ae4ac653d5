import type { Act, Outcome } from '../control/config.ts';
import { refusal, refuse } from '../control/config.ts';
import { key, write } from '../document.ts';
import { fact } from '../topics.ts';
import { type Alert, Alerts } from './schema.ts';

/** Says that an alert was looked at. Closing it again changes nothing. Refused when there is no such alert. */
export function closeAlert(alert_id: string, reason: string, by: string): Act<Outcome<Alert>> {
  return {
    keys: [key(Alerts, alert_id)],
    decide: (read, now) => {
      const before = read(Alerts, alert_id);
      if (before === undefined) return refuse(refusal('CONFIG_INVALID', 'alert_id', `there is no alert ${alert_id}`));
      if (!before.open) return { answer: { accepted: true, document: before } };
      const document: Alert = { ...before, open: false, closed: { at: now.toISOString(), by, reason } };
      const body = { alert_id, kind: before.kind, by, reason };
      const links = before.signal_id === undefined ? {} : { signal_id: before.signal_id };
      return {
        put: [write(Alerts, alert_id, document)],
        publish: [fact('alert.closed', now, [alert_id], body, links)],
        answer: { accepted: true, document },
      };
    },
  };
}
