import { AXIS, type Chart, diverging, GRID, TOOLTIP, VALUE_AXIS } from './chart.ts';

/** So many lines of text fit beside the heat map. */
const MAXIMUM_LABELS = 16;

/** One cell of a sweep: the values of its parameters, and what came of them. */
export interface SweepCell {
  readonly parameters: Readonly<Record<string, number>>;
  readonly sharpe_ratio: number | null;
  readonly total_return: number | null;
  readonly max_drawdown: number | null;
  readonly num_trades: number;
}

/** The Sharpe ratio over one or two parameters. Cells that are not valid, or have no Sharpe ratio, stay empty. */
export function sweepChart(names: readonly string[], cells: readonly SweepCell[]): Chart {
  const [x = '', y] = names;
  const known = cells.filter(({ sharpe_ratio }) => sharpe_ratio !== null);
  const base = { id: 'sweep', title: 'Sweep' };
  const steps = (name: string): string[] =>
    [...new Set(cells.map(({ parameters }) => parameters[name] ?? 0))].sort((a, b) => a - b).map(String);
  const value = ({ sharpe_ratio }: SweepCell): number => Number((sharpe_ratio ?? 0).toFixed(4));
  if (y === undefined) {
    const data = known.map((cell) => [String(cell.parameters[x]), value(cell)]);
    return {
      ...base,
      caption: `Sharpe ratio by ${x}.`,
      height_px: 260,
      option: {
        animation: false,
        grid: { ...GRID, top: 20, bottom: 30 },
        tooltip: { ...TOOLTIP, trigger: 'axis' },
        xAxis: {
          type: 'category',
          data: steps(x),
          name: x,
          nameLocation: 'middle',
          nameTextStyle: { color: '@faint' },
          nameGap: 28,
          ...AXIS,
        },
        yAxis: { ...VALUE_AXIS, scale: true },
        series: [{ type: 'line', name: 'Sharpe', data, color: '@accent', showSymbol: data.length < 60 }],
      },
    };
  }
  const sizes = known.map((cell) => Math.abs(value(cell)));
  const bound = Math.max(0.1, Math.ceil(Math.max(0, ...sizes) * 10) / 10);
  const data = known.map((cell) => [String(cell.parameters[x]), String(cell.parameters[y]), value(cell)]);
  return {
    ...base,
    caption: `Sharpe ratio of each pair of ${x} (across) and ${y} (upwards). Neighbours of one colour are a finding; a lone bright cell is luck.`,
    height_px: 460,
    option: {
      animation: false,
      aria: { enabled: true },
      grid: { left: 22, right: 14, top: 12, bottom: 74, containLabel: true },
      tooltip: { ...TOOLTIP, formatter: `${x} {@[0]}, ${y} {@[1]}: Sharpe {@[2]}` },
      xAxis: {
        type: 'category',
        data: steps(x),
        name: x,
        nameLocation: 'middle',
        nameTextStyle: { color: '@faint' },
        nameGap: 26,
        ...AXIS,
      },
      yAxis: {
        type: 'category',
        data: steps(y),
        name: y,
        nameLocation: 'middle',
        nameTextStyle: { color: '@faint' },
        nameGap: 36,
        ...AXIS,
        axisLabel: { ...AXIS.axisLabel, interval: Math.ceil(steps(y).length / MAXIMUM_LABELS) - 1 },
      },
      visualMap: diverging(-bound, bound, ''),
      series: [{ type: 'heatmap', name: 'Sharpe', data, progressive: 0 }],
    },
  };
}
