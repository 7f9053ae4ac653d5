import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Issue } from '#shared/failure.ts';
import { REASONS, type ReasonCode } from '#shared/signal/reason.ts';

/** The one shape of an error body (two bodies of the founding contract apart): code, cause, fix, and what to correct. */
export interface ErrorBody {
  readonly error: {
    readonly code: ReasonCode;
    readonly message: string;
    readonly fix: string;
    readonly issues?: readonly Issue[];
    readonly request_id: string;
  };
}

/** The HTTP status of each refusal. What is not listed is 422: understood, and refused. */
const STATUS: Partial<Record<ReasonCode, ContentfulStatusCode>> = {
  SIGNAL_MALFORMED: 400,
  SIGNAL_FIELD_UNKNOWN: 400,
  REPORT_MALFORMED: 400,
  REQUEST_MALFORMED: 400,
  KEY_SCOPE: 403,
  ALGORITHM_FORBIDDEN: 403,
  SIGNATURE_INVALID: 403,
  SIGNATURE_STALE: 403,
  ROUTE_UNKNOWN: 404,
  ALGORITHM_UNKNOWN: 404,
  REPORT_DEPLOYMENT_UNKNOWN: 404,
  BACKTEST_UNKNOWN: 404,
  AS_OF_UNKNOWN: 404,
  BUNDLE_UNKNOWN: 404,
  SIGNAL_ID_REUSED: 409,
  REPORT_CONFLICT: 409,
  REQUEST_TOO_LARGE: 413,
  INTERNAL: 500,
  UNAVAILABLE: 503,
};

export const statusOf = (code: ReasonCode): ContentfulStatusCode => STATUS[code] ?? 422;

/** Answers a refusal. `message` says more than the catalogue where there is more to say; never a secret, never a stack. */
export function fail(
  context: Context,
  code: ReasonCode,
  details: { message?: string; issues?: readonly Issue[] } = {},
): Response {
  const { cause, fix } = REASONS[code];
  const { message = cause, issues } = details;
  context.set('code', code);
  const request_id = String(context.get('request_id') ?? '');
  const body: ErrorBody = { error: { code, message, fix, ...(issues === undefined ? {} : { issues }), request_id } };
  return context.json(body, statusOf(code));
}
