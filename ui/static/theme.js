// Light or dark: follows the system until the reader chooses. Loaded before the first paint.
"use strict";
(() => {
  const KEY = "stemqa.theme";
  const root = document.documentElement;
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  let chosen = null;
  try { chosen = localStorage.getItem(KEY); } catch { /* storage may be switched off */ }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  addEventListener("click", (event) => {
    if (!event.target.closest?.('[data-do="theme"]')) return;
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem(KEY, root.dataset.theme); } catch { /* as above */ }
  });
})();
