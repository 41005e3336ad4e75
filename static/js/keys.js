/* Holdfast keys: each presses what is on the page anyway, so that nothing can be done by keyboard only. `?` shows them.
   data-go="o" is where `g o` goes, data-key="[" what `[` presses. */
(() => {
  const find = (selector) => document.querySelector(selector);
  const press = (selector) => { const hit = find(selector); hit?.click(); return Boolean(hit); };
  // what has a key of its own in the row with the focus is pressed there
  const pressHere = (key) => { const hit = document.activeElement?.closest("[data-row]")?.querySelector(`[data-key="${key}"]`); hit?.click(); return Boolean(hit); };
  let going = 0;                                   // until when a letter after `g` is waited for

  // ── rows: j and k move the focus over what can be opened in lists and tables ──
  const ROWS = "main :is(tbody tr, .list > li, .log > li, .day > li, .cards > article, [data-row])";
  const move = (by) => {
    const rows = [...document.querySelectorAll(ROWS)].map((row) => row.querySelector("a[href], button:not(:disabled), summary")).filter((el) => el?.offsetParent);
    const here = rows.findIndex((el) => el.closest(ROWS)?.contains(document.activeElement));
    const next = rows[here < 0 ? (by > 0 ? 0 : rows.length - 1) : here + by];
    next?.focus({ focusVisible: true });
    next?.scrollIntoView({ block: "nearest" });
    return Boolean(next);
  };

  const KEYS = {
    "?": () => { const box = find("#keys"); box?.showModal(); return Boolean(box); },
    "/": () => press("[data-find]"),
    j: () => move(1),
    k: () => move(-1),
    r: () => document.dispatchEvent(new Event("holdfast:now")),
    " ": () => press("[data-live]:not([hidden], :disabled)"),
    g: () => { going = performance.now() + 1500; return true; },
  };
  const isTyping = (el) => el.isContentEditable || el.matches("input, select, textarea");
  const isPressed = (el) => el.matches("button, summary, a");

  document.addEventListener("keydown", (ev) => {
    if ((ev.ctrlKey || ev.metaKey) && !ev.altKey && ev.key.toLowerCase() === "k") {
      ev.preventDefault();
      press("[data-find]");
      return;
    }
    if (ev.ctrlKey || ev.metaKey || ev.altKey || ev.defaultPrevented || isTyping(ev.target) || find("dialog[open]")) return;
    if (ev.key === " " && isPressed(ev.target)) return;
    const goes = performance.now() < going && ev.key !== "g";
    if (goes) going = 0;
    const name = CSS.escape(ev.key);
    const did = goes ? press(`[data-go="${name}"]`) : KEYS[ev.key]?.() ?? (pressHere(name) || press(`[data-key="${name}"]:not([data-row] *)`));
    if (did) ev.preventDefault();
  });
})();
