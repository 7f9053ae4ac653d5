import { html, raw } from 'hono/html';
import { REASONS, ReasonCode } from '#shared/signal/reason.ts';
import { Described, type Operation, type Parameter, type Response, type Schema } from './docs-document.ts';
import { meaningOf, membersOf, type Schemas, typeOf } from './docs-members.ts';
import { DOCS_STYLE } from './docs-style.ts';

type Html = ReturnType<typeof html>;
interface Route {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

/** The OpenAPI document as a page for people: nothing is loaded, nothing runs. */
export async function docsPage(document: object): Promise<string> {
  const { info, tags, paths, components } = Described.parse(document);
  const routes = Object.entries(paths).flatMap(([path, of]) =>
    Object.entries(of).map(([method, operation]) => ({ path, method, operation })),
  );
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}: the API</title>
<style>${raw(DOCS_STYLE)}</style>
</head>
<body>
<div class="frame">
<nav aria-label="Contents">
<ul><li><a href="#top">About</a></li>${tags.map(({ name }) => html`<li><a href="#${name}">${name}</a></li>`)}<li><a href="#Codes">Codes</a></li></ul>
<ul>${routes.map((one) => html`<li><a href="#${one.operation.operationId}">${nameOf(one)}</a></li>`)}</ul>
</nav>
<main>
<section id="top">
<h1>${info.title}</h1>
${proseOf(info.description)}
<p class="faint">Version ${info.version}. For machines: <a href="/openapi.json">/openapi.json</a>, OpenAPI 3.1.</p>
</section>
${tags.map(({ name, description }) => html`<section id="${name}"><h2>${name}</h2>${proseOf(description)}</section>`)}
${routes.map((one) => routeOf(one, components.schemas))}
<section id="Codes"><h2>Codes</h2><p>Why a request or a signal is refused, and what to do.</p>${catalogue()}</section>
</main>
</div>
</body>
</html>
`;
  return String(await page);
}

const nameOf = ({ method, path }: Route): Html =>
  html`<span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code>`;

function routeOf(route: Route, schemas: Schemas): Html {
  const { operationId, summary, description, parameters, requestBody, responses } = route.operation;
  return html`<section id="${operationId}" class="route">
<h2><a href="#${operationId}">${nameOf(route)}</a></h2>
<p>${wordsOf(summary)}</p>
<p class="faint">${wordsOf(description)}</p>
${parameters.length === 0 ? '' : parametersOf(parameters, schemas)}
${Object.entries(requestBody?.content ?? {}).map(
  ([media, { schema }]) => html`<h3>Body</h3><p class="faint">${media}</p>${membersTable(schema, schemas)}`,
)}
<h3>Answers</h3>
${Object.entries(responses).map(([status, response]) => answerOf(status, response, schemas))}
${refusalsOf(Object.entries(responses))}
</section>`;
}

function parametersOf(parameters: readonly Parameter[], schemas: Schemas): Html {
  const rows = parameters.map((one) => {
    const example = one.example ?? one.schema.example ?? one.schema.examples?.[0];
    const meaning = one.description ?? '';
    const terms = meaningOf({ ...one.schema, description: undefined }, schemas);
    return html`<tr>
<td class="name"><code>${one.name}</code> ${one.required ? NEEDED : ''}</td>
<td class="type">${one.in}, ${typeOf(one.schema, schemas)}</td>
<td>${wordsOf([meaning, terms].filter((part) => part !== '').join(' '))}</td>
<td data-of="Example">${example === undefined ? '' : html`<code>${textOf(example)}</code>`}</td>
</tr>`;
  });
  return html`<h3>Parameters</h3>${tableOf(['Name', 'Where and type', 'Meaning', 'Example'], rows)}`;
}

const NEEDED = html`<span class="needed">required</span>`;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The answers that carry more than a refusal. */
function answerOf(status: string, { description, headers, content }: Response, schemas: Schemas): Html | '' {
  const [means = ''] = description.split('\n\n').filter((part) => codeIn(part) === undefined);
  const shown = Object.entries(content ?? {}).flatMap(([media, { schema }]) => shownOf(media, schema, schemas));
  if (means === '' || (shown.length === 0 && !/^[23]/.test(status))) return '';
  const extra = Object.entries(headers).filter(([name]) => name !== 'X-Request-Id');
  const named = extra.map(([name, { description: said }]) => html` <code>${name}</code>${said ? ` (${said})` : ''}`);
  return html`<details ${status.startsWith('2') ? raw('open') : ''}><summary>${status}</summary>
<p>${wordsOf(means)}${extra.length === 0 ? '' : html` Headers:${named}.`}</p>
${shown}</details>`;
}

/** The table of what an answer carries; none for the two shapes of a refusal, which the page describes once. */
function shownOf(media: string, schema: Schema | undefined, schemas: Schemas): Html[] {
  const own = (schema?.anyOf ?? [schema ?? {}]).filter((one) => !isRefusal(one));
  if (own.length === 0) return [];
  const [only] = own;
  const table = membersTable(own.length === 1 ? only : { anyOf: own }, schemas);
  return [html`<p class="faint">${media}</p>${schema === undefined ? '' : table}`];
}

const isRefusal = ({ properties = {} }: Schema): boolean => {
  const [first, ...rest] = Object.keys(properties);
  return rest.length === 0 && (first === 'error' || first === 'detail');
};

function membersTable(schema: Schema | undefined, schemas: Schemas): Html {
  if (schema === undefined) return html``;
  const said = [schema, ...(schema.anyOf ?? [])].flatMap(({ description = [] }) => description);
  const about = said.map((one) => html`<p>${wordsOf(one)}</p>`);
  const members = membersOf(schema, schemas);
  const rows = members.map(
    ({ name, type, is_required, meaning }) => html`<tr>
<td class="name"><code>${name}</code> ${is_required ? NEEDED : ''}</td>
<td class="type">${type}</td>
<td>${wordsOf(meaning)}</td>
</tr>`,
  );
  const none = html`<p class="faint">${typeOf(schema, schemas)}; its members are not fixed.</p>`;
  return html`${about}${rows.length === 0 ? none : tableOf(['Member', 'Type', 'Meaning'], rows)}`;
}

/** Every code with its status, cause and fix. */
function refusalsOf(responses: readonly (readonly [string, Response])[]): Html {
  const rows = responses.flatMap(([status, { description }]) =>
    description.split('\n\n').flatMap((part) => {
      const code = codeIn(part);
      const isKey = code === undefined && (status === '401' || status === '403') && KEY_WORDS.test(part);
      if (code === undefined && !isKey) return [];
      return html`<tr>
<td class="status">${status}</td>
<td class="name">${code === undefined ? '' : html`<code>${code}</code>`}</td>
<td>${code === undefined ? part : REASONS[code].cause}</td>
<td data-of="Then">${wordsOf(code === undefined ? 'Send the key in the header X-API-KEY.' : REASONS[code].fix)}</td>
</tr>`;
    }),
  );
  return html`<h3>Refusals</h3>${tableOf(['Status', 'Code', 'Cause', 'What to do'], rows)}`;
}

function catalogue(): Html {
  const rows = Object.entries(REASONS).map(
    ([code, { cause, fix }]) => html`<tr>
<td class="name"><code>${code}</code></td>
<td>${wordsOf(cause)}</td>
<td data-of="Then">${wordsOf(fix)}</td>
</tr>`,
  );
  return tableOf(['Code', 'Cause', 'What to do'], rows);
}

const KEY_WORDS = /\bkey\b/i;

function codeIn(part: string): ReasonCode | undefined {
  const read = ReasonCode.safeParse(/^`([A-Z_]+)`: /.exec(part)?.[1]);
  return read.success ? read.data : undefined;
}

const tableOf = (heads: readonly string[], rows: readonly Html[]): Html =>
  html`<div class="scroll"><table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div>`;

const proseOf = (text: string): Html[] => text.split('\n\n').map((part) => html`<p>${wordsOf(part)}</p>`);

/** Requirements that a sentence cites, such as " (000-22)", are for those who build the door. */
const CITED = / \((?:[A-Z]|\d{3})-\d+(?:, (?:[A-Z]|\d{3})-\d+)*\)/g;

/** `code` between backticks. */
const wordsOf = (text: string): Html[] =>
  text
    .replaceAll(CITED, '')
    .split('`')
    .map((part, n) => (n % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
