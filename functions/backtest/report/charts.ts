import type { BacktestResult } from '#shared/backtest/schema.ts';
import type { Bar } from '#shared/market/schema.ts';
import { AXIS, CELL, type Chart, diverging, GRID, LEGEND, TOOLTIP, VALUE_AXIS, ZOOM } from './chart.ts';
import {
  closeLine,
  drawdownLine,
  equityLine,
  type FillMark,
  fillMarks,
  histogram,
  holdLine,
  monthlyReturns,
  type Point,
  returnsOf,
  rollingSharpeLine,
  rollingWindow,
  thinned,
} from './series.ts';

const rounded = (points: readonly Point[], decimals: number): Point[] =>
  points.map(([at, value]) => [at, value === null ? null : Number(value.toFixed(decimals))]);
const line = (name: string, points: readonly Point[], color: string, more: object = {}): object => ({
  type: 'line',
  name,
  data: points,
  showSymbol: false,
  color,
  lineStyle: { width: 1.4, color },
  ...more,
});
const overTime = (series: readonly object[], axis: object = {}): Chart['option'] => ({
  useUTC: true,
  animation: false,
  aria: { enabled: true },
  grid: GRID,
  legend: LEGEND,
  tooltip: { ...TOOLTIP, trigger: 'axis' },
  dataZoom: ZOOM,
  xAxis: { type: 'time', ...AXIS },
  yAxis: { ...VALUE_AXIS, ...axis },
  series,
});

const PERCENT_AXIS = { axisLabel: { ...AXIS.axisLabel, formatter: '{value} %' } };

function equityChart(result: BacktestResult, bars: Readonly<Record<string, readonly Bar[]>>): Chart {
  const { currency } = result.settings;
  const [[market, only] = ['', []], ...others] = Object.entries(bars);
  const hold = others.length > 0 ? [] : rounded(thinned(holdLine(result, only)), 2);
  const own = rounded(thinned(equityLine(result)), 2);
  const held = hold.length === 0 ? '' : ` The grey line is the same capital held in ${market}, without costs.`;
  return {
    id: 'equity',
    title: 'Equity',
    caption: `Cash and positions at the close of each bar, in ${currency}.${held}`,
    height_px: 340,
    option: overTime(
      [
        ...(hold.length === 0 ? [] : [line('buy and hold', hold, '@muted')]),
        line('equity', own, '@accent', { lineStyle: { width: 1.8, color: '@accent' } }),
      ],
      { scale: true },
    ),
  };
}

