// Makes a training run's report talk: the reader's language, plots that answer to the pointer (where uPlot came
// along), heat maps of the experts. Everything that it shows stands in the page without it, as pictures and tables.
(() => {
  "use strict";
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const draws = typeof uPlot === "function";
  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const isChinese = () => root.classList.contains("zh");
  const inWords = (en, zh) => (isChinese() ? zh : en);

  /** A number in few characters, the same on axes and in legends. */
  function brief(x) {
    if (x === null || x === undefined || !Number.isFinite(x)) return "–";
    const size = Math.abs(x);
    if (size !== 0 && (size < 1e-3 || size >= 1e15)) return x.toExponential(2);
    if (size >= 1e4) return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 }).format(x);
    return String(Number(x.toPrecision(4)));
  }

  // ---- Language: the address says it (#zh, #en), else the browser.

  function setLanguage(zh) {
    root.classList.toggle("zh", zh);
    root.lang = zh ? "zh" : "en";
    const button = document.getElementById("language");
    button.textContent = zh ? "English" : "中文";
    button.lang = zh ? "en" : "zh";
  }
  const chosen = location.hash.slice(1);
  setLanguage(chosen === "zh" || (chosen !== "en" && navigator.language.toLowerCase().startsWith("zh")));
  document.getElementById("language").hidden = false;
  document.getElementById("language").addEventListener("click", () => {
    setLanguage(!isChinese());
    history.replaceState(null, "", isChinese() ? "#zh" : "#en");
    drawAll();
  });

  // ---- Plots

  const charts = new Map();  // by the plot's name
  const logarithmic = new Set();
  const kColors = 8;

  function seriesOf(plot) {
    // A logarithm asks for numbers above 0.
    const drawn = (numbers) => (logarithmic.has(plot.id) ? numbers.map((x) => (x > 0 ? x : null)) : numbers);
    const series = [{ label: inWords("step", "步"), value: (_, x) => brief(x) }];
    const values = [plot.steps];
    const bands = [];
    const edges = [];
    plot.series.forEach((line, i) => {
      const stroke = color("--c" + (i % kColors));
      if (line.low) {  // the range of a point that stands for several steps
        for (const edge of [line.high, line.low]) {
          values.push(drawn(edge));
          series.push({ stroke: "transparent", width: 0, points: { show: false } });
          edges.push(series.length - 1);
        }
        bands.push({ series: [values.length - 2, values.length - 1], fill: stroke + "33" });
      }
      values.push(drawn(line.values));
      series.push({
        label: inWords(line.en, line.zh), stroke, width: line.thin ? 1 : 1.8, spanGaps: true,
        value: (_, x) => brief(x), points: { show: plot.steps.length < 40, size: 4 },
      });
    });
    return { series, values, bands, edges };
  }

  function drawPlot(holder) {
    const plot = data.plots.find((candidate) => candidate.id === holder.dataset.plot);
    if (!plot) return;
    charts.get(plot.id)?.destroy();
    holder.replaceChildren();
    const { series, values, bands, edges } = seriesOf(plot);
    const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line") } };
    const width = Math.max(holder.clientWidth, 200);
    const chart = new uPlot({
      width,
      height: width < 480 ? 190 : 240,
      series,
      bands,
      scales: { x: { time: false }, y: { distr: logarithmic.has(plot.id) ? 3 : 1 } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map(brief) },
        { ...axis, size: 58, values: (_, ticks) => ticks.map((x) => (x === null ? "" : brief(x))) },
      ],
      cursor: { sync: { key: "steps" }, drag: { x: true, y: false } },
      legend: { show: plot.series.length <= 20 },
    }, values, holder);
    // The edges of a range belong to its line: they are no entries of the legend.
    const rows = holder.querySelectorAll(".u-legend .u-series");
    edges.forEach((i) => rows[i]?.classList.add("edge"));
    charts.set(plot.id, chart);
  }

  each("button[data-log]", (button) => {
    button.hidden = !draws;
    button.addEventListener("click", () => {
      const id = button.dataset.log;
      const on = !logarithmic.has(id);
      if (on) logarithmic.add(id); else logarithmic.delete(id);
      button.setAttribute("aria-pressed", String(on));
      drawPlot(document.querySelector(`[data-plot="${id}"]`));
    });
  });

  // ---- Loads of experts: one digit of base 64 a cell, the logarithm of load / even load within 1/8 .. 8

  const kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const logOf = (digit) => (kDigits.indexOf(digit) / 63) * 6 - 3;

  /** From blue (idle) over the page's own colour (even) to red (crowded). */
  function heatColor(log2) {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const even = dark ? [38, 43, 52] : [240, 241, 243];
    const far = log2 < 0 ? (dark ? [80, 150, 255] : [20, 80, 190]) : (dark ? [255, 120, 90] : [190, 40, 20]);
    const share = Math.min(Math.abs(log2) / 3, 1) ** 0.7;
    return even.map((x, i) => Math.round(x + (far[i] - x) * share));
  }

  function paint(canvas, width, height, logAt) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let y = 0; y < height; ++y) {
      for (let x = 0; x < width; ++x) image.data.set([...heatColor(logAt(x, y)), 255], 4 * (y * width + x));
    }
    context.putImageData(image, 0, 0);
  }

  function drawHeat(holder) {
    const index = Number(holder.dataset.layer);
    const layer = data.loads.layers[index];
    const steps = data.loads.steps;
    const canvas = holder.querySelector("canvas");
    paint(canvas, steps.length, layer.n, (x, y) => logOf(layer.cells[x * layer.n + y]));
    canvas.style.height = Math.min(Math.max(8 * layer.n, 48), 192) + "px";
    const readout = holder.querySelector("output");
    canvas.onpointermove = (event) => {
      const box = canvas.getBoundingClientRect();
      const x = Math.min(Math.floor(((event.clientX - box.left) / box.width) * steps.length), steps.length - 1);
      const y = Math.min(Math.floor(((event.clientY - box.top) / box.height) * layer.n), layer.n - 1);
      if (x < 0 || y < 0) return;
      const times = brief(Number((2 ** logOf(layer.cells[x * layer.n + y])).toPrecision(2)));
      readout.textContent = inWords(`step ${steps[x]}, expert ${y}: about ${times} times an even load`,
        `第 ${steps[x]} 步，专家 ${y}：约为平均负载的 ${times} 倍`);
    };
  }

  function drawAll() {
    if (draws) each(".plot", drawPlot);
    each(".heat", drawHeat);
    each(".scale canvas", (canvas) => paint(canvas, 64, 1, (x) => (x / 63) * 6 - 3));
  }

  each("[data-needs-script]", (element) => { element.hidden = false; });
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let width = innerWidth;
  let waiting = 0;
  addEventListener("resize", () => {
    if (innerWidth === width) return;  // a phone's address bar comes and goes
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  });

  // ---- A run that goes on writes this page again. Nobody's reading is interrupted.

  if (data.running) {
    setInterval(() => {
      const isRead = document.hidden || document.querySelector("details[open], .plot:hover, .heat:hover, :focus-visible") ||
        !getSelection().isCollapsed;
      if (!isRead) location.reload();
    }, 30000);
  }
})();
