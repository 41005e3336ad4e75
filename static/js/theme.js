/* Runs before the first paint: the URL's theme, else the one kept here, else what the server wrote. */
(() => {
  const known = ["dark", "light", "system"];
  const asked = new URLSearchParams(location.search).get("theme");
  let kept = null;
  try { kept = localStorage.getItem("holdfast-theme"); } catch { /* private mode: nothing is kept */ }
  const theme = [asked, kept].find((name) => known.includes(name));
  if (theme) document.documentElement.dataset.theme = theme;
  document.documentElement.dataset.scripted = "";
})();
