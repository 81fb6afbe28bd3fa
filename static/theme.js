// Runs before the first paint, so that a chosen theme never flashes. Without a choice the system's theme holds.
"use strict";
(() => {
  const root = document.documentElement;
  const KEY = "proofboard-theme";
  let chosen = null;
  try { chosen = localStorage.getItem(KEY); } catch { /* storage may be forbidden: then the choice lasts one page */ }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const announce = () => document.dispatchEvent(new Event("themechange"));
  system.addEventListener("change", announce);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
    button.hidden = false;
    name();
    document.addEventListener("themechange", name);
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem(KEY, root.dataset.theme); } catch { /* as above */ }
      announce();
    });
  });
})();
