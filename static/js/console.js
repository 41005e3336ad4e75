/* Holdfast console: the few behaviours that HTML and HTMX do not give. */
(() => {
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);

  // ── theme ──
  const setTheme = (name) => {
    root.dataset.theme = name;
    try { localStorage.setItem("holdfast-theme", name); } catch { /* private mode: nothing is kept */ }
    const here = new URL(location.href);
    if (here.searchParams.has("theme")) { here.searchParams.delete("theme"); history.replaceState(history.state, "", here); }
    document.dispatchEvent(new Event("holdfast:theme"));
  };

  document.addEventListener("click", (ev) => {
    const hit = (selector) => ev.target.closest(selector);
    if (hit("[data-theme-switch]")) { ev.preventDefault(); setTheme(root.dataset.theme === "light" ? "dark" : "light"); }
    if (hit("[data-close]")?.closest("dialog")) { ev.preventDefault(); hit("dialog").close(); }
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(ev.target)) menu.open = false;
  });
  document.addEventListener("keydown", (ev) => {
    if (ev.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // ── questions: HTMX puts a dialog into #ask, and the button that confirms waits for a reason ──
  const require = (field) => { document.getElementById(field.dataset.requires).disabled = field.value.trim().length < field.minLength; };
  document.addEventListener("input", (ev) => { if (ev.target.matches("[data-requires]")) require(ev.target); });
  document.querySelectorAll("[data-requires]").forEach(require);
  document.addEventListener("submit", (ev) => {
    const go = ev.target.querySelector("[data-requires]") && ev.submitter;
    if (go) { go.setAttribute("aria-busy", "true"); setTimeout(() => { go.disabled = true; }); }   // a second click asks nothing twice
  });
  document.addEventListener("htmx:afterSwap", (ev) => {
    const dialog = ev.target.id === "ask" && ev.target.querySelector("dialog");
    if (!dialog) return;
    dialog.querySelectorAll("[data-requires]").forEach(require);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
  });
  // what cannot be asked here (signed out, not allowed, gone) is told by a page of its own
  document.addEventListener("htmx:responseError", (ev) => { if (ev.detail.target?.id === "ask") location.href = ev.detail.pathInfo.requestPath; });
  document.addEventListener("htmx:beforeSwap", (ev) => {
    const { xhr, pathInfo } = ev.detail;
    if (xhr.responseURL && new URL(xhr.responseURL).pathname !== new URL(pathInfo.requestPath, location.href).pathname) { ev.detail.shouldSwap = false; location.reload(); }
  });

  // ── filters apply as they are chosen ──
  document.addEventListener("change", (ev) => { ev.target.closest("form[data-auto]")?.requestSubmit(); });

  // ── countdowns: whole seconds that are left ──
  setInterval(() => {
    if (root.classList.contains("paused")) return;
    for (const el of document.querySelectorAll("[data-countdown]")) {
      const left = Math.max(0, +el.dataset.countdown - 1);
      el.dataset.countdown = left;
      el.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    }
  }, 1000);

  // ── live: this file says when, HTMX fetches and swaps ──
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

  const show = () => {
    if (paused) return;
    const old = age(), stale = old !== null && old > STALE_S;
    root.classList.toggle("stale", stale || failures > 2);
    live.classList.toggle("is-warn", stale || failures > 0);
    live.querySelector("span").textContent = old === null ? "no figures yet" : `${stale ? "figures" : "updated"} ${words(old)} ${stale ? "old" : "ago"}`;
    find("#lost").hidden = failures < 3;
  };

  const refresh = () => {
    clearTimeout(timer);
    if (!paused && !document.hidden && !find("dialog[open]")) htmx.trigger("#refresh", "holdfast:refresh");
    schedule();
  };
  // ± 10 %, so that a hundred open consoles do not ask in the same instant; slower while nobody answers
  const schedule = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, EVERY_S * 1000 * Math.min(2 ** failures, 12) * (0.9 + Math.random() * 0.2));
  };

  const toggle = () => {
    paused = !paused;
    root.classList.toggle("paused", paused);
    live.setAttribute("aria-pressed", paused);
    live.querySelector("b").textContent = paused ? "Paused" : "Live";
    live.querySelector("span").textContent = `at ${new Date().toISOString().slice(11, 19)}`;
    live.setAttribute("aria-label", paused ? "Paused. Resume updates" : "Live. Pause updates");
    if (!paused) refresh();
  };

  document.addEventListener("click", (ev) => {
    if (ev.target.closest("[data-live]")) toggle();
    if (ev.target.closest("[data-retry]")) refresh();
  });
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
