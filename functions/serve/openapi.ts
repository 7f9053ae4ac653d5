import { z } from 'zod';
import {
  type CreateDocumentOptions,
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { SIGNATURE_WINDOW_S } from '#shared/key/signature.ts';
import { REASONS, type ReasonCode } from '#shared/signal/reason.ts';
import { ErrorBody, KeyFault, statusOf } from './errors.ts';
import type { Answer, Route } from './route.ts';

/** Refusals that any route may answer with. */
const EVERYWHERE: readonly ReasonCode[] = [
  'REQUEST_MALFORMED',
  'REQUEST_TIMEOUT',
  'URL_TOO_LONG',
  'HEADERS_TOO_LARGE',
  'ENCODING_UNSUPPORTED',
  'RATE_LIMITED',
  'INTERNAL',
  'UNAVAILABLE',
];
/** Further ones of any route behind a key. */
const KEYED: readonly ReasonCode[] = ['KEY_SCOPE', 'REQUEST_TOO_LARGE'];

const ABOUT = `The door of QuantBridge: an algorithm's signals, its reports, the team's models, replay and status.

Times are ISO-8601 in UTC with milliseconds. Prices and quantities are decimal strings, but on the batch routes, where they are JSON numbers. A member or a query parameter that a route does not name is refused. There are no redirects. Every answer carries X-Request-Id; quote it when you ask about one.

A refusal has one shape: \`{"error":{"code","message","fix","issues","request_id"}}\`. Without a key or with a wrong one it is \`{"detail":"Missing API key"}\` (401) or \`{"detail":"Invalid API key"}\` (403). A path that is no route answers 404 \`ROUTE_UNKNOWN\`, another method on a path that is one 405 \`METHOD_UNKNOWN\` with Allow.`;

const KEY = `Send the key in the header X-API-KEY. \`npx quantbridge keys create\` makes one and shows it once; it has scopes, each route names the one that it needs, and reading the past needs \`read_history\` as well. The key of an algorithm speaks for that algorithm alone; an operator key names one by algorithm_id.`;

const SIGNATURE = `X-Signature is the lower-case hex HMAC-SHA256 of four lines: X-Timestamp, the method, the path with its query, and the exact bytes of the body; line feeds between them, none after the body. The secret is the one shared with X-Key-Id. X-Timestamp is whole Unix seconds, at most ${SIGNATURE_WINDOW_S} from the time here. Reports are always signed with the key id of their deployment; submissions where the key was made with \`--signed\`, by the id of the key itself.`;

const HEADERS = {
  'X-Key-Id': 'The id whose secret signs.',
  'X-Timestamp': 'When it was signed, in whole Unix seconds.',
  'X-Signature': 'Lower-case hex HMAC-SHA256 of timestamp, method, path with query and body.',
} as const;
const EXAMPLES: Readonly<Record<keyof typeof HEADERS, string>> = {
  'X-Key-Id': 'momentum',
  'X-Timestamp': '1767614400',
  'X-Signature': '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
};

/** The API as OpenAPI 3.1, made of the very routes that the app mounts. */
export function openApi(routes: readonly Route[]): ReturnType<typeof createDocument> {
  const paths = Object.fromEntries(
    Object.entries(Object.groupBy(routes, ({ path }) => path)).map(([path, of = []]) => [
      path,
      Object.fromEntries(of.map((one) => [one.method, operation(one)])),
    ]),
  );
  return createDocument(
    {
      openapi: '3.1.0',
      info: { title: 'QuantBridge', version: '1.0', description: ABOUT },
      tags: [
        { name: 'Keys', description: KEY },
        { name: 'Signatures', description: SIGNATURE },
      ],
      components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-API-KEY', description: KEY } } },
      paths,
    },
    { override: numbersHaveNoPattern },
  );
}

/** A number in a query is read from text: the pattern of that text says nothing of the number. */
const numbersHaveNoPattern: NonNullable<CreateDocumentOptions['override']> = ({ jsonSchema }) => {
  if (jsonSchema.type === 'integer' || jsonSchema.type === 'number') delete jsonSchema.pattern;
};

function operation(route: Route): ZodOpenApiOperationObject {
  const { path, method, does, scope, parameters, query, body } = route;
  const header = headersOf(route);
  const params = {
    ...(parameters instanceof z.ZodObject ? { path: parameters } : {}),
    ...(query instanceof z.ZodObject ? { query } : {}),
    ...(header === undefined ? {} : { header }),
  };
  return {
    operationId: `${method}${path.replaceAll(/[^\w]+/g, '_').replace(/_$/, '')}`,
    summary: does,
    ...(scope === undefined ? {} : { security: [{ key: [] }], description: `Needs the scope \`${scope}\`.` }),
    ...(Object.keys(params).length === 0 ? {} : { requestParams: params }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: responsesOf(route),
  };
}

/** The headers that a route reads beside the key: a signature, what the caller holds already. */
function headersOf({ refuses, answers }: Route): z.ZodObject | undefined {
  const isSigned = refuses.includes('SIGNATURE_INVALID');
  const isAlways = !refuses.includes('SIGNATURE_MISSING');
  const signature = Object.entries(HEADERS).map(([name, description]) => {
    const example = EXAMPLES[name as keyof typeof HEADERS];
    const text = z.string();
    return [name, (isAlways ? text : text.optional()).meta({ description, example })];
  });
  const known = z.string().optional().meta({
    description: 'An ETag of an earlier answer: the same signals again are 304, and for LEAN an empty list.',
    example: 'W/"momentum-1287"',
  });
  const shape = {
    ...(isSigned ? Object.fromEntries(signature) : {}),
    ...(304 in answers ? { 'If-None-Match': known } : {}),
  };
  return Object.keys(shape).length === 0 ? undefined : z.object(shape);
}

const ANY = z.object({ 'X-Request-Id': z.string().meta({ description: 'Names the request in the audit.' }) });
const MORE: Readonly<Record<string, z.ZodObject>> = {
  304: ANY.extend({ ETag: z.string() }),
  405: ANY.extend({ Allow: z.string() }),
  429: ANY.extend({ 'Retry-After': z.string().meta({ description: 'Seconds to wait.' }) }),
};

/** Every status that a route answers with: what it says itself, and the refusals of the catalogue with their codes. */
function responsesOf({ answers, refuses, scope }: Route): ZodOpenApiOperationObject['responses'] {
  const isKeyed = scope !== undefined;
  const codes = [...new Set([...refuses, ...EVERYWHERE, ...(isKeyed ? KEYED : [])])];
  const byStatus = Object.groupBy(codes, (code) => String(statusOf(code)));
  const statuses = new Set([...Object.keys(answers), ...Object.keys(byStatus), ...(isKeyed ? ['401', '403'] : [])]);
  return Object.fromEntries(
    [...statuses].sort().map((status) => {
      const answer = Object.entries(answers).find(([of]) => of === status)?.[1];
      const faults = isKeyed && (status === '401' || status === '403');
      return [status, responseOf(status, answer, byStatus[status] ?? [], faults)];
    }),
  );
}

function responseOf(
  status: string,
  answer: Answer | undefined,
  codes: readonly ReasonCode[],
  has_key_fault: boolean,
): ZodOpenApiResponseObject {
  const schemas = [
    ...(answer?.schema === undefined ? [] : [answer.schema]),
    ...(codes.length === 0 ? [] : [errorOf(codes)]),
    ...(has_key_fault ? [KeyFault] : []),
  ];
  const [first, ...rest] = schemas;
  const schema = first === undefined || rest.length === 0 ? first : z.union(schemas);
  const media = answer?.media ?? 'application/json';
  const content = { [media]: schema === undefined ? {} : { schema } };
  const means = [
    ...(answer === undefined ? [] : [answer.means]),
    ...(has_key_fault ? [status === '401' ? 'No key was sent.' : 'The key is wrong.'] : []),
    ...codes.map((code) => `\`${code}\`: ${REASONS[code].cause}`),
  ];
  return {
    description: means.join('\n\n'),
    headers: MORE[status] ?? ANY,
    ...(schema === undefined && answer?.media === undefined ? {} : { content }),
  };
}

/** The one shape of an error, with the codes that it may have at its place. */
function errorOf(codes: readonly ReasonCode[]): z.ZodType {
  const [first, ...rest] = codes;
  const error = ErrorBody.shape.error.extend(first === undefined ? {} : { code: z.enum([first, ...rest]) });
  return z.strictObject({ error });
}
