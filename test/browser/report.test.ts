import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportPage } from '#functions/backtest/report/page.ts';
import { completeBacktest } from '#shared/backtest/complete.ts';
import type { BacktestResult } from '#shared/backtest/schema.ts';
import { BUILTIN_MARKET, loadBars } from '#shared/ports/local/market.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const isThere = existsSync(CHROMIUM);
if (!isThere) console.warn(`Skipped: there is no Chromium at ${CHROMIUM}. Install it, or name it in CHROMIUM.`);

const MARKET = 'cboe:SPX';
const cells = [5, 10, 20].flatMap((fast) =>
  [30, 60].map((slow) => {
    const sharpe_ratio = fast === 20 && slow === 30 ? null : (slow - fast) / 40 - 0.5;
    return { parameters: { fast, slow }, sharpe_ratio, total_return: 0.1, max_drawdown: -0.1, num_trades: 3 };
  }),
);
const IDS = ['sweep', 'equity', 'drawdown', 'sharpe', 'monthly', 'trades-1', 'distribution'];

let folder: string;
let url: string;
let result: BacktestResult;
let browser: Browser;

async function open(width: number, colorScheme: 'light' | 'dark'): Promise<{ page: Page; said: string[] }> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const said: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) said.push(`request: ${request.url()}`);
  });
  await page.addInitScript({ path: fileURLToPath(new URL('marks.browser.js', import.meta.url)) });
  await page.goto(url);
  return { page, said };
}

const look = <T>(page: Page, words: string): Promise<T> => page.evaluate<T>(`window.seen.${words}`);
const coloursOf = (page: Page, id: string): Promise<number> => look(page, `colours('${id}')`);
const marksOf = (page: Page, id: string, series: number): Promise<number[][]> =>
  look(page, `marks('${id}', ${series})`);

