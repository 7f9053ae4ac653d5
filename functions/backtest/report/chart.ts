/**
 * A chart of the page: an ECharts option as plain JSON. A text "@name" in it is a colour of the page's style sheet; a
 * tooltip's "{@[2]}" is the third member of the point's value.
 */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What is drawn, with unit and convention, for who reads the chart without knowing the code. */
  readonly caption: string;
  readonly height_px: number;
  readonly option: Readonly<Record<string, unknown>>;
}

export const LEGEND = {
  top: 0,
  left: 0,
  icon: 'roundRect',
  itemHeight: 3,
  itemWidth: 16,
  textStyle: { color: '@ink' },
};
export const GRID = { left: 8, right: 14, top: 34, bottom: 56, containLabel: true };
export const AXIS = { axisLabel: { color: '@faint', hideOverlap: true }, axisLine: { lineStyle: { color: '@rule' } } };
export const VALUE_AXIS = { type: 'value', ...AXIS, splitLine: { lineStyle: { color: '@rule' } } };
export const TOOLTIP = {
  confine: true,
  backgroundColor: '@panel',
  borderColor: '@rule',
  textStyle: { color: '@ink', fontSize: 12 },
};
export const ZOOM = [
  { type: 'inside', zoomOnMouseWheel: 'ctrl', moveOnMouseWheel: false, preventDefaultMouseMove: false },
  {
    type: 'slider',
    height: 18,
    bottom: 8,
    borderColor: '@rule',
    showDetail: false,
    brushSelect: false,
    fillerColor: '@zoom',
    handleStyle: { color: '@panel', borderColor: '@faint' },
    moveHandleSize: 0,
    dataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } },
    selectedDataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } },
  },
];

/** Between the squares of a heat map. */
export const CELL = { borderWidth: 1, borderColor: '@panel' };
/** A scale of three colours with its middle at 0. */
export const diverging = (min: number, max: number, unit: string): object => ({
  type: 'continuous',
  min,
  max,
  dimension: 2,
  calculable: false,
  orient: 'horizontal',
  left: 'center',
  bottom: 4,
  itemWidth: 10,
  itemHeight: 150,
  text: [`${max} ${unit}`, `${min} ${unit}`],
  textStyle: { color: '@faint' },
  inRange: { color: ['@low', '@middle', '@high'] },
});
