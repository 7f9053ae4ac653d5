import { z } from 'zod';
import { type Route, route } from './route.ts';

/** The description of the API, for machines and for people. Made when it is first asked for: its library is large. */
export function describe(routes: readonly Route[]): readonly Route[] {
  let made: Promise<{ json: string; page: string }> | undefined;
  const description = (): Promise<{ json: string; page: string }> => {
    made ??= make([...routes, ...own]);
    return made;
  };
  const terms = { method: 'get', refuses: [] } as const;
  const own: readonly Route[] = [
    route({
      ...terms,
      path: '/openapi.json',
      does: 'The API as OpenAPI 3.1.',
      answers: { 200: { means: 'The document.', schema: z.looseObject({ openapi: z.string() }) } },
      handle: async (context) =>
        context.body((await description()).json, 200, { 'Content-Type': 'application/json; charset=utf-8' }),
    }),
    route({
      ...terms,
      path: '/docs',
      does: 'The API as a page.',
      answers: { 200: { means: 'The page.', media: 'text/html' } },
      handle: async (context) =>
        context.html((await description()).page, 200, {
          'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
        }),
    }),
  ];
  return own;
}

async function make(routes: readonly Route[]): Promise<{ json: string; page: string }> {
  const [{ openApi }, { docsPage }] = await Promise.all([import('./openapi.ts'), import('./docs-page.ts')]);
  const document = openApi(routes);
  return { json: JSON.stringify(document), page: await docsPage(document) };
}
