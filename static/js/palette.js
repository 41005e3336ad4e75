/* Holdfast palette: a dialog over the page that finds things. HTMX brings the list, this file moves in it.
   The focus stays in the field; what Enter opens is told by aria-activedescendant (the combobox pattern). */
(() => {
  const box = document.getElementById("palette");
  if (!box) return;
  const field = box.querySelector("[role=combobox]");
  const options = () => [...box.querySelectorAll("[role=option]")];
  const chosen = () => box.querySelector("[role=option][aria-selected=true]");

  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", option?.id ?? "");
    field.setAttribute("aria-expanded", String(options().length > 0));
  };

  document.addEventListener("click", (ev) => {
    if (!ev.target.closest("[data-find]")) return;
    ev.preventDefault();
    if (!box.open) box.showModal();
    field.select();
    htmx.trigger(field, "holdfast:find");
  });
  box.addEventListener("htmx:afterSwap", () => choose(options()[0]));
  box.addEventListener("click", (ev) => { if (ev.target === box) box.close(); });

  field.addEventListener("keydown", (ev) => {
    const all = options(), here = all.indexOf(chosen());
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[ev.key];
    if (to !== undefined && all.length && !(ev.key === "Home" || ev.key === "End" ? ev.shiftKey : false)) {
      ev.preventDefault();
      choose(all[(to + all.length) % all.length]);
    }
    if (ev.key === "Enter") { ev.preventDefault(); chosen()?.click(); }
  });
})();
