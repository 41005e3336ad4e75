/* Holdfast charts: one Plotly template, one helper.
   Markup:  <div class="chart" data-chart="latency" data-sync="overview"></div>
            <script type="application/json" id="chart-latency">{ spec }</script>
   The chart's node is never swapped: HTMX swaps the script, and the helper draws the same node again.
   The server sends token names ("c-main", "crit"), never colours, so a theme change needs no new data. Spec:
   { t0, step, unit, label, range?, least?, y2?: { unit, ticks, tone }, stack?,
     series: [{ name, y, unit, tone, width?, dash?, fill?, alpha?, axis? }],
     events?: [{ t, key?, text?, tone }], limits?: [{ y, text?, tone }],
     spans?: [{ from, to, tone, text? }], log?: { ticks, words } }; times are ISO 8601, UTC. */
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

  const template = () => {
    const axis = {
      gridcolor: token("grid"), gridwidth: 1, zeroline: false, showline: false, ticks: "", automargin: false,
      tickfont: { size: 11, color: token("t3") }, fixedrange: true,
    };
    return {
      layout: {
        font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: token("t2") },
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: "x unified", dragmode: false,
        hoverlabel: { bgcolor: token("float"), bordercolor: token("line-2"), font: { size: 12, color: token("t1") }, align: "left" },
        xaxis: {
          ...axis, type: "date", showgrid: false, nticks: 6, ticklabelstandoff: 3,
          showspikes: true, spikemode: "across", spikesnap: "hovered data", spikethickness: 1, spikedash: "solid", spikecolor: token("line-3"),
        },
        yaxis: { ...axis, rangemode: "tozero", nticks: 5 },
        yaxis2: { ...axis, rangemode: "tozero", overlaying: "y", side: "right", showgrid: false, nticks: 4 },
      },
    };
  };

  const stamp = (t0, seconds) => new Date(Date.parse(t0) + seconds * 1000).toISOString().slice(0, 19);

  const lines = (spec, x) => spec.series.map((s) => ({
    type: "scatter", mode: "lines", name: s.name, x, y: s.y, yaxis: s.axis || "y",
    hovertemplate: `%{y:,.1~f}${s.unit ?? ""}`,
    stackgroup: spec.stack ? "one" : undefined,
    line: { color: token(s.tone), width: s.width ?? 1.75, dash: s.dash || "solid" },
    fill: s.fill || (spec.stack ? "tonexty" : "none"),
    fillcolor: token(s.tone, s.alpha ?? 0.13),
  }));

  // A change is a dotted line with its name above the plot; where the names do not fit, a letter, and the names below it.
  const changes = (spec, { room, height, seconds }) => {
    const events = spec.events || [];
    const named = events.filter((e) => e.text);
    const px = (e) => ((Date.parse(e.t) - Date.parse(spec.t0)) / 1000 / seconds) * room;
    const wide = named.every((e, i) => px(e) + e.text.length * 5.9 + 6 < (named[i + 1] ? px(named[i + 1]) : room));
    const lane = named.length ? 18 : 0;
    const rise = wide ? lane / (height - 32 - lane) : 0;
    const ink = (e) => token(e.tone === "line-3" ? "t2" : e.tone);
    return {
      lane, keyed: named.length > 0 && !wide,
      shapes: events.map((e) => ({
        type: "line", layer: "below", xref: "x", yref: "paper", x0: e.t.slice(0, 19), x1: e.t.slice(0, 19), y0: 0, y1: 1 + (e.text ? rise : 0),
        line: { color: token(e.tone), width: 1, dash: "2px,3px" },
      })),
      annotations: named.map((e) => ({
        xref: "x", yref: "paper", x: e.t.slice(0, 19), y: 1, yanchor: "bottom", xanchor: wide ? "left" : "center",
        xshift: wide ? 3 : 0, yshift: 2, showarrow: false, text: wide ? escape(e.text) : e.key, font: { size: 11, color: ink(e) },
      })),
    };
  };

  // Plotly reads a little HTML in its texts, and an event's text may name anything.
  const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  // A limit is a dashed line with its words on it.
  const limits = (spec) => ({
    shapes: (spec.limits || []).map((l) => (
      { type: "line", layer: "above", xref: "paper", yref: "y", x0: 0, x1: 1, y0: l.y, y1: l.y, line: { color: token(l.tone || "crit"), width: 1.25, dash: "6px,4px" } }
    )),
    annotations: (spec.limits || []).filter((l) => l.text).map((l) => (
      { xref: "paper", yref: "y", x: 0, y: l.y, xanchor: "left", yanchor: "bottom", showarrow: false, text: escape(l.text), font: { size: 11, color: token(l.tone || "crit") } }
    )),
  });

  // Time spent in a bad state is tinted, and named where the name fits.
  const spans = (spec, { room, seconds }) => {
    const px = (t) => ((Date.parse(t) - Date.parse(spec.t0)) / 1000 / seconds) * room;
    const named = (spec.spans || []).filter((s) => s.text && px(s.to) - px(s.from) > s.text.length * 6.2 + 8);
    return {
      shapes: (spec.spans || []).map((s) => (
        { type: "rect", layer: "below", xref: "x", yref: "paper", x0: s.from.slice(0, 19), x1: s.to.slice(0, 19), y0: 0, y1: 1, line: { width: 0 }, fillcolor: token(s.tone, 0.12) }
      )),
      annotations: named.map((s) => (
        { xref: "x", yref: "paper", x: s.from.slice(0, 19), y: 1, xanchor: "left", yanchor: "top", xshift: 4, yshift: -1, showarrow: false, text: escape(s.text), font: { size: 11, color: token(s.tone) } }
      )),
    };
  };

  const build = (spec, width, height) => {
    const right = spec.y2 ? 40 : 14;
    const n = spec.series[0].y.length;
    const seconds = (n - 1) * spec.step;
    const x = Array.from({ length: n }, (_, i) => stamp(spec.t0, i * spec.step));
    const room = width - 44 - right;
    const { lane, keyed, ...marked } = changes(spec, { room, height, seconds });
    const marks = [spans(spec, { room, seconds }), marked, limits(spec)];
    const long = seconds > 90000;
    const layout = {
      template: template(), uirevision: "holdfast", hoversubplots: "axis", 
      shapes: marks.flatMap((d) => d.shapes), annotations: marks.flatMap((d) => d.annotations),
      margin: { l: 44, r: right, t: 8 + lane, b: 26 },
      xaxis: { range: [x[0], x[n - 1]], tickformat: long ? "%d %b" : "%H:%M", hoverformat: long ? "%d %b %H:%M UTC" : "%H:%M:%S UTC" },
      yaxis: { ticksuffix: spec.unit || "", range: spec.range, autorangeoptions: { include: spec.least } },
    };
    if (spec.log) {
      const { ticks, words } = spec.log;
      Object.assign(layout.yaxis, { type: "log", ticksuffix: "", tickvals: ticks, ticktext: words, range: [ticks[0], ticks.at(-1)].map(Math.log10) });
    }
    if (spec.y2) layout.yaxis2 = { range: [0, spec.y2.ticks.at(-1)], tickvals: spec.y2.ticks, ticktext: spec.y2.ticks.map((v) => v + spec.y2.unit), tickfont: { color: token(spec.y2.tone || "t3") } };
    return { data: lines(spec, x), layout, keyed };
  };

  const config = { displayModeBar: false, responsive: true, scrollZoom: false, showSendToCloud: false, plotlyServerURL: "" };

  // The crosshair of one chart moves those of its peers.
  const link = (el) => {
    if (el.dataset.wired || !el.dataset.sync) return;
    el.dataset.wired = "1";
    const peers = () => [...document.querySelectorAll(`.chart[data-sync="${el.dataset.sync}"]`)].filter((p) => p !== el && p._fullLayout);
    el.on("plotly_hover", (ev) => {
      if (!ev.event) return;                    // moved by a peer, not by the pointer
      el.classList.remove("following");
      const [at] = ev.xvals;                    // Plotly reports a date as text, and takes it as milliseconds
      const xval = typeof at === "number" ? at : Date.parse(`${at.replace(" ", "T")}Z`);
      for (const p of peers()) { p.classList.add("following"); Plotly.Fx.hover(p, { xval }, ["xy"]); }
    });
    el.on("plotly_unhover", () => peers().forEach((p) => Plotly.Fx.unhover(p)));
  };

  const drawn = new WeakMap();

  const draw = (el) => {
    const text = document.getElementById(`chart-${el.dataset.chart}`)?.textContent;
    const state = `${document.documentElement.dataset.theme} ${el.clientWidth} ${text}`;
    if (!text || !el.offsetParent || drawn.get(el) === state) return null;
    const spec = JSON.parse(text);
    const { data, layout, keyed } = build(spec, el.clientWidth, el.clientHeight);
    if (!drawn.has(el)) el.replaceChildren();
    drawn.set(el, state);
    el.setAttribute("aria-label", spec.label);
    el.closest(".panel")?.classList.toggle("keyed", keyed);
    return Plotly.react(el, data, layout, config).then(() => link(el));
  };

  const all = () => window.Plotly && Promise.all([...document.querySelectorAll(".chart[data-chart]")].map(draw))
    .then(() => { document.documentElement.dataset.charts = "ready"; });

  // 4.8 MB of library: after the first paint, and only where there is something to draw
  const load = () => {
    if (!source || !document.querySelector(".chart[data-chart]")) return;
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
  const soon = () => { cancelAnimationFrame(pending); pending = requestAnimationFrame(all); };
  window.addEventListener("load", () => (window.requestIdleCallback || setTimeout)(load));
  document.addEventListener("holdfast:theme", soon);
  document.addEventListener("htmx:oobAfterSwap", soon);
  return { draw, all, token };
})();
