import type { Log } from '#shared/ports/index.ts';
import type { NotifyPorts } from '../notify/notify.ts';
import { webhookTo } from '../notify/webhook.ts';

/** The webhook that ALERT_WEBHOOK_URL names, if it does. */
export const webhookOf = (
  { ALERT_WEBHOOK_URL }: Readonly<Record<string, string | undefined>>,
  log: Log,
): Pick<NotifyPorts, 'webhook'> => (ALERT_WEBHOOK_URL ? { webhook: webhookTo(ALERT_WEBHOOK_URL, log) } : {});
