/* Holdfast charts: one Plotly template, one helper.
   Markup:  <div class="chart" data-chart="latency" data-sync="overview"></div>
            <script type="application/json" id="chart-latency">{ spec }</script>
   The chart's node is never swapped: HTMX swaps the script, and the helper draws the same node again.
   The server sends token names ("c-main", "crit"), never colours, so a theme change needs no new data. Spec:
   { t0, step, unit, label, range?, least?, y2?: { unit, ticks, tone }, stack?,
     series: [{ name, y, unit, tone, width?, dash?, fill?, alpha?, axis?, hide? }] or heat: { bounds, z } (see heat.js),
     events?: [{ t, kind, key?, text?, tone }], limits?: [{ y, text?, tone }], spans?: [{ from, to, tone, text? }],
     log?: { ticks, words }, zone?: { name, shifts: [[from, seconds]] } }; times are ISO 8601, UTC. */
const Holdfast = (() => {
  const source = document.currentScript.dataset.plotly;
  const probe = document.createElement("i");
  probe.hidden = true;
  document.documentElement.append(probe);

  const token = (name, alpha = 1) => {
    probe.style.color = `var(--${name})`;
    const rgb = getComputedStyle(probe).color;
    return alpha === 1 ? rgb : rgb.replace("rgb(", "rgba(").replace(")", `, ${alpha})`);
  };

  // dragging over a chart chooses a range, where the page has one; a finger scrolls
  const canBrush = () => Boolean(document.getElementById("range")) && !matchMedia("(pointer: coarse)").matches;

  const template = () => {
    const axis = {
      gridcolor: token("grid"), gridwidth: 1, zeroline: false, showline: false, ticks: "", automargin: false,
      tickfont: { size: 11, color: token("t3") }, fixedrange: true,
    };
    const brush = canBrush();
    return {
      layout: {
        font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: token("t2") },
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "x unified", dragmode: brush && "zoom",
        hoverlabel: { bgcolor: token("float"), bordercolor: token("line-2"), font: { size: 12, color: token("t1") }, align: "left" },
        xaxis: {
          ...axis, type: "date", showgrid: false, fixedrange: !brush, nticks: 6, ticklabelstandoff: 3,
          showspikes: true, spikemode: "across", spikesnap: "hovered data", spikethickness: 1, spikedash: "solid", spikecolor: token("line-3"),
        },
        yaxis: { ...axis, rangemode: "tozero", nticks: 5 },
        yaxis2: { ...axis, rangemode: "tozero", overlaying: "y", side: "right", showgrid: false, nticks: 4 },
      },
    };
  };

  const stamp = (spec, seconds) => local(spec, new Date(Date.parse(spec.t0) + seconds * 1000).toISOString());

  const lines = (spec, x) => spec.series.map((s) => ({
    type: "scatter", mode: "lines", name: s.name, x, y: s.y, yaxis: s.axis || "y",
    hovertemplate: s.hide ? undefined : `%{y:,.1~f}${s.unit ?? ""}`, hoverinfo: s.hide ? "skip" : undefined,
    stackgroup: spec.stack ? "one" : undefined,
    line: { color: token(s.tone), width: s.width ?? 1.75, dash: s.dash || "solid" },
    fill: s.fill || (spec.stack ? "tonexty" : "none"),
    fillcolor: token(s.tone, s.alpha ?? 0.13),
  }));

  // Plotly knows no zones: times are shifted by what the zone has at that moment.
  const local = (spec, t) => {
    const shift = spec.zone?.shifts.findLast(([from]) => Date.parse(from) <= Date.parse(t)) ?? spec.zone?.shifts[0];
    return new Date(Date.parse(t) + (shift ? shift[1] : 0) * 1000).toISOString().slice(0, 19);
  };
  // and back: milliseconds of a time that a chart tells
  const utc = (spec, t) => {
    const at = Date.parse(`${t.replace(" ", "T")}Z`);
    const shift = spec.zone?.shifts.findLast(([from, s]) => Date.parse(from) + s * 1000 <= at) ?? spec.zone?.shifts[0];
    return at - (shift ? shift[1] : 0) * 1000;
  };
  const marks = Marks(token, local), heat = Heat(token);

  const build = (spec, width, height) => {
    const right = spec.y2 ? 40 : 14;
    const n = spec.heat ? spec.heat.z[0].length + 1 : spec.series[0].y.length;   // a heatmap's columns have edges
    const seconds = (n - 1) * spec.step;
    const x = Array.from({ length: n }, (_, i) => stamp(spec, i * spec.step));
    const at = { room: width - 44 - right, seconds };
    const { lane, keyed, ...changes } = marks.changes(spec, at, height);
    const beside = [marks.spans(spec, at), changes, marks.limits(spec)];
    const long = seconds > 90000, zone = spec.zone?.name;
    const layout = {
      template: template(), uirevision: "holdfast", hoversubplots: "axis", hovermode: spec.heat ? "closest" : "x unified",
      shapes: beside.flatMap((d) => d.shapes), annotations: beside.flatMap((d) => d.annotations),
      margin: { l: 44, r: right, t: 8 + lane, b: zone ? 40 : 26 },
      xaxis: {
        range: [x[0], x[n - 1]], uirevision: spec.t0, tickformat: long ? "%d %b" : "%H:%M", hoverformat: `${long ? "%d %b %H:%M" : "%H:%M:%S"} ${zone || "UTC"}`,
        title: zone && { text: zone, standoff: 2, font: { size: 11, color: token("t3") } },
      },
      yaxis: spec.heat ? heat.axis(spec) : { ticksuffix: spec.unit || "", range: spec.range, autorangeoptions: { include: spec.least } },
    };
    if (spec.log) {
      const { ticks, words } = spec.log;
      Object.assign(layout.yaxis, { type: "log", ticksuffix: "", tickvals: ticks, ticktext: words, range: [ticks[0], ticks.at(-1)].map(Math.log10) });
    }
    if (spec.y2) layout.yaxis2 = { range: [0, spec.y2.ticks.at(-1)], tickvals: spec.y2.ticks, ticktext: spec.y2.ticks.map((v) => v + spec.y2.unit), tickfont: { color: token(spec.y2.tone || "t3") } };
    return { data: spec.heat ? [heat.trace(spec, x)] : lines(spec, x), layout, keyed };
  };

  const config = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false, showSendToCloud: false, plotlyServerURL: "" };

  // The crosshair of one chart moves those of its peers: all charts of the page that show this moment.
  const link = (el) => {
    if (el.dataset.wired) return;
    el.dataset.wired = "1";
    const covers = (p, at) => { const [from, to] = p._fullLayout.xaxis.range.map((t) => Date.parse(`${t.replace(" ", "T")}Z`)); return from <= at && at <= to; };
    const peers = () => [...document.querySelectorAll(".chart[data-chart]")].filter((p) => p !== el && p._fullLayout && p.dataset.sync === el.dataset.sync);
    el.on("plotly_hover", (ev) => {
      if (!ev.event) return;                    // moved by a peer, not by the pointer
      el.classList.remove("following");
      const at = typeof ev.xvals?.[0] === "number" ? ev.xvals[0] : Date.parse(`${(ev.xvals?.[0] ?? ev.points[0].x).replace(" ", "T")}Z`);
      for (const p of peers().filter((p) => covers(p, at))) { p.classList.add("following"); Plotly.Fx.hover(p, { xval: at }, ["xy"]); }
    });
    el.on("plotly_unhover", () => peers().forEach((p) => Plotly.Fx.unhover(p)));
    el.on("plotly_relayout", (to) => {
      const [from, until] = [to["xaxis.range[0]"], to["xaxis.range[1]"]];
      if (from && until) document.dispatchEvent(new CustomEvent("holdfast:zoom", { detail: [from, until].map((t) => utc(specs.get(el), t)) }));
    });
    el.on("plotly_clickannotation", ({ annotation }) => { if (annotation.href) location.href = annotation.href; });
  };

  const drawn = new WeakMap(), specs = new WeakMap();
  let arrived;
  const ready = new Promise((resolve) => { arrived = resolve; });

  const draw = (el) => {
    const text = document.getElementById(`chart-${el.dataset.chart}`)?.textContent;
    const state = `${document.documentElement.dataset.theme} ${el.clientWidth} ${text}`;
    if (!text || !el.offsetParent || drawn.get(el) === state) return null;
    const spec = JSON.parse(text);
    const { data, layout, keyed } = build(spec, el.clientWidth, el.clientHeight);
    if (!drawn.has(el)) el.replaceChildren();
    drawn.set(el, state);
    specs.set(el, spec);
    el.setAttribute("aria-label", spec.label);
    el.closest(".panel")?.classList.toggle("keyed", keyed);
    return Plotly.react(el, data, layout, config).then(() => link(el));
  };

  // A picture of a chart as it is drawn now, made here and sent nowhere.
  const png = async (key) => {
    await ready;                                 // who is faster than the library gets the picture as well
    const el = document.querySelector(`.chart[data-chart="${key}"]`);
    if (!el?._fullLayout) return;
    const layout = { ...el.layout, paper_bgcolor: token("s1"), title: { text: el.closest(".panel")?.querySelector("h2, h3")?.textContent ?? "", font: { size: 14, color: token("t1") }, x: 0.02 }, margin: { ...el.layout.margin, t: 48 } };
    const link = document.createElement("a");
    link.href = await Plotly.toImage({ data: el.data, layout, config }, { format: "png", width: el.clientWidth, height: el.clientHeight + 40, scale: 2 });
    link.download = `holdfast-${key}.png`;
    link.click();
  };
  document.addEventListener("click", (ev) => { const button = ev.target.closest("[data-png]"); if (button) png(button.dataset.png); });

  const all = () => window.Plotly && Promise.all([...document.querySelectorAll(".chart[data-chart]")].map(draw))
    .then(() => { document.documentElement.dataset.charts = "ready"; arrived(); });

  // 4.8 MB of library: after the first paint, and only where there is something to draw
  let asked = false;
  const load = () => {
    if (asked || !source || !document.querySelector(".chart[data-chart]")) return;
    asked = true;
    // Plotly's maps insert a style sheet, which the policy refuses, unless an element with its id is there. We draw no maps.
    const mapStyle = document.createElement("meta");
    mapStyle.id = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
    document.head.append(mapStyle);
    const script = document.createElement("script");
    script.src = source;
    script.addEventListener("load", () => document.fonts.ready.then(all));
    document.head.append(script);
  };

  let pending = 0;
  // a page that had no chart may be brought one
  const soon = () => { cancelAnimationFrame(pending); pending = requestAnimationFrame(() => all() ?? load()); };
  window.addEventListener("load", () => (window.requestIdleCallback || setTimeout)(load, { timeout: 1000 }));
  document.addEventListener("holdfast:theme", soon);
  document.addEventListener("htmx:oobAfterSwap", soon);
  return { draw, all, token, png };
})();
