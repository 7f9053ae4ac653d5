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
  const draw = () => {
    const options = coloured();
    for (const box of boxes) {
      window.echarts.getInstanceByDom(box)?.dispose();
      window.echarts.init(box, null, { renderer: 'canvas' }).setOption(options[box.id]);
    }
  };
  draw();
  dark.addEventListener('change', draw);
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) window.echarts.getInstanceByDom(target)?.resize();
  });
  for (const box of boxes) resized.observe(box);
})();
