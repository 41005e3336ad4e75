/* Holdfast live: this file says when to refresh, HTMX fetches and swaps. */
(() => {
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);
  const EVERY_S = 5, STALE_S = 3 * EVERY_S;
  const live = find("[data-live]");
  if (!live || !find("#refresh")) return;
  let paused = false, etag = "", timer = 0, failures = 0, received = performance.now();
  live.hidden = false;

  const age = () => {
    const at = find("#refresh")?.dataset.age;
    return at ? +at + (performance.now() - received) / 1000 : null;
  };
  const words = (seconds) => (seconds < 120 ? `${Math.round(seconds)}s` : `${Math.floor(seconds / 60)}m`);

  // a range that has passed stays as it is
  const isFixed = () => "fixed" in find("#refresh").dataset;
  const clock = () => new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: root.dataset.zone || "UTC" }).format(new Date());

  const show = () => {
    live.disabled = isFixed();
    if (isFixed() !== root.classList.contains("fixed")) {
      root.classList.toggle("fixed", isFixed());
      live.querySelector("b").textContent = isFixed() ? "Fixed range" : "Live";
      live.setAttribute("aria-label", isFixed() ? "Fixed range. Nothing changes" : "Live. Pause updates");
    }
    if (isFixed()) { root.classList.remove("stale"); live.classList.remove("is-warn"); live.querySelector("span").textContent = ""; return; }
    if (paused) return;
    const old = age(), stale = old !== null && old > STALE_S;
    root.classList.toggle("stale", stale || failures > 2);
    live.classList.toggle("is-warn", stale || failures > 0);
    live.querySelector("span").textContent = old === null ? "no figures yet" : `${stale ? "figures" : "updated"} ${words(old)} ${stale ? "old" : "ago"}`;
    find("#lost").hidden = failures < 3;
  };

  const refresh = () => {
    clearTimeout(timer);
    if (!paused && !isFixed() && !document.hidden && !find("dialog[open]")) htmx.trigger("#refresh", "holdfast:refresh");
    schedule();
  };
  // ± 10 %, so that a hundred open consoles do not ask in the same instant; slower while nobody answers
  const schedule = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, EVERY_S * 1000 * Math.min(2 ** failures, 12) * (0.9 + Math.random() * 0.2));
  };

  const toggle = () => {
    if (isFixed()) return;
    paused = !paused;
    root.classList.toggle("paused", paused);
    live.setAttribute("aria-pressed", paused);
    live.querySelector("b").textContent = paused ? "Paused" : "Live";
    live.querySelector("span").textContent = `at ${clock()}`;
    live.setAttribute("aria-label", paused ? "Paused. Resume updates" : "Live. Pause updates");
    if (!paused) refresh();
  };

  document.addEventListener("click", (ev) => {
    if (ev.target.closest("[data-live]")) toggle();
    if (ev.target.closest("[data-retry]")) refresh();
  });
  document.addEventListener("holdfast:now", refresh);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

  // ── what HTMX brings ──
  const isLive = (ev) => ev.detail.pathInfo?.requestPath.startsWith(find("#refresh").dataset.url);
  document.addEventListener("htmx:beforeSwap", (ev) => {
    if (!isLive(ev)) return;
    const seen = ev.detail.xhr.getResponseHeader("ETag");
    // a link that is on its way brings newer fragments, and must find its own element still there
    if (!ev.detail.elt.isConnected || find(".htmx-request:not(#refresh)")) { ev.detail.shouldSwap = false; return; }
    ev.detail.shouldSwap &&= seen !== etag;
    etag = seen;
  });
  document.addEventListener("htmx:afterRequest", (ev) => {
    if (!isLive(ev)) return;
    failures = ev.detail.successful ? 0 : failures + 1;
    if (ev.detail.successful && "exact" in find("#refresh").dataset) received = performance.now();
    show();
    schedule();
  });

  // What did not change is not swapped, so that focus stays and a status is announced once.
  const bare = (node) => { const copy = node.cloneNode(true); copy.removeAttribute("hx-swap-oob"); return copy; };
  document.addEventListener("htmx:oobBeforeSwap", (ev) => {
    const fresh = ev.detail.fragment.firstElementChild;
    if (ev.detail.target.id === "refresh") received = performance.now();
    ev.detail.shouldSwap = !bare(ev.detail.target).isEqualNode(bare(fresh));
  });

  setInterval(show, 1000);
  show();
  schedule();
})();
