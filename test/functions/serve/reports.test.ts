import { describe, expect, test } from 'vitest';
import { ReportHeads, Reports } from '#shared/report/schema.ts';
import { type House, instant, minute, SECRETS } from '../push/house.ts';
import { reportBody, reported, signedHeaders } from '../reconcile/theirs.ts';
import { type Answer, codeOf, doors } from './doors.ts';

describe('POST /reports', () => {
  const text = JSON.stringify(reportBody(1, [reported({ id: 1, n: 1, at: instant(0), quantity: '1' })]));
  async function post(
    one: House,
    body: string,
    headers: Record<string, string> = signedHeaders(one, body),
  ): Promise<Answer> {
    const answer = await one.door.request('/reports', { method: 'POST', headers, body });
    const said = await answer.text();
    return { status: answer.status, text: said, json: JSON.parse(said) as Record<string, unknown> };
  }

  test('takes a report once; the same again is a duplicate, another one under its number a conflict', async () => {
    const { one } = await doors();
    expect((await post(one, text)).json).toEqual({ ok: true, duplicate: false, report_seq: 1 });
    const digest = one.digest();
    expect((await post(one, text)).json).toEqual({ ok: true, duplicate: true, report_seq: 1 });
    const other = await post(one, JSON.stringify(reportBody(1)));
    expect([other.status, codeOf(other)]).toEqual([409, 'REPORT_CONFLICT']);
    expect(one.digest()).toBe(digest);
    expect(one.facts('report.received')).toHaveLength(1);
    expect(one.all(ReportHeads)).toMatchObject([{ highest_seq: 1 }]);
  });

  test.each<[string, (one: House) => Record<string, string>, string]>([
    ['no signature', (one) => ({ 'X-API-KEY': one.bridgeKey }), 'SIGNATURE_INVALID'],
    [
      'a wrong signature',
      (one) => ({ ...signedHeaders(one, text), 'X-Signature': 'a'.repeat(64) }),
      'SIGNATURE_INVALID',
    ],
    ['a signature of another body', (one) => signedHeaders(one, `${text} `), 'SIGNATURE_INVALID'],
    ['a wrong secret', (one) => signedHeaders(one, text, { secret: 'guess' }), 'SIGNATURE_INVALID'],
    ['an unknown key', (one) => signedHeaders(one, text, { key_id: 'nobody' }), 'SIGNATURE_INVALID'],
    ['a name of every object', (one) => signedHeaders(one, text, { key_id: 'constructor' }), 'SIGNATURE_INVALID'],
    [
      'the key of another deployment',
      (one) => signedHeaders(one, text, { key_id: 'k2', secret: SECRETS.k2 }),
      'SIGNATURE_INVALID',
    ],
    ['a signature that is old', (one) => signedHeaders(one, text, { at: minute(-6) }), 'SIGNATURE_STALE'],
    ['a signature of the future', (one) => signedHeaders(one, text, { at: minute(6) }), 'SIGNATURE_STALE'],
    ['a timestamp that is none', (one) => ({ ...signedHeaders(one, text), 'X-Timestamp': 'now' }), 'SIGNATURE_INVALID'],
  ])('refuses %s', async (_, headers, code) => {
    const { one } = await doors();
    const digest = one.digest();
    const answer = await post(one, text, headers(one));
    expect([answer.status, codeOf(answer)]).toEqual([403, code]);
    expect(one.digest()).toBe(digest);
  });

  test.each([
    ['{', 400, 'REPORT_MALFORMED'],
    ['{}', 400, 'REPORT_MALFORMED'],
    [JSON.stringify({ ...reportBody(1), surprise: 1 }), 400, 'REPORT_MALFORMED'],
    [JSON.stringify(reportBody(0)), 400, 'REPORT_MALFORMED'],
    [JSON.stringify(reportBody(1, [], { deployment_id: 'd-9' })), 404, 'REPORT_DEPLOYMENT_UNKNOWN'],
    [JSON.stringify(reportBody(1, [], { qc_project_id: 9 })), 404, 'REPORT_DEPLOYMENT_UNKNOWN'],
  ])('refuses %.60s', async (body, code, reason) => {
    const { one } = await doors();
    const answer = await post(one, body);
    expect([answer.status, codeOf(answer)]).toEqual([code, reason]);
    expect(one.all(Reports)).toEqual([]);
  });

  test('of a deployment that is not the key’s is refused', async () => {
    const { one, stranger } = await doors();
    const answer = await post(one, text, { ...signedHeaders(one, text), 'X-API-KEY': stranger });
    expect([answer.status, codeOf(answer)]).toEqual([403, 'ALGORITHM_FORBIDDEN']);
    expect(one.all(Reports)).toEqual([]);
  });
});
