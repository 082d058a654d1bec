// The theme, and whether the sidebar is open. A classic script in <head>: a module would run after the first paint.
(() => {
  const root = document.documentElement;

  function saved(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage is blocked: the defaults stand
    }
  }

  function show(theme) {
    const forced = theme === "light" || theme === "dark";
    if (forced) root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const meta of document.querySelectorAll("meta[data-scheme]")) {
      const { scheme } = meta.dataset;
      meta.media = forced ? (scheme === theme ? "all" : "not all") : `(prefers-color-scheme: ${scheme})`;
    }
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (forced ? theme : "auto")));
    }
  }

  show(saved("theme"));
  if (saved("sidebar") === "closed") root.dataset.sidebar = "closed";

  document.addEventListener("DOMContentLoaded", () => show(saved("theme")));
  addEventListener("storage", (event) => event.key === "theme" && show(event.newValue)); // chosen in another tab
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    try {
      localStorage.setItem("theme", button.dataset.themeChoice);
    } catch {
      // It holds for this page then.
    }
    show(button.dataset.themeChoice);
  });
})();
