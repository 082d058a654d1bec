// The panel in which one of many models is chosen: a search, what each is for, the recent ones first.
// It comes with the first use (composer.js); the composer's select keeps the choice, and is what is sent.
import { fold, found, keepRecent, recentChoices, step } from "./choices.js";

let loading = null;
let panel = null;

/**
 * The panel for the select of `form`, fetched unless it is here and knows every option. Rejects where it cannot be had.
 * `open(key)` opens or closes it; `key` is what was pressed on its button, and a letter begins the search.
 */
export async function load(url, form) {
  const known = (option) => panel?.options.has(option.value);
  if (!panel || ![...form.elements.model.options].every(known)) {
    loading ??= fetchPanel(url, form).finally(() => (loading = null));
    await loading;
  }
  return panel;
}

async function fetchPanel(url, form) {
  const response = await fetch(url, { headers: { "X-Requested-With": "fetch" } });
  if (!response.ok) throw new Error(`The models: HTTP ${response.status}`);
  const page = document.createElement("template");
  page.innerHTML = await response.text();
  const element = page.content.firstElementChild;
  const styled = new Promise((resolve) => {
    const style = element.querySelector("link[rel=stylesheet]");
    style.onload = style.onerror = resolve;
  });
  panel?.element.remove();
  document.body.append(element);
  panel = startPanel(element, form);
  await styled;
  return panel;
}

function startPanel(element, form) {
  const query = element.querySelector("[role=combobox]");
  const list = element.querySelector("[role=listbox]");
  const [recent, all] = [element.querySelector("[data-recent]"), element.querySelector("[data-all]")];
  const status = element.querySelector("[data-count]");
  const mark = element.querySelector("template[data-mark]").content.firstElementChild;
  const touch = matchMedia("(hover: none) and (pointer: coarse)");
  const entries = [...list.querySelectorAll("[role=option]")].map((option) => ({
    option,
    id: option.dataset.model,
    searched: option.dataset.searched,
    label: fold(option.querySelector(".model-choice-label").textContent),
  }));
  const options = new Map(entries.map(({ id, option }) => [id, option]));
  let shown = []; // options, in the order that is seen
  let active = null;
  let wasPressed = false; // its button, while it was open: that closes it, before the click comes

  const buttonOf = () => form.querySelector("[data-picker]");
  const offered = () => new Set([...form.elements.model.options].map((option) => option.value));

  function activate(option) {
    active?.removeAttribute("data-active");
    active = option ?? null;
    active?.setAttribute("data-active", "");
    if (active) query.setAttribute("aria-activedescendant", active.id);
    else query.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  /** What the query finds; without one everything, the recent choices first. */
  function search() {
    const can = offered();
    const fitting = found(entries.filter(({ id }) => can.has(id)), query.value);
    const first = query.value.trim() ? [] : recentChoices().filter((id) => can.has(id)).map((id) => options.get(id));
    const others = fitting.map(({ option }) => option).filter((option) => !first.includes(option));
    for (const { option } of entries) option.hidden = true;
    shown = [...first, ...others];
    for (const option of shown) option.hidden = false;
    recent.hidden = !first.length;
    recent.append(...first);
    all.append(...others);
    element.querySelector("[data-none]").hidden = shown.length > 0;
    list.hidden = !shown.length;
    status.textContent = status.dataset.count.replace("{count}", shown.length);
    const current = options.get(form.elements.model.value);
    activate(query.value.trim() || current?.hidden ? shown[0] : current);
  }

  function markCurrent() {
    for (const option of options.values()) option.setAttribute("aria-selected", "false");
    const current = options.get(form.elements.model.value);
    current?.setAttribute("aria-selected", "true");
    current?.append(mark);
  }

  function choose(option) {
    if (!option) return;
    const select = form.elements.model;
    element.hidePopover();
    buttonOf()?.focus();
    keepRecent(option.dataset.model);
    if (select.value === option.dataset.model) return;
    select.value = option.dataset.model;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function place() {
    const { left, right, top, bottom } = buttonOf().getBoundingClientRect();
    const above = top > innerHeight - bottom;
    const start = getComputedStyle(document.documentElement).direction === "rtl" ? left : right - element.offsetWidth;
    const x = Math.max(8, Math.min(start, innerWidth - element.offsetWidth - 8));
    element.style.setProperty("--x", `${x}px`);
    element.style.setProperty("--room", `${(above ? top : innerHeight - bottom) - 12}px`);
    element.style.setProperty("--top", above ? "auto" : `${bottom + 4}px`);
    element.style.setProperty("--bottom", above ? `${innerHeight - top + 4}px` : "auto");
  }

  function open(key) {
    const closes = wasPressed || element.matches(":popover-open");
    wasPressed = false;
    if (closes) return element.hidePopover();
    const typed = [...key].length === 1 ? key : "";
    query.value = "";
    element.style.removeProperty("--size");
    element.showPopover({ source: buttonOf() });
    markCurrent();
    search();
    place();
    element.style.setProperty("--size", `${element.offsetHeight}px`); // it stays, however little is found
    query.value = typed;
    if (typed) search();
    if (touch.matches) list.focus(); // the keyboard comes once a search is wanted
    else query.focus();
  }

  element.addEventListener("keydown", (event) => {
    const place = step(event.key, shown.indexOf(active), shown.length);
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" && event.target.matches("[role]")) choose(active);
    else if (place !== null && event.target.matches("[role]")) activate(shown[place]);
    else return;
    event.preventDefault();
  });
  query.addEventListener("input", search);
  list.addEventListener("click", ({ target }) => choose(target.closest("[role=option]")));
  element.addEventListener("toggle", ({ newState }) => {
    buttonOf()?.setAttribute("aria-expanded", String(newState === "open"));
  });
  element.addEventListener("focusout", ({ relatedTarget }) => {
    const stays = !relatedTarget || element.contains(relatedTarget) || relatedTarget === buttonOf();
    if (!stays) element.hidePopover(); // the button closes it by itself
  });
  const notePress = ({ target }) => (wasPressed = element.matches(":popover-open") && buttonOf()?.contains(target));
  addEventListener("pointerdown", notePress, true);
  addEventListener("resize", () => element.matches(":popover-open") && place());
  return { element, options, open };
}
