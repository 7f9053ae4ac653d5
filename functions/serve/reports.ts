import { z } from 'zod';
import { Deployments } from '#shared/deployment/schema.ts';
import { canonical, sha256 } from '#shared/digest.ts';
import { key, write } from '#shared/document.ts';
import { type Issue, issuesOf } from '#shared/failure.ts';
import type { ApiKey } from '#shared/key/schema.ts';
import type { Ports } from '#shared/ports/index.ts';
import { Report, type ReportHead, ReportHeads, Reports, reportKey } from '#shared/report/schema.ts';
import type { ReasonCode } from '#shared/signal/reason.ts';
import { fact } from '#shared/topics.ts';
import { signatureFault } from './auth.ts';
import { fail } from './errors.ts';
import { jsonOf, type Route, route } from './route.ts';

const Taken = z.strictObject({ ok: z.literal(true), duplicate: z.boolean(), report_seq: z.int() });

/** POST /reports: acks, order events and heartbeats of an algorithm, signed over their very bytes. */
export function reportRoutes(ports: Pick<Ports, 'store' | 'secrets' | 'clock'>): readonly Route[] {
  return [
    route({
      method: 'post',
      path: '/reports',
      scope: 'report',
      does: 'Takes a report of an algorithm; the same one again changes nothing.',
      body: Report,
      reads_body: true,
      answers: { 200: { means: 'It is stored, or was before.', schema: Taken } },
      refuses: [
        'REPORT_MALFORMED',
        'REPORT_CONFLICT',
        'REPORT_DEPLOYMENT_UNKNOWN',
        'ALGORITHM_FORBIDDEN',
        'SIGNATURE_INVALID',
        'SIGNATURE_STALE',
      ],
      async handle(context) {
        const text = await context.req.text();
        const fault = await signatureFault(ports, context, text, 'always');
        if (fault !== undefined) return fail(context, fault.code, fault);
        const json = jsonOf(text);
        if (!json.ok) return fail(context, 'REPORT_MALFORMED', { message: json.message });
        const answer = await takeReport(ports, context.get('key'), json.value, context.req.header('x-key-id'));
        if (!answer.ok) return fail(context, answer.code, { issues: answer.issues });
        return context.json({ ok: true, duplicate: answer.duplicate, report_seq: answer.report_seq });
      },
    }),
  ];
}

export type ReportAnswer =
  | { readonly ok: true; readonly duplicate: boolean; readonly report_seq: number }
  | { readonly ok: false; readonly code: ReasonCode; readonly issues: readonly Issue[] };

/**
 * Takes a report: stored under its number, create-only, and announced in the same commit. The same report again is a
 * duplicate and changes nothing; another one under the same number is a conflict. `signed_with` is the id of the key
 * that signed it, which must be the deployment's own.
 */
export async function takeReport(
  { store }: Pick<Ports, 'store'>,
  apiKey: ApiKey,
  raw: unknown,
  signed_with?: string,
): Promise<ReportAnswer> {
  const parsed = Report.safeParse(raw);
  if (!parsed.success) return { ok: false, code: 'REPORT_MALFORMED', issues: issuesOf(parsed.error) };
  const report = parsed.data;
  const { deployment_id, qc_project_id, qc_deploy_id, report_seq } = report;
  const deployment = await store.get(Deployments, deployment_id);
  if (deployment === undefined || deployment.qc_project_id !== qc_project_id)
    return refused('REPORT_DEPLOYMENT_UNKNOWN', 'deployment_id');
  const { algorithm_id } = deployment;
  if (apiKey.algorithm_id !== undefined && apiKey.algorithm_id !== algorithm_id)
    return refused('ALGORITHM_FORBIDDEN', 'deployment_id');
  if (signed_with !== undefined && signed_with !== deployment.key_id)
    return refused('SIGNATURE_INVALID', 'deployment_id');
  const content_hash = sha256(canonical(report));
  const id = reportKey(qc_deploy_id, report_seq);
  return store.commit<ReportAnswer>([key(Reports, id), key(ReportHeads, qc_deploy_id)], (read, now) => {
    const stored = read(Reports, id);
    if (stored !== undefined) {
      const answer =
        stored.content_hash === content_hash
          ? { ok: true as const, duplicate: true, report_seq }
          : refused('REPORT_CONFLICT', 'report_seq');
      return { answer };
    }
    const received_at = now.toISOString();
    const before = read(ReportHeads, qc_deploy_id);
    const head: ReportHead = { schema: 1, highest_seq: Math.max(report_seq, before?.highest_seq ?? 0), received_at };
    const body = { deployment_id, qc_deploy_id, report_seq, content_hash };
    return {
      create: [write(Reports, id, { schema: 1, algorithm_id, content_hash, received_at, report })],
      put: [write(ReportHeads, qc_deploy_id, head)],
      publish: [fact('report.received', now, [qc_deploy_id, report_seq], body, { key: deployment_id, algorithm_id })],
      answer: { ok: true, duplicate: false, report_seq },
    };
  });
}

const refused = (code: ReasonCode, path: string): ReportAnswer => ({
  ok: false,
  code,
  issues: [{ path, message: 'does not fit' }],
});
