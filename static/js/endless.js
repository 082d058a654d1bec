// Lists that go on: what follows is fetched when its place comes near, and put where the link to it stood.
import { ask, fragmentOf } from "./send.js";

/** Put what a link promises in its place. False if nothing came: the link stays, and may be tried again. */
export async function load(link) {
  if (link.ariaBusy === "true") return false;
  link.ariaBusy = "true";
  const hadFocus = document.activeElement === link;
  const response = await ask(new URL(link.dataset.more, location.href));
  link.ariaBusy = "false";
  if (!response?.ok || !link.isConnected) return false;
  const fresh = await fragmentOf(response);
  const first = fresh.querySelector("a.row-link, .row input");
  const item = link.closest("[data-more-item]");
  if (item) item.replaceWith(fresh);
  else join(link, fresh);
  if (hadFocus) first?.focus();
  document.dispatchEvent(new CustomEvent("rows-changed"));
  return true;
}

/** A group that goes on is one group. */
function join(link, fresh) {
  const last = [...link.parentElement.querySelectorAll("[data-group]")].at(-1);
  const next = fresh.querySelector("[data-group]");
  if (last && next && last.dataset.group === next.dataset.group) {
    last.querySelector("ul").append(...next.querySelectorAll(".row"));
    next.remove();
  }
  link.replaceWith(fresh);
}

/** Show what is in a folder, or hide it. */
export async function unfold(toggle) {
  const isOpen = toggle.getAttribute("aria-expanded") === "true";
  const rows = toggle.closest("[data-folder]").querySelector("ul");
  toggle.setAttribute("aria-expanded", String(!isOpen));
  rows.hidden = isOpen;
  if (isOpen || (await refill(toggle.closest("[data-folder]")))) return;
  toggle.setAttribute("aria-expanded", "false");
  rows.hidden = true;
}

/** Fetch what is in an open folder by now. */
export async function refill(folder) {
  const response = await ask(folder.querySelector("[data-folder-toggle]").dataset.folderToggle);
  if (!response?.ok) return false;
  const rows = folder.querySelector("ul");
  const current = rows.querySelector("[aria-current]")?.closest("[data-conversation]")?.dataset.conversation;
  rows.replaceChildren(await fragmentOf(response));
  if (current) rows.querySelector(`[data-conversation="${CSS.escape(current)}"] .row-link`)?.setAttribute("aria-current", "page");
  return true;
}
