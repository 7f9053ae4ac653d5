import { createHmac } from 'node:crypto';
import type { Deployment } from './deployment.ts';

/** POSTs a report; answers the HTTP status, 0 when there was no answer. */
export type Post = (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<number>;

/** The headers with which our algorithm signs a request of its own. */
export function reportHeaders(deployment: Deployment, url: string, body: string, now: Date): Record<string, string> {
  const { key_id, secret, bridge_key } = deployment.deploy;
  const { pathname, search } = new URL(url);
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signed = `${timestamp}\nPOST\n${pathname}${search}\n${body}`;
  return {
    'Content-Type': 'application/json',
    'X-API-KEY': bridge_key,
    'X-Key-Id': key_id,
    'X-Timestamp': timestamp,
    'X-Signature': createHmac('sha256', secret).update(signed, 'utf8').digest('hex'),
  };
}

/**
 * Posts what was not told yet, in order, one after another; stops at the first answer that is not 2xx, which leaves
 * the rest for the next call. Answers how many were taken.
 */
export async function postUnsent(
  deployment: Deployment,
  now: Date,
  post: Post,
  sent: (qc_deploy_id: string, report_seq: number) => void,
): Promise<number> {
  let posted = 0;
  for (let next = deployment.unsent[0]; next !== undefined; next = deployment.unsent[0]) {
    const { report_seq, body } = next;
    const url = `${deployment.deploy.bridge_url.replace(/\/+$/, '')}/reports`;
    const status = await post(url, reportHeaders(deployment, url, body, now), body);
    if (status < 200 || status > 299) break;
    sent(deployment.deploy.qc_deploy_id, report_seq);
    deployment.unsent = deployment.unsent.filter((report) => report.report_seq !== report_seq);
    posted += 1;
  }
  return posted;
}
