import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { BacktestResult, BacktestTrade } from '#shared/backtest/schema.ts';
import type { Bar } from '#shared/market/schema.ts';
import type { Chart } from './chart.ts';
import { chartsOf } from './charts.ts';
import { details, type Figure, headline, money, percent } from './statistics.ts';
import { type SweepCell, sweepChart } from './sweep-chart.ts';

export interface Sweep {
  readonly names: readonly string[];
  readonly cells: readonly SweepCell[];
}

/** What a reader must know besides the numbers, such as the age of bars or a look-ahead that was found. */
export interface Note {
  readonly tone: 'plain' | 'good' | 'bad';
  readonly text: string;
}

export interface ReportOf {
  readonly result: BacktestResult;
  /** By market, "exchange:symbol". */
  readonly bars: Readonly<Record<string, readonly Bar[]>>;
  readonly sweep?: Sweep;
  readonly notes: readonly Note[];
  readonly made_at: Date;
}

const WIDE = /^(equity|monthly|trades-\d+|distribution|sweep)$/;
/** Nothing is loaded and nothing is sent, whatever the page holds. */
const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";
const MAXIMUM_TRADES = 2_000;

/** A backtest as one HTML file that needs no network: numbers, charts, trades and settings. */
export async function reportPage(report: ReportOf): Promise<string> {
  const { result, bars, sweep } = report;
  const charts = [...(sweep === undefined ? [] : [sweepChart(sweep.names, sweep.cells)]), ...chartsOf(result, bars)];
  const [style, script, library] = await Promise.all([
    readFile(new URL('page.css', import.meta.url), 'utf8'),
    readFile(new URL('page.browser.js', import.meta.url), 'utf8'),
    readFile(fileURLToPath(import.meta.resolve('echarts/dist/echarts.min.js')), 'utf8'),
  ]);
  const options = Object.fromEntries(charts.map(({ id, option }) => [id, option]));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<link rel="icon" href="data:,">
<title>${escaped(titleOf(result))}</title>
<style>
${style}</style>
</head>
<body>
${headOf(report)}
<section class="charts">
${charts.map(figureOf).join('\n')}
</section>
${detailsOf(result)}
<script type="application/json" id="charts">${inScript(JSON.stringify(options))}</script>
<script type="application/json" id="result">${inScript(JSON.stringify(slim(result)))}</script>
<script>${inScript(library)}</script>
<script>
${inScript(script)}</script>
</body>
</html>
`;
}

const titleOf = ({ strategy_name, settings }: BacktestResult): string =>
  `${strategy_name} on ${settings.markets.map(({ symbol }) => symbol).join(', ')}`;

function headOf({ result, notes, made_at }: ReportOf): string {
  const { settings, start_date, end_date } = result;
  const parameters = Object.entries(settings.strategy.parameters).map(([name, value]) => `${name} ${String(value)}`);
  const tiles = headline(result).map(
    ({ name, value, meaning }) =>
      `<div class="tile" title="${escaped(meaning)}"><b>${escaped(value)}</b><span>${escaped(name)}</span></div>`,
  );
  const words = notes.map(({ tone, text }) => `<p class="note ${tone}">${escaped(text)}</p>`);
  return `<header>
<h1>${escaped(titleOf(result))}</h1>
<p>${escaped(parameters.join(', '))}${parameters.length > 0 ? ' · ' : ''}${start_date.slice(0, 10)} to ${end_date.slice(0, 10)} · ${escaped(money(result.initial_capital, settings.currency))} at the start · fills: ${settings.fill_timing === 'lean' ? "as LEAN's" : 'at the next open'}</p>
<p class="faint">Backtest ${escaped(result.backtest_id)}, written ${made_at.toISOString().slice(0, 16).replace('T', ' ')} UTC by QuantBridge. What happened is not what will happen.</p>
</header>
<section class="tiles">
${tiles.join('\n')}
</section>
${words.join('\n')}`;
}

const figureOf = ({ id, title, caption, height_px }: Chart): string =>
  `<figure${WIDE.test(id) ? ' class="wide"' : ''}><h2>${escaped(title)}</h2><figcaption>${escaped(caption)}</figcaption><div class="chart" id="${id}" style="height:${height_px}px" role="img" aria-label="${escaped(`${title}. ${caption}`)}"></div></figure>`;

function detailsOf(result: BacktestResult): string {
  const { trade_history, settings } = result;
  const last = trade_history.slice(-MAXIMUM_TRADES);
  const cut = last.length < trade_history.length ? `, the last ${last.length} of them shown` : '';
  return `<details open><summary>All figures</summary>${figuresTable([...headline(result), ...details(result)])}</details>
${quantconnectOf(result)}${certificateOf(result)}<details><summary>Trades (${trade_history.length}${cut})</summary>${tradesTable(last, settings.currency)}</details>
<details><summary>Settings</summary><pre>${escaped(JSON.stringify(settings, null, 2))}</pre></details>`;
}

/** The same run by QuantConnect's names and formulas, to lay beside one of theirs. */
function quantconnectOf({ quantconnect }: BacktestResult): string {
  if (quantconnect === undefined) return '';
  const rows = Object.entries(quantconnect).map(
    ([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td class="number">${escaped(value)}</td></tr>`,
  );
  return `<details><summary>As QuantConnect prints it</summary><p class="faint">Its names and its formulas, which say 0 where a figure is not defined, and leave out the first trading day.</p><div class="scroll"><table class="figures"><tbody>${rows.join('\n')}</tbody></table></div></details>
`;
}

