// Runs in the page: what a reader sees of a chart, for a test to read.
window.seen = {
  /** How many colours a chart shows: an empty one has a single one. */
  colours(id) {
    const canvas = document.querySelector(`#${id} canvas`);
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const found = new Set();
    for (let i = 0; i < pixels.length; i += 4) found.add((pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2]);
    return found.size;
  },
  picture: (id) => document.querySelector(`#${id} canvas`).toDataURL(),
  chart: (id) => window.echarts.getInstanceByDom(document.getElementById(id)),
  data: (id) => window.seen.chart(id).getOption().series[0].data,
  overflow: () => document.documentElement.scrollWidth - window.innerWidth,
  /** The shapes that are drawn of a series, by their place on the canvas, back in the numbers of the axes. */
  marks(id, series) {
    const chart = window.seen.chart(id);
    const inNumbers = (x, y) => chart.convertFromPixel({ seriesIndex: series }, [x, y]);
    const view = chart.getViewOfSeriesModel(chart.getModel().getSeriesByIndex(series));
    const marks = [];
    view.group.traverse((shape) => {
      if (shape.type === 'ec-polyline') {
        const { points } = shape.shape;
        for (let i = 0; i < points.length; i += 2) marks.push(inNumbers(points[i], points[i + 1]));
      } else if (shape.type === 'path' || shape.type === 'triangle') {
        const { x, y } = shape.parent;
        marks.push(inNumbers(x, y));
      }
    });
    return marks;
  },
};
