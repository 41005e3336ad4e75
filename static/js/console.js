/* Holdfast console: the few behaviours that HTML and HTMX do not give. */
(() => {
  const root = document.documentElement;

  // ── theme ──
  const setTheme = (name) => {
    root.dataset.theme = name;
    try { localStorage.setItem("holdfast-theme", name); } catch { /* private mode: nothing is kept */ }
    const here = new URL(location.href);
    if (here.searchParams.has("theme")) { here.searchParams.delete("theme"); history.replaceState(history.state, "", here); }
    document.dispatchEvent(new Event("holdfast:theme"));
  };

  // ── what is to be run elsewhere is copied; without the right to, it is selected ──
  const copy = async (button) => {
    const text = document.getElementById(button.dataset.copy);
    getSelection().selectAllChildren(text);
    try { await navigator.clipboard.writeText(text.textContent); button.querySelector("span").textContent = "Copied"; } catch { /* selected it is */ }
  };

  document.addEventListener("click", (ev) => {
    const hit = (selector) => ev.target.closest(selector);
    if (hit("[data-theme-switch]")) { ev.preventDefault(); setTheme(root.dataset.theme === "light" ? "dark" : "light"); }
    if (hit("[data-zone-here]")) hit("[data-zone-here]").value = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (hit("[data-open]")) document.getElementById(hit("[data-open]").dataset.open).showModal();
    if (hit("[data-close]")?.closest("dialog")) { ev.preventDefault(); hit("dialog").close(); }
    if (hit("[data-copy]")) copy(hit("[data-copy]"));
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
})();
