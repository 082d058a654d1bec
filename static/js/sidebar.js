// The sidebar: opening and closing it, its rows, and what can be done with each chat.
import { post } from "./send.js";

const root = document.documentElement;
const NO_ID = "00000000-0000-0000-0000-000000000000"; // stands for a chat's id in addresses for any chat

const idOf = (element) => element.closest("[data-conversation]").dataset.conversation;

/** Show a new title wherever the chat is named. */
export function retitle(id, title) {
  const places = document.querySelectorAll(`[data-conversation="${CSS.escape(id)}"] [data-title]`);
  for (const element of places) element.textContent = title;
  if (document.querySelector(`[data-header-title][data-conversation="${CSS.escape(id)}"]`)) nameThePage(title);
}

/** The document's title, which ends in the site's name. */
export function nameThePage(title) {
  document.title = `${title} · ${document.body.dataset.siteName}`;
}

/** Put the row of a chat that was just written to first, under Today. */
export function placeRow(row) {
  const list = document.querySelector("[data-sidebar-list]");
  for (const link of list.querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
  list.querySelector(`[data-conversation="${CSS.escape(row.dataset.conversation)}"]`)?.remove();
  const today = document.querySelector("template[data-today]").content.firstElementChild;
  let group = [...list.querySelectorAll("[data-group]")].find((one) => one.dataset.group === today.dataset.group);
  if (!group) {
    group = today.cloneNode(true);
    list.prepend(group);
  }
  group.querySelector("ul").prepend(row);
  tidy(list);
}

function tidy(list) {
  for (const group of list.querySelectorAll("[data-group]:not(:has(.row))")) group.remove();
  if (list.querySelector(".row")) list.querySelector("[data-sidebar-empty]")?.remove();
}

/** A wide page closes its sidebar, and remembers it; a narrow one has a drawer that needs no script. */
function startToggle() {
  const buttons = [...document.querySelectorAll("[data-sidebar-toggle]")];
  const isClosed = () => root.dataset.sidebar === "closed";
  const tell = () => buttons.forEach((button) => button.setAttribute("aria-expanded", String(!isClosed())));
  for (const button of buttons) {
    button.addEventListener("click", () => {
      if (isClosed()) delete root.dataset.sidebar;
      else root.dataset.sidebar = "closed";
      try {
        localStorage.setItem("sidebar", isClosed() ? "closed" : "open");
      } catch {
        // It holds for this page then.
      }
      tell();
      buttons.find((other) => other !== button && other.checkVisibility({ visibilityProperty: true }))?.focus();
    });
  }
  tell();
  matchMedia("(max-width: 720px)").onchange = () => document.querySelector("#sidebar:popover-open")?.hidePopover();
}

/** One menu serves all chats: it opens at the link that, without a script, leads to the page for renaming. */
function startMenu() {
  const menu = document.querySelector("[data-chat-menu]");
  let opener = null;

  function open(link) {
    opener = link;
    for (const item of menu.querySelectorAll("[data-of-chat]")) item.href = item.dataset.ofChat.replace(NO_ID, idOf(link));
    menu.showPopover({ source: link });
    link.setAttribute("aria-expanded", "true");
    const { left, right, bottom, top } = link.getBoundingClientRect();
    const start = getComputedStyle(root).direction === "rtl" ? right - menu.offsetWidth : left;
    const below = bottom + menu.offsetHeight + 8 < innerHeight;
    menu.style.left = `${Math.max(8, Math.min(start, innerWidth - menu.offsetWidth - 8))}px`;
    menu.style.top = `${below ? bottom + 4 : Math.max(8, top - menu.offsetHeight - 4)}px`;
    menu.querySelector("button, a").focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-menu]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (opener === link) menu.hidePopover();
    else open(link);
  });
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState !== "closed" || !opener) return;
    opener.setAttribute("aria-expanded", "false");
    opener = null;
  });
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...menu.querySelectorAll("button, a")];
    items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
  });
  menu.addEventListener("click", ({ target }) => {
    const choice = target.closest("[data-choose]")?.dataset.choose;
    const link = opener;
    if (!choice || !link) return;
    menu.hidePopover();
    if (choice === "rename") renameAt(link);
    else askToDelete(link);
  });
}

/** The title becomes a field in its place: Enter or leaving saves, Escape does not. */
function renameAt(link) {
  const title = link.parentElement.querySelector("[data-title]");
  const form = document.querySelector("template[data-rename]").content.firstElementChild.cloneNode(true);
  const field = form.elements.title;
  let busy = false; // saving, or already leaving: to remove a field blurs it

  function restore() {
    busy = true;
    form.remove();
    title.hidden = link.hidden = false;
  }

  async function save() {
    if (busy) return;
    if (!field.value.trim() || field.value === title.textContent) return restore();
    busy = true;
    const response = await post(link.href, new URLSearchParams(new FormData(form)));
    busy = false;
    const page = document.createElement("template");
    page.innerHTML = (await response?.text()) ?? "";
    const renamed = response?.ok && page.content.querySelector("[data-title]");
    if (renamed) {
      restore();
      retitle(idOf(link), renamed.textContent);
    } else {
      field.setCustomValidity(page.content.querySelector(".field-error")?.textContent || form.dataset.error);
      field.reportValidity();
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  field.addEventListener("input", () => field.setCustomValidity(""));
  field.addEventListener("blur", save);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // or it closes the drawer too
    restore();
    link.focus();
  });
  title.hidden = link.hidden = true;
  title.after(form);
  field.value = title.textContent;
  field.select();
}

function askToDelete(link) {
  const dialog = document.querySelector("[data-delete-dialog]");
  const form = dialog.querySelector("form");
  const pattern = document.querySelector("[data-chat-menu]").dataset.delete;
  form.dataset.for = idOf(link);
  form.action = pattern.replace(NO_ID, idOf(link));
  dialog.querySelector("[data-delete-title]").textContent =
    link.parentElement.querySelector("[data-title]").textContent;
  dialog.querySelector("[data-delete-error]").hidden = true;
  dialog.showModal();
}

function startDeleting() {
  const dialog = document.querySelector("[data-delete-dialog]");
  const form = dialog.querySelector("form");
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.submitter.disabled = true;
    const response = await post(form.action, new URLSearchParams(new FormData(form)));
    event.submitter.disabled = false;
    const gone = response?.ok || response?.status === 404;
    dialog.querySelector("[data-delete-error]").hidden = gone;
    if (!gone) return;
    dialog.close();
    remove(form.dataset.for, form.dataset.home);
  });
}

function remove(id, home) {
  const named = `[data-conversation="${CSS.escape(id)}"]`;
  if (document.querySelector(`[data-header-title]${named}`)) return location.assign(home);
  for (const row of document.querySelectorAll(`.row${named}`)) row.remove();
  tidy(document.querySelector("[data-sidebar-list]"));
}

export function startSidebar() {
  startToggle();
  startMenu();
  startDeleting();
}
