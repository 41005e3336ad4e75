/* A distribution over time: a column for each step, a cell for each bucket, darker where more came. The axis is logarithmic.
   Spec: heat: { bounds: upper bounds in ms, z: a row for each bound with a count for each step, null where nothing came }. */
const Heat = (token) => {
  const written = (ms) => (ms >= 1000 ? `${+(ms / 1000).toPrecision(3)} s` : `${+ms.toPrecision(3)} ms`);

  // Rows above and below everything that came are left out.
  const used = ({ bounds, z }) => {
    const some = z.map((row) => row.some((n) => n));
    const first = some.indexOf(true), last = some.lastIndexOf(true);
    const edge = (i) => (i >= 0 ? bounds[i] : bounds[0] / (bounds.length > 1 ? bounds[1] / bounds[0] : 2));
    return { rows: z.slice(first, last + 1), edges: [edge(first - 1), ...bounds.slice(first, last + 1)] };
  };

  const trace = (spec, x) => {
    const { rows, edges } = used(spec.heat);
    return {
      type: "heatmap", x, y: edges, showscale: false, hoverongaps: false, xgap: 1,
      z: rows.map((row) => row.map((n) => (n ? Math.log1p(n) : null))), zmin: 0,
      customdata: rows.map((row, i) => row.map((n) => (n ? `${n.toLocaleString("en")} took ${written(edges[i])} to ${written(edges[i + 1])}` : ""))),
      hovertemplate: "%{customdata}<extra></extra>",
      colorscale: [[0, 0.06], [0.35, 0.22], [0.7, 0.6], [1, 1]].map(([at, alpha]) => [at, token("c-main", alpha)]),
    };
  };

  const axis = (spec) => {
    const { edges } = used(spec.heat);
    const [low, high] = [edges[0], edges.at(-1)];
    const all = [-2, -1, 0, 1, 2, 3, 4, 5].flatMap((k) => [1, 2, 5].map((m) => m * 10 ** k)).filter((v) => v >= low && v <= high);
    const ticks = all.length > 6 ? all.filter((v) => Math.log10(v) % 1 === 0) : all;
    return { type: "log", ticksuffix: "", tickvals: ticks, ticktext: ticks.map(written), range: [Math.log10(low), Math.log10(high)], rangemode: "normal" };
  };

  return { trace, axis };
};
