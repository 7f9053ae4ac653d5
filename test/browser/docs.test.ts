import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { door } from '#functions/serve/door.ts';
import { SERVER_OPTIONS } from '#functions/serve/server-options.ts';
import { house } from '../functions/push/house.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const isThere = existsSync(CHROMIUM);
if (!isThere) console.warn(`Skipped: there is no Chromium at ${CHROMIUM}. Install it, or name it in CHROMIUM.`);

interface Described {
  readonly paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
}

let server: Server;
let url: string;
let browser: Browser;
let described: Described;

async function open(width: number, colorScheme: 'light' | 'dark'): Promise<{ page: Page; said: string[] }> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const said: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) said.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, said };
}

describe.skipIf(!isThere)('the description of the API in a browser', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    const { ports } = await house();
    const { listener, settle } = door(ports, {});
    server = createServer(SERVER_OPTIONS, listener);
    settle(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const base = `http://127.0.0.1:${address.port}`;
    url = `${base}/docs`;
    described = (await (await fetch(`${base}/openapi.json`)).json()) as Described;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  test.each([
    [1280, 'light'],
    [390, 'light'],
    [1280, 'dark'],
    [390, 'dark'],
  ] as const)('fits %i pixels, %s, without a word to the console or the network', async (width, scheme) => {
    const { page, said } = await open(width, scheme);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')).toBeLessThanOrEqual(
      0,
    );
    const colour = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(colour).toBe(scheme === 'dark' ? 'rgb(18, 20, 23)' : 'rgb(246, 246, 244)');
    expect(said).toEqual([]);
    await page.close();
  });

  test('has every route of /openapi.json with every status and code that it can answer', async () => {
    const { page } = await open(1280, 'light');
    const sections = await page.locator('section.route').allInnerTexts();
    const operations = Object.entries(described.paths).flatMap(([path, of]) =>
      Object.entries(of).map(([method, { responses }]) => ({ name: `${method.toUpperCase()} ${path}`, responses })),
    );
    expect(sections).toHaveLength(operations.length);
    expect(operations.length).toBeGreaterThan(10);
    for (const [n, { name, responses }] of operations.entries()) {
      const text = sections[n] ?? '';
      expect(text.split('\n')[0]).toBe(name);
      for (const [status, { description }] of Object.entries(responses)) {
        expect(text, `${name} ${status}`).toMatch(new RegExp(`^${status}\\b`, 'm'));
        for (const [, code = '?'] of description.matchAll(/`([A-Z_]+)`: /g))
          expect(text, name).toMatch(new RegExp(`\\b${status}\\s+${code}\\b`));
      }
    }
    await page.close();
  });

  test('goes to a route by its name in the contents', async () => {
    const { page } = await open(390, 'light');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.locator('nav a', { hasText: 'GET /status' }).click();
    const top = () => page.locator('#get_status').evaluate((section) => section.getBoundingClientRect().top);
    await expect.poll(top).toBeLessThan(100);
    expect(await top()).toBeGreaterThanOrEqual(0);
    await page.close();
  });
});