describe.skipIf(!isThere)('the report in a browser', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    const loaded = await loadBars({ path: 'builtin', ...BUILTIN_MARKET });
    if (!loaded.ok) throw new Error(loaded.message);
    const bars = { [MARKET]: loaded.bars };
    result = completeBacktest({
      strategy: { kind: 'crossover', parameters: { fast: 10, slow: 30 } },
      markets: [{ exchange: 'cboe', symbol: 'SPX' }],
      bars,
      from: '2015-01-01T00:00:00.000Z',
      initial_capital: '100000',
    });
    const notes = [
      { tone: 'bad' as const, text: 'A <b>note</b> & "more" </script><script>window.stolen = 1</script>' },
    ];
    const sweep = { names: ['fast', 'slow'], cells };
    const html = await reportPage({ result, bars, sweep, notes, made_at: new Date('2026-01-01T00:00:00Z') });
    folder = await mkdtemp(join(tmpdir(), 'report-'));
    await writeFile(join(folder, 'report.html'), html);
    url = pathToFileURL(join(folder, 'report.html')).href;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  test.each([
    [1280, 'light'],
    [390, 'light'],
    [1280, 'dark'],
    [390, 'dark'],
  ] as const)(
    'draws every chart at %i pixels, %s, without a word to the console or the network',
    async (width, scheme) => {
      const { page, said } = await open(width, scheme);
      expect(await page.locator('.chart').evaluateAll((boxes) => boxes.map((box) => box.id))).toEqual(IDS);
      for (const id of IDS) expect(await coloursOf(page, id), id).toBeGreaterThan(8);
      expect(await look<number>(page, 'overflow()')).toBeLessThanOrEqual(0);
      expect(said).toEqual([]);
      await page.close();
    },
  );

  test('shows the numbers of the result at the places of its marks', async () => {
    const { page } = await open(1280, 'light');
    const equity = await marksOf(page, 'equity', 1);
    expect(equity).toHaveLength(result.equity.length);
    const span = Math.max(...result.equity.map((point) => Number(point.equity)));
    for (const [i, point] of result.equity.entries()) {
      expect(Math.abs((equity[i]?.[1] ?? 0) - Number(point.equity)) / span).toBeLessThan(1e-5);
      expect(Math.abs((equity[i]?.[0] ?? 0) - Date.parse(point.at))).toBeLessThan(86_400_000 / 2);
    }
    const drawdown = await marksOf(page, 'drawdown', 0);
    for (const [i, point] of result.equity.entries())
      expect(Math.abs((drawdown[i]?.[1] ?? 1) - point.drawdown * 100)).toBeLessThan(1e-3);

    const [buys, sells] = [await marksOf(page, 'trades-1', 1), await marksOf(page, 'trades-1', 2)];
    const fills = result.fills.map(({ quantity, price }) => ({
      isSell: quantity.startsWith('-'),
      price: Number(price),
    }));
    for (const [marks, isSell] of [
      [buys, false],
      [sells, true],
    ] as const) {
      const prices = fills.filter((fill) => fill.isSell === isSell).map(({ price }) => price);
      expect(marks).toHaveLength(prices.length);
      for (const [i, price] of prices.entries()) expect(Math.abs((marks[i]?.[1] ?? 0) - price)).toBeLessThan(0.01);
    }
    await page.close();
  });

  test('gives each heat map and column its own numbers', async () => {
    const { page } = await open(1280, 'light');
    const [sweep, monthly, distribution] = [
      await look<unknown[]>(page, "data('sweep')"),
      await look<[number, string, number][]>(page, "data('monthly')"),
      await look<{ value: number }[]>(page, "data('distribution')"),
    ];
    const expected = cells.filter((cell) => cell.sharpe_ratio !== null);
    expect(sweep).toEqual(
      expected.map(({ parameters, sharpe_ratio }) => [String(parameters.fast), String(parameters.slow), sharpe_ratio]),
    );
    const growth = monthly.reduce((all, [, , value]) => all * (1 + value / 100), 1);
    expect(growth).toBeCloseTo(1 + result.total_return, 2);
    const values = result.equity.map((point) => Number(point.equity));
    const moved = values.slice(1).filter((value, i) => value !== values[i]);
    const counted = distribution.reduce((sum, { value }) => sum + value, 0);
    expect(counted).toBe(moved.length);
    await page.close();
  });

  test('prints the numbers of the result beside the charts: figures, QuantConnect’s names, certificate', async () => {
    const { page } = await open(390, 'light');
    const told = await page.evaluate<string>("document.getElementById('result').textContent");
    const { certificate, quantconnect, counts } = JSON.parse(told) as BacktestResult & { counts: { fills: number } };
    expect(certificate).toEqual(result.certificate);
    expect(counts.fills).toBe(result.fills.length);
    const rows = await page.evaluate<[string, string][]>(
      "[...document.querySelectorAll('table.figures tr')].map((row) => [row.cells[0].textContent, row.cells[1].textContent])",
    );
    const shown = new Map(rows);
    for (const [name, value] of Object.entries(quantconnect ?? {})) expect(rows).toContainEqual([name, value]);
    expect(Object.keys(quantconnect ?? {})).toHaveLength(27);
    expect(shown.get('Certificate')).toBe(result.certificate?.sha256);
    expect(shown.get('Without')).toBe(shown.get('With the future'));
    expect(shown.get('Trades')).toBe(String(result.num_trades));
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    expect(await look<number>(page, 'overflow()')).toBeLessThanOrEqual(0);
    await page.close();
  });

  test('draws anew in other colours when the reader turns on the dark', async () => {
    const { page, said } = await open(1280, 'light');
    const colour = () => look<string>(page, "picture('equity')");
    const light = await colour();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(colour, { timeout: 30_000 }).not.toBe(light);
    expect(await coloursOf(page, 'equity')).toBeGreaterThan(8);
    expect(said).toEqual([]);
    await page.close();
  });

  test('shows words from outside as words', async () => {
    const { page } = await open(1280, 'light');
    expect(await page.locator('.note').first().textContent()).toContain('<b>note</b> & "more" </script>');
    expect(await page.evaluate("'stolen' in window")).toBe(false);
    await page.close();
  });
});
