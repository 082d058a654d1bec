// The search panel: what one types is looked for at once, among titles and messages. It comes with its first use.
import { step } from "./choices.js";
import { ask, fragmentOf } from "./send.js";

const PAUSE = 120; // ms without a key, after which is looked
const KEYS = ["ArrowDown", "ArrowUp", "PageDown", "PageUp"]; // Home and End belong to the field

/** The address of what a form asks for: without what is empty. */
export function addressOf(action, fields) {
  const said = new URLSearchParams([...fields].filter(([, value]) => value.trim() !== ""));
  return said.size ? `${action}?${said}` : action;
}

/**
 * Run the newest of what is asked for, one at a time: who types quickly skips what the server has not begun.
 * `run(input)` is asynchronous; `ended(result, input)` hears of the last one only.
 */
export function latest(run, ended) {
  let waiting = null;
  let busy = false;

  async function next() {
    busy = true;
    while (waiting) {
      const [input] = waiting;
      waiting = null;
      const result = await run(input);
      if (!waiting) ended(result, input);
    }
    busy = false;
  }

  return (input) => {
    waiting = [input];
    if (!busy) next();
  };
}

/** Fetch the panel from `url` and bring it to life: `open()` shows it. Rejects where it cannot be had. */
export async function loadSearch(url) {
  const response = await ask(url);
  const dialog = (await fragmentOf(response?.ok ? response : null)).querySelector("dialog");
  if (!dialog) throw new Error(`The search: HTTP ${response?.status ?? 0}`);
  const styled = new Promise((resolve) => {
    const style = dialog.querySelector("link[rel=stylesheet]");
    style.onload = style.onerror = resolve;
  });
  document.body.append(dialog);
  await styled;
  return startSearch(dialog);
}

function startSearch(dialog) {
  const form = dialog.querySelector("[data-search-form]");
  const query = form.elements.q;
  const body = dialog.querySelector("[data-search-body]");
  const status = dialog.querySelector("[data-search-status]");
  const all = dialog.querySelector("[data-search-all]");
  let options = [];
  let active = null;
  let timer = 0;
  let isSettled = true; // what is shown is what was asked for

  function activate(option) {
    active?.removeAttribute("data-active");
    active?.setAttribute("aria-selected", "false");
    active = option ?? null;
    active?.setAttribute("data-active", "");
    active?.setAttribute("aria-selected", "true");
    if (active) query.setAttribute("aria-activedescendant", active.id);
    else query.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  /** What has come stands in the list; the first of what was found is what Enter opens. */
  function show() {
    options = [...body.querySelectorAll("[role=option]")];
    query.setAttribute("aria-expanded", String(options.length > 0));
    activate(query.value.trim() ? options[0] : null);
    status.textContent = body.querySelector("[data-search-summary]")?.textContent.trim() ?? "";
    all.hidden = !query.value.trim() || !options.length;
  }

  const look = latest(
    async (url) => {
      const response = await ask(url);
      return response?.ok ? fragmentOf(response) : sentence(response?.status === 401 ? "logged-out" : "network");
    },
    (found, url) => {
      body.removeAttribute("aria-busy");
      body.replaceChildren(found);
      body.scrollTop = 0;
      all.href = url;
      isSettled = true;
      show();
    },
  );

  const sentence = (name) => dialog.querySelector(`template[data-sentence="${name}"]`).content.cloneNode(true);

  function asked(pause) {
    clearTimeout(timer);
    isSettled = false;
    body.setAttribute("aria-busy", "true");
    timer = setTimeout(() => look(addressOf(form.action, new FormData(form))), pause);
  }

  /** A message on this very page needs no new one. */
  function follow(event) {
    const link = event.target.closest("a[href]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const here = link.pathname === location.pathname && link.hash && document.getElementById(link.hash.slice(1));
    if (!here) return;
    event.preventDefault();
    dialog.close();
    location.hash = link.hash;
    here.scrollIntoView({ block: "center" });
  }

  query.addEventListener("input", () => asked(PAUSE));
  form.addEventListener("change", ({ target }) => target !== query && asked(0));
  form.addEventListener("submit", (event) => {
    if (!query.value.trim()) event.preventDefault();
  });
  query.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.shiftKey) return;
    const place = KEYS.includes(event.key) ? step(event.key, options.indexOf(active), options.length) : null;
    if (place !== null) activate(options[place]);
    else if (event.key === "Enter" && active && isSettled) {
      active.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: event.ctrlKey, metaKey: event.metaKey })); // prettier-ignore
    } else return;
    event.preventDefault();
  });
  body.addEventListener("click", follow);
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (dialog.contains(document.activeElement) || document.activeElement === document.body) giveBack();
  });

  /** The focus goes back to the link; where that is in a drawer that has closed, to what opens the drawer. */
  function giveBack() {
    const ways = document.querySelectorAll("[data-search-open], [popovertarget=sidebar], [data-sidebar-toggle]");
    [...ways].find((way) => way.checkVisibility({ visibilityProperty: true }))?.focus({ preventScroll: true });
  }

  show();
  return {
    open() {
      if (dialog.open) return;
      dialog.showModal();
      query.focus();
      query.select();
    },
  };
}
