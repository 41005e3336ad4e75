/* Holdfast zoom: what was dragged over a chart becomes the page's range, as a link would make it. */
(() => {
  const MINUTE = 60000;
  const written = (ms) => new Date(ms).toISOString().replace(/:\d\d\.\d+Z$/, "Z");

  document.addEventListener("holdfast:zoom", ({ detail: [from, until] }) => {
    const nav = document.getElementById("range");
    if (!nav) return;
    const end = Math.min(until, Date.now()), start = Math.min(from, end - MINUTE);
    const to = new URL(location.href);
    for (const name of ["range", "last", "csv"]) to.searchParams.delete(name);
    to.searchParams.set("from", written(start));
    to.searchParams.set("to", written(end));
    const link = document.createElement("a");
    link.href = `${to.pathname}${to.search}`;
    link.hidden = true;
    nav.append(link);
    htmx.process(link);
    link.click();
  });
})();
