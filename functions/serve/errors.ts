import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import type { Issue } from '#shared/failure.ts';
import { REASONS, ReasonCode } from '#shared/signal/reason.ts';

/** The one shape of an error body (two bodies of the founding contract apart): code, cause, fix, and what to correct. */
export const ErrorBody = z.strictObject({
  error: z.strictObject({
    code: ReasonCode,
    message: z.string(),
    fix: z.string(),
    issues: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
    request_id: z.string(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
/** The founding contract's words for a key that is missing or wrong (000-47). */
export const KeyFault = z.strictObject({ detail: z.enum(['Missing API key', 'Invalid API key']) });

/** The HTTP status of each refusal. What is not listed is 422: understood, and refused. */
const STATUS: Partial<Record<ReasonCode, ContentfulStatusCode>> = {
  SIGNAL_MALFORMED: 400,
  SIGNAL_FIELD_UNKNOWN: 400,
  REPORT_MALFORMED: 400,
  REQUEST_MALFORMED: 400,
  AS_OF_UNSUPPORTED: 400,
  KEY_SCOPE: 403,
  ALGORITHM_FORBIDDEN: 403,
  SIGNATURE_MISSING: 403,
  SIGNATURE_INVALID: 403,
  SIGNATURE_STALE: 403,
  ROUTE_UNKNOWN: 404,
  ALGORITHM_UNKNOWN: 404,
  REPORT_DEPLOYMENT_UNKNOWN: 404,
  BACKTEST_UNKNOWN: 404,
  AS_OF_UNKNOWN: 404,
  SIGNAL_UNKNOWN: 404,
  BUNDLE_UNKNOWN: 404,
  SIGNAL_ID_REUSED: 409,
  REPORT_CONFLICT: 409,
  AS_OF_UNSEALED: 409,
  METHOD_UNKNOWN: 405,
  REQUEST_TIMEOUT: 408,
  REQUEST_TOO_LARGE: 413,
  URL_TOO_LONG: 414,
  ENCODING_UNSUPPORTED: 415,
  RATE_LIMITED: 429,
  HEADERS_TOO_LARGE: 431,
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
  context.set('code', code);
  const request_id = String(context.get('request_id') ?? '');
  return context.json(errorBody(code, request_id, details), statusOf(code));
}

export function errorBody(
  code: ReasonCode,
  request_id: string,
  { message, issues }: { message?: string; issues?: readonly Issue[] },
): ErrorBody {
  const { cause, fix } = REASONS[code];
  return {
    error: {
      code,
      message: message ?? cause,
      fix,
      ...(issues === undefined ? {} : { issues: [...issues] }),
      request_id,
    },
  };
}