function drawdownChart(result: BacktestResult): Chart {
  const points = rounded(thinned(drawdownLine(result)), 4);
  const area = { areaStyle: { color: '@bad', opacity: 0.25 } };
  return {
    id: 'drawdown',
    title: 'Drawdown',
    caption: 'Distance of equity from its highest point so far, in percent.',
    height_px: 240,
    option: overTime([line('drawdown %', points, '@bad', area)], { ...PERCENT_AXIS, max: 0 }),
  };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function monthlyChart(result: BacktestResult): Chart {
  const months = monthlyReturns(result);
  const years = [...new Set(months.map(({ year }) => String(year)))];
  const data = months.map(({ year, month, value }) => {
    const shown = value * 100;
    const [exact, short] = [shown.toFixed(1), shown.toFixed(0)].map((text) => text.replace(/^-(0\.?0*)$/, '$1'));
    return [month - 1, String(year), Number(shown.toFixed(2)), exact, short, `${MONTHS[month - 1]} ${year}`];
  });
  const largest = Math.max(1, ...months.map(({ value }) => Math.abs(value * 100)));
  // Colours are spread to the size that nine months in ten keep within, so that one crash does not grey out the rest.
  const sizes = months.map(({ value }) => Math.abs(value * 100)).sort((a, b) => a - b);
  const bound = Math.max(1, Math.ceil(sizes[Math.floor(sizes.length * 0.9)] ?? largest));
  const label = { show: true, fontSize: 11, color: '@ink', formatter: '{@[3]}' };
  return {
    id: 'monthly',
    title: 'Monthly returns',
    caption:
      'Change of equity from the last bar of one month to that of the next, in percent, by calendar month (UTC).',
    height_px: 96 + 22 * years.length,
    option: {
      baseOption: {
        animation: false,
        aria: { enabled: true },
        grid: { left: 4, right: 4, top: 26, bottom: 46, containLabel: true },
        tooltip: { ...TOOLTIP, formatter: '{@[5]}: {@[2]} %' },
        xAxis: {
          type: 'category',
          data: MONTHS,
          position: 'top',
          ...AXIS,
          axisTick: { show: false },
          axisLine: { show: false },
        },
        yAxis: {
          type: 'category',
          data: years,
          inverse: true,
          ...AXIS,
          axisTick: { show: false },
          axisLine: { show: false },
        },
        visualMap: diverging(-bound, bound, '%'),
        series: [{ type: 'heatmap', name: 'monthly return %', data, label, itemStyle: CELL }],
      },
      media: [
        { query: { maxWidth: 560 }, option: { series: [{ label: { formatter: '{@[4]}', fontSize: 10 } }] } },
        { option: { series: [{ label }] } },
      ],
    },
  };
}

function tradesChart(result: BacktestResult, market: string, bars: readonly Bar[], number: number): Chart {
  const marks = fillMarks(result, market);
  const scatter = (name: string, side: FillMark['side'], color: string, rotate: number): object => ({
    type: 'scatter',
    name,
    color,
    symbol: 'triangle',
    symbolRotate: rotate,
    symbolSize: 9,
    itemStyle: { color, borderColor: '@panel', borderWidth: 0.5 },
    data: marks.filter((mark) => mark.side === side).map(({ at_ms, price }) => [at_ms, price]),
  });
  const closes = rounded(thinned(closeLine(bars, result)), 8);
  return {
    id: `trades-${number}`,
    title: `Trades on ${market}`,
    caption: 'The close of each bar, and every fill at its time and price: up to buy, down to sell.',
    height_px: 340,
    option: overTime(
      [line('close', closes, '@muted'), scatter('buy', 'buy', '@good', 0), scatter('sell', 'sell', '@bad', 180)],
      { scale: true },
    ),
  };
}

function sharpeChart(result: BacktestResult): Chart {
  const window = rollingWindow(result.settings.periods_per_year);
  const points = rounded(rollingSharpeLine(result, window), 4);
  return {
    id: 'sharpe',
    title: 'Rolling Sharpe ratio',
    caption: `Of the last ${window} returns, annualised with ${result.settings.periods_per_year} periods a year; a gap where it is undefined, such as after half a year without a position.`,
    height_px: 240,
    option: overTime([line(`Sharpe, ${window} bars`, points, '@accent')]),
  };
}

function distributionChart(result: BacktestResult): Chart {
  const all = returnsOf(result.equity).filter((value) => value !== null);
  const moved = all.filter((value) => value !== 0);
  const bins = histogram(moved);
  const still = all.length - moved.length;
  const percent = (value: number): string => (value * 100).toFixed(2);
  return {
    id: 'distribution',
    title: 'Distribution of returns',
    caption: `How many bars returned how much, in percent: each column counts from its name up to the next.${still === 0 ? '' : ` ${still} bars without any change, most of them without a position, are left out.`}`,
    height_px: 260,
    option: {
      animation: false,
      aria: { enabled: true },
      grid: { ...GRID, top: 12, bottom: 8 },
      tooltip: { ...TOOLTIP, trigger: 'axis', axisPointer: { type: 'shadow' } },
      xAxis: { type: 'category', data: bins.map(({ from }) => percent(from)), ...AXIS },
      yAxis: VALUE_AXIS,
      series: [
        {
          type: 'bar',
          name: 'bars',
          barCategoryGap: '8%',
          data: bins.map(({ from, count }) => ({ value: count, itemStyle: { color: from < 0 ? '@bad' : '@good' } })),
        },
      ],
    },
  };
}

/** The charts of one backtest, in the order of the page. */
export function chartsOf(result: BacktestResult, bars: Readonly<Record<string, readonly Bar[]>>): Chart[] {
  return [
    equityChart(result, bars),
    drawdownChart(result),
    sharpeChart(result),
    monthlyChart(result),
    ...Object.entries(bars).map(([market, own], i) => tradesChart(result, market, own, i + 1)),
    distributionChart(result),
  ];
}
