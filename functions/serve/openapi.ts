import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { REASONS, type ReasonCode } from '#shared/signal/reason.ts';
import { ErrorBody, KeyFault, statusOf } from './errors.ts';
import type { Answer, Route } from './route.ts';

/** Refusals that any route behind a key may answer with. */
const EVERYWHERE: readonly ReasonCode[] = [
  'REQUEST_MALFORMED',
  'REQUEST_TIMEOUT',
  'REQUEST_TOO_LARGE',
  'URL_TOO_LONG',
  'HEADERS_TOO_LARGE',
  'ENCODING_UNSUPPORTED',
  'RATE_LIMITED',
  'INTERNAL',
  'UNAVAILABLE',
];

/** The API as OpenAPI 3.1, made of the very routes that the app mounts. */
export function openApi(routes: readonly Route[]): ReturnType<typeof createDocument> {
  const paths = Object.fromEntries(
    Object.entries(Object.groupBy(routes, ({ path }) => path)).map(([path, of = []]) => [
      path,
      Object.fromEntries(of.map((one) => [one.method, operation(one)])),
    ]),
  );
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'QuantBridge',
      version: '1.0',
      description: "The door: an algorithm's signals, its reports, the team's models, replay and status.",
    },
    components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-API-KEY' } } },
    paths,
  });
}

function operation({
  path,
  method,
  does,
  scope,
  parameters,
  query,
  body,
  answers,
  refuses,
}: Route): ZodOpenApiOperationObject {
  const params = {
    ...(parameters instanceof z.ZodObject ? { path: parameters } : {}),
    ...(query instanceof z.ZodObject ? { query } : {}),
  };
  const good = Object.entries(answers).map(([status, answer]) => [status, response(answer)] as const);
  return {
    operationId: `${method}${path.replaceAll(/[^\w]+/g, '_')}`,
    summary: does,
    ...(scope === undefined ? {} : { security: [{ key: [] }], description: `Needs the scope \`${scope}\`.` }),
    ...(Object.keys(params).length === 0 ? {} : { requestParams: params }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      ...refusals(scope !== undefined, refuses, new Set(good.map(([status]) => status))),
      ...Object.fromEntries(good),
    },
  };
}

const response = ({
  means,
  schema,
  media = 'application/json',
}: Answer): ZodOpenApiResponsesObject[`${1 | 2}${string}`] => ({
  description: means,
  ...(schema === undefined && media === 'application/json'
    ? {}
    : { content: { [media]: schema === undefined ? {} : { schema } } }),
});

function refusals(
  isKeyed: boolean,
  refuses: readonly ReasonCode[],
  taken: ReadonlySet<string>,
): ZodOpenApiResponsesObject {
  const codes = isKeyed ? [...new Set([...refuses, ...EVERYWHERE, 'KEY_SCOPE' as const])] : refuses;
  const byStatus = Object.groupBy(codes, (code) => String(statusOf(code)));
  const all = Object.entries(byStatus)
    .filter(([status]) => !taken.has(status))
    .map(([status, of = []]) => [
      status,
      {
        description: of.map((code) => `\`${code}\`: ${REASONS[code].cause}`).join('\n\n'),
        content: { 'application/json': { schema: status === '403' ? z.union([ErrorBody, KeyFault]) : ErrorBody } },
      },
    ]);
  const missing = { description: 'No key was sent.', content: { 'application/json': { schema: KeyFault } } };
  return { ...(isKeyed ? { 401: missing } : {}), ...Object.fromEntries(all) };
}
