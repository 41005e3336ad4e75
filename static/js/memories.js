/* Holdfast memories: the row of the memory that is shown is the current one, also before the list is refreshed. */
(() => {
  document.addEventListener("htmx:afterSettle", () => {
    const shown = document.getElementById("memory")?.dataset.shown;
    for (const row of document.querySelectorAll("#memory-list .mem")) {
      if (row.id === `row-${shown}`) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
    }
  });
})();
