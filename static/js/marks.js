/* What is drawn beside the series of a chart: changes, limits, times in a bad state. Each gives Plotly's shapes and annotations.
   `token` reads a colour of the theme, `local` writes a UTC time in the zone that the page tells times in. */
const Marks = (token, local) => {
  // Plotly reads a little HTML in its texts, and an event's text may name anything.
  const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const place = (spec, { room, seconds }) => (t) => ((Date.parse(t) - Date.parse(spec.t0)) / 1000 / seconds) * room;

  // A change is a dotted line with its name above the plot; where the names do not fit, a letter, and the names below it.
  const changes = (spec, at, height) => {
    const events = spec.events || [];
    const named = events.filter((e) => e.text);
    const px = place(spec, at);
    const wide = named.every((e, i) => px(e.t) + e.text.length * 5.9 + 6 < (named[i + 1] ? px(named[i + 1].t) : at.room));
    const lane = named.length ? 18 : 0;
    const rise = wide ? lane / (height - 32 - lane) : 0;
    const ink = (e) => token(e.tone === "line-3" ? "t2" : e.tone);
    return {
      lane, keyed: named.length > 0 && !wide,
      shapes: events.map((e) => ({
        type: "line", layer: "below", xref: "x", yref: "paper", x0: local(spec, e.t), x1: local(spec, e.t), y0: 0, y1: 1 + (e.text ? rise : 0),
        line: { color: token(e.tone), width: 1, dash: "2px,3px" },
      })),
      annotations: named.map((e) => ({
        xref: "x", yref: "paper", x: local(spec, e.t), y: 1, yanchor: "bottom", xanchor: wide ? "left" : "center",
        xshift: wide ? 3 : 0, yshift: 2, showarrow: false, text: wide ? escape(e.text) : e.key, href: e.href, captureevents: Boolean(e.href), font: { size: 11, color: ink(e) },
      })),
    };
  };

  // A limit is a dashed line with its words on it.
  const limits = (spec) => ({
    shapes: (spec.limits || []).map((l) => (
      { type: "line", layer: "above", xref: "paper", yref: "y", x0: 0, x1: 1, y0: l.y, y1: l.y, line: { color: token(l.tone || "crit"), width: 1.25, dash: "6px,4px" } }
    )),
    // each second one at the right: where a rule fires and where it clears may be close
    annotations: (spec.limits || []).filter((l) => l.text).map((l, i) => (
      { xref: "paper", yref: "y", x: i % 2, y: l.y, xanchor: i % 2 ? "right" : "left", yanchor: "bottom", showarrow: false, text: escape(l.text), font: { size: 11, color: token(l.tone || "crit") } }
    )),
  });

  // Time spent in a bad state is tinted, and named where the name fits.
  const spans = (spec, at) => {
    const px = place(spec, at);
    const named = (spec.spans || []).filter((s) => s.text && px(s.to) - px(s.from) > s.text.length * 6.2 + 8);
    return {
      shapes: (spec.spans || []).map((s) => (
        { type: "rect", layer: "below", xref: "x", yref: "paper", x0: local(spec, s.from), x1: local(spec, s.to), y0: 0, y1: 1, line: { width: 0 }, fillcolor: token(s.tone, 0.12) }
      )),
      annotations: named.map((s) => (
        { xref: "x", yref: "paper", x: local(spec, s.from), y: 1, xanchor: "left", yanchor: "top", xshift: 4, yshift: -1, showarrow: false, text: escape(s.text), font: { size: 11, color: token(s.tone) } }
      )),
    };
  };

  return { changes, limits, spans };
};
