// The only file that knows ECharts: the subset we draw with, and one function the pages call.
// The server builds the option; a colour in it is a token ("--chart-1", or "--chart-1/35" for 35 %), so that one option
// serves both themes. Loaded when the first chart scrolls into view, never before.
import * as echarts from "echarts/core";
import { LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

// Only what some page draws: each kind of chart is weighed with the bytes it adds (`cargo xtask size`).
echarts.use([LineChart, GridComponent, TooltipComponent, SVGRenderer]);

const TOKEN = /^(--[a-z][a-z0-9-]*)(?:\/(\d{1,3}))?$/;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");
const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });

/** Any CSS colour as rgba(): ECharts does arithmetic on colours and does not know oklch. */
function rgba(css, percent) {
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = "#808080"; // what stays when the browser does not understand the value
  pixel.fillStyle = css;
  pixel.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
  return `rgba(${r},${g},${b},${((a / 255) * percent) / 100})`;
}

/** Reads tokens as they are now, each once. */
function palette(el) {
  const styles = getComputedStyle(el);
  const known = new Map();
  const colour = (name, percent = 100) => {
    const key = `${name}/${percent}`;
    if (!known.has(key)) known.set(key, rgba(styles.getPropertyValue(name).trim(), percent));
    return known.get(key);
  };
  return { colour, font: styles.fontFamily };
}

/** A copy of the option with every token replaced by its colour. */
function coloured(value, colour) {
  if (typeof value === "string") {
    const token = TOKEN.exec(value);
    return token ? colour(token[1], Number(token[2] ?? 100)) : value;
  }
  if (Array.isArray(value)) return value.map((item) => coloured(item, colour));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, colour)]));
  }
  return value;
}

/** What an option need not say: our type, quiet lines, the five chart colours. */
function theme({ colour, font }) {
  const text = { color: colour("--muted-foreground"), fontFamily: font, fontSize: 12 };
  const axis = {
    axisLine: { lineStyle: { color: colour("--border") } },
    axisTick: { show: false },
    axisLabel: text,
    splitLine: { lineStyle: { color: colour("--border", 60) } },
  };
  return {
    backgroundColor: "transparent",
    color: [1, 2, 3, 4, 5].map((n) => colour(`--chart-${n}`)),
    textStyle: text,
    legend: { textStyle: text, icon: "roundRect", itemWidth: 10, itemHeight: 10 },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: axis,
    timeAxis: axis,
    visualMap: { textStyle: text },
    line: { symbol: "circle", symbolSize: 6, showSymbol: false, lineStyle: { width: 2 } },
    bar: { itemStyle: { borderRadius: [3, 3, 0, 0] } },
    tooltip: {
      backgroundColor: colour("--popover"),
      borderColor: colour("--border"),
      borderWidth: 1,
      textStyle: { ...text, color: colour("--popover-foreground") },
      axisPointer: { lineStyle: { color: colour("--border") }, crossStyle: { color: colour("--border") } },
    },
  };
}

/**
 * Draws `optionJson` into `el` and keeps it right: on resize, on a change of theme, with reduced motion.
 * `set` replaces the data; `dispose` must be called before `el` goes away.
 */
export function mount(el, optionJson) {
  let option = JSON.parse(optionJson);
  const chart = echarts.init(el, theme(palette(el)), { renderer: "svg" });
  const draw = () => {
    const { colour } = palette(el);
    chart.setOption({ aria: { enabled: true }, ...coloured(option, colour), animation: !still.matches }, { notMerge: true });
  };
  const retheme = () => {
    chart.setTheme(theme(palette(el)));
    draw();
  };
  const size = new ResizeObserver(() => chart.resize());
  size.observe(el);
  const themed = new MutationObserver(retheme);
  themed.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "data-theme"] });
  dark.addEventListener("change", retheme);
  still.addEventListener("change", draw);
  draw();
  return {
    set(next) {
      option = JSON.parse(next);
      draw();
    },
    dispose() {
      size.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", retheme);
      still.removeEventListener("change", draw);
      chart.dispose();
    },
  };
}
