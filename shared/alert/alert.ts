import { deterministicId } from '../digest.ts';
import { type Document, type Write, write } from '../document.ts';
import { type Envelope, fact } from '../topics.ts';
import { type Alert, Alerts } from './schema.ts';

export const alertId = (kind: string, ...subject: readonly unknown[]): string =>
  deterministicId('alert', kind, ...subject);

/** An alert as a document to create and a fact to publish. The same kind and subject are the same alert. */
export function raise(
  kind: string,
  subject: readonly unknown[],
  now: Date,
  about: {
    severity: Alert['severity'];
    message: string;
    signal_id?: string;
    deployment_id?: string;
    algorithm_id?: string;
  },
): { create: Write; publish: Envelope } {
  const { algorithm_id, ...said } = about;
  const alert: Alert = {
    schema: 1,
    alert_id: alertId(kind, ...subject),
    kind,
    ...said,
    raised_at: now.toISOString(),
    open: true,
  };
  const links = {
    ...(said.signal_id === undefined ? {} : { signal_id: said.signal_id }),
    ...(algorithm_id === undefined ? {} : { algorithm_id }),
  };
  return {
    create: write(Alerts, alert.alert_id, alert),
    publish: fact('alert.raised', now, [alert.alert_id], { alert: alert as Document }, links),
  };
}
