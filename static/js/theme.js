// The theme, and whether the sidebar is open. A classic script in <head>: a module would run after the first paint.
// Who is logged in has the theme from the server, in the page itself; this browser keeps it for the pages of nobody.
(() => {
  const root = document.documentElement;
  const UNSAVED = `theme-unsaved-${root.dataset.person}`; // chosen here, and not yet known to the server

  function saved(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage is blocked: the defaults stand
    }
  }

  function keep(name, value) {
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, value);
    } catch {
      // It holds for this page then.
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

  /** Tell the server. What it does not hear now, it is told with the next page. */
  async function save(form, theme) {
    const body = new URLSearchParams(new FormData(form));
    body.set("theme", theme === "auto" ? "" : theme);
    const headers = { "X-Requested-With": "fetch" };
    const answer = await fetch(form.action, { method: "POST", body, headers, keepalive: true }).catch(() => null);
    if (answer?.ok && saved(UNSAVED) === theme) keep(UNSAVED, null);
  }

  const own = root.dataset.ownTheme;
  if (own) keep("theme", saved(UNSAVED) ?? own);
  show(saved("theme") ?? own);
  if (saved("sidebar") === "closed") root.dataset.sidebar = "closed";

  document.addEventListener("DOMContentLoaded", () => {
    show(saved("theme") ?? own);
    const form = document.querySelector("[data-theme-form]");
    if (form && saved(UNSAVED)) save(form, saved(UNSAVED));
  });
  addEventListener("storage", (event) => event.key === "theme" && show(event.newValue)); // chosen in another tab
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    event.preventDefault();
    const theme = button.dataset.themeChoice;
    keep("theme", theme);
    keep(UNSAVED, theme);
    show(theme);
    save(button.form, theme);
  });
})();
