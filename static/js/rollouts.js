/* Holdfast rollouts: the slider of a share asks, and never changes anything by itself. */
(() => {
  const find = (selector) => document.querySelector(selector);
  const place = (input) => { input.closest(".stages").style.setProperty("--at", input.value); };
  const back = (input) => { input.value = input.defaultValue; place(input); };
  const sliders = () => document.querySelectorAll(".stages input");

  document.addEventListener("input", (ev) => { if (ev.target.matches(".stages input")) place(ev.target); });
  document.addEventListener("change", (ev) => {
    if (!ev.target.matches(".stages input")) return;
    const asks = ev.target.closest(".stages").querySelectorAll("li")[ev.target.value]?.querySelector("a, button");
    if (asks?.dataset.ask) htmx.ajax("GET", asks.dataset.ask, "#ask"); else if (asks) asks.click(); else back(ev.target);
  });
  // whatever was answered, the thumb is where the flag stands
  document.addEventListener("close", () => sliders().forEach(back), true);

  // what somebody is typing in, moving or choosing from is left alone until they are done
  document.addEventListener("htmx:oobBeforeSwap", (ev) => {
    const { target } = ev.detail;
    const isBusy = [...target.querySelectorAll(".stages input")].some((input) => input.value !== input.defaultValue);
    const isTyping = document.activeElement?.matches("input:not([type=range]), select, textarea") && target.contains(document.activeElement);
    if (isBusy || isTyping || target.querySelector("details[open]")) ev.detail.shouldSwap = false;
  });

  // an opened flag is brought into view on a phone, where it lies below the fold
  document.addEventListener("htmx:afterSwap", (ev) => {
    if (ev.target.id?.startsWith("open-") && find(`#${CSS.escape(ev.target.id)}.flag-open`)) find(`#${CSS.escape(ev.target.id)}`).scrollIntoView({ block: "nearest" });
  });
})();
