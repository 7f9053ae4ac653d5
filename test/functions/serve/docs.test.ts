import { beforeAll, describe, expect, test } from 'vitest';
import { app } from '#functions/serve/app.ts';
import { docsPage } from '#functions/serve/docs-page.ts';
import { REASONS } from '#shared/signal/reason.ts';
import { type House, house } from '../push/house.ts';
import { call } from './doors.ts';

let one: House;
let page: string;
beforeAll(async () => {
  one = await house();
  page = await (await one.door.request('/docs')).text();
});

describe('GET /docs', () => {
  test('needs no key, runs no script and loads nothing', async () => {
    const answer = await one.door.request('/docs');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; style-src 'unsafe-inline'");
    expect(page).not.toMatch(/<script|<img|<iframe|@import|url\(|\son\w+=|src=/);
    expect([...page.matchAll(/href="([^"]*)"/g)].map(([, to]) => to).filter((to) => !to?.startsWith('#'))).toEqual([
      '/openapi.json',
    ]);
  });

  test('leads by its contents to every section that it has', () => {
    const to = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
    const ids = [...page.matchAll(/\bid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(to)).toEqual(new Set(ids));
  });

  test('says of every reason what its cause is and what to do', () => {
    const text = page
      .replaceAll(/<\/?code>/g, '`')
      .replaceAll(/&#39;/g, "'")
      .replaceAll('&quot;', '"');
    for (const [code, { cause, fix }] of Object.entries(REASONS))
      for (const words of [code, cause, fix]) expect(text, code).toContain(words);
  });

  test('cites no requirement: they are for who builds the door', () => {
    expect(page).not.toMatch(/\((?:\d{3}|[A-Z])-\d+\)/);
  });

  test('shows what a document says as words, never as markup', async () => {
    const evil = '<img src=x onerror=alert(1)>"\'&';
    const { json } = await call(one, 'GET', '/openapi.json');
    const document = JSON.parse(
      JSON.stringify(json).replaceAll('Whether the process lives.', JSON.stringify(evil).slice(1, -1)),
    );
    const made = await docsPage(document);
    expect(made).not.toContain('<img');
    expect(made).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  test('is closed where the description is off (002-23)', async () => {
    const door = app(one.ports, { docs: false });
    for (const path of ['/docs', '/openapi.json']) expect((await door.request(path)).status).toBe(401);
  });
});