/** What a reader needs to check that no signal knew its future, with the command that does it. */
function certificateOf({ certificate }: BacktestResult): string {
  if (certificate === undefined) return '';
  const { rerun, signals, engine_version, strategy } = certificate;
  const verdict = {
    clean: 'No signal changed without its future',
    look_ahead: `${rerun.findings} signals know their future`,
    no_signals: 'There were no signals',
  }[certificate.verdict];
  const rows: readonly (readonly [string, string])[] = [
    ['Verdict', `${verdict}: ${rerun.checked} of ${rerun.moments} moments with signals taken again.`],
    ['Certificate', certificate.sha256],
    ['Settings', certificate.settings_sha256],
    ...certificate.bars.map(
      ({ market, count, last_at, sha256 }) =>
        [`Bars of ${market}`, `${sha256} (${count} bars, to ${last_at?.slice(0, 10) ?? 'none'})`] as const,
    ),
    ['Signals', `${signals.length}, each with the hash of the bars that were available at its moment.`],
    ['With the future', rerun.with_future_sha256],
    ['Without', rerun.without_future_sha256],
    ['Made by', `engine ${engine_version}, ${strategy.kind} ${strategy.version}`],
  ];
  const cells = rows.map(
    ([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td class="hash">${escaped(value)}</td></tr>`,
  );
  return `<details><summary>Look-ahead certificate</summary><p class="faint">Check it on bars of your own: npx quantbridge lookahead --certificate &lt;this file&gt;</p><div class="scroll"><table class="figures"><tbody>${cells.join('\n')}</tbody></table></div></details>
`;
}

const figuresTable = (figures: readonly Figure[]): string =>
  `<div class="scroll"><table class="figures"><tbody>${figures
    .map(
      ({ name, value, meaning }) =>
        `<tr><th scope="row">${escaped(name)}</th><td class="number">${escaped(value)}</td><td class="faint">${escaped(meaning)}</td></tr>`,
    )
    .join('\n')}</tbody></table></div>`;

function tradesTable(trades: readonly BacktestTrade[], currency: string): string {
  const head = ['Market', 'Side', 'Quantity', 'Entry', 'at', 'Exit', 'at', 'Net', 'Return', 'Exit by'];
  const rows = trades.map((trade) => {
    const cells = [
      trade.market,
      trade.side,
      trade.quantity,
      trade.entry_at.slice(0, 16).replace('T', ' '),
      trade.entry_price,
      trade.exit_at.slice(0, 16).replace('T', ' '),
      trade.exit_price,
      money(trade.net, currency),
      percent(trade.return_on_entry),
      trade.exit_reason,
    ];
    return `<tr>${cells.map((cell, i) => `<td${NUMERIC.has(i) ? ' class="number"' : ''}>${escaped(cell)}</td>`).join('')}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}
const NUMERIC: ReadonlySet<number> = new Set([2, 4, 6, 7, 8]);

/** The result without what the charts and the table of trades hold already. */
function slim(result: BacktestResult): object {
  const { equity, fills, decisions, trade_history, ...rest } = result;
  const counts = { equity: equity.length, fills: fills.length, decisions: decisions.length };
  return { ...rest, counts: { ...counts, trade_history: trade_history.length } };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);
/** Text inside a script element, which ends at the first "</script" and nests at "<!--". */
const inScript = (text: string): string => text.replace(/<(?=\/script|!--)/gi, '\\u003C');
