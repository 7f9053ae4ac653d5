// Runs in the reader's browser: draws each chart in the colours of the style sheet, again when they change.
(() => {
  const text = document.getElementById('charts').textContent;
  const boxes = [...document.querySelectorAll('.chart')];
  const dark = window.matchMedia('(prefers-color-scheme: dark)');

  const coloured = () => {
    const style = window.getComputedStyle(document.documentElement);
    const colour = (_, value) =>
      typeof value === 'string' && value.startsWith('@') ? style.getPropertyValue(`--${value.slice(1)}`).trim() : value;
    return JSON.parse(text, colour);
  };
  // A tooltip has no template for the members of a point's value, unlike a label.
  const withTooltip = (option) => {
    const tooltip = (option.baseOption ?? option).tooltip;
    const template = tooltip?.formatter;
    if (typeof template === 'string')
      tooltip.formatter = ({ value }) => template.replace(/\{@\[(\d+)\]\}/g, (_, place) => value[place]);
    return option;
  };
  const draw = () => {
    const options = coloured();
    for (const box of boxes) {
      window.echarts.getInstanceByDom(box)?.dispose();
      window.echarts.init(box, null, { renderer: 'canvas' }).setOption(withTooltip(options[box.id]));
    }
  };
  draw();
  dark.addEventListener('change', draw);
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) window.echarts.getInstanceByDom(target)?.resize();
  });
  for (const box of boxes) resized.observe(box);
})();
