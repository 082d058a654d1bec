// The sidebar as the server has it by now, put in the place of what it showed, without the reader losing theirs.
import { refill } from "./endless.js";
import { tail } from "./lists.js";
import { ask, fragmentOf } from "./send.js";
import { currentId } from "./sidebar.js";

const BUSY = "form.rename, [aria-expanded='true'][data-menu], [data-dragged]";
const idOf = (row) => row.dataset.conversation;

let last = Promise.resolve();

/** Ask whether the sidebar shows what is there, and show what is. One after the other: an answer from before what was
 * undone meanwhile must not be what stays. */
export function renew() {
  last = last.then(renewOnce, renewOnce);
  return last;
}

async function renewOnce() {
  const list = document.querySelector("[data-sidebar-list]");
  const { url, version = "", page = "" } = list.dataset;
  const response = await ask(`${url}?${new URLSearchParams({ version, current: currentId(), page })}`);
  if (response?.status !== 200) return; // 204: nothing changed
  const fresh = (await fragmentOf(response)).querySelector("[data-sidebar-list]");
  if (!fresh || list.querySelector(BUSY)) return; // somebody is at work there: the next time brings it
  adopt(list, fresh);
}

function adopt(list, fresh) {
  const { scrollTop } = list;
  const back = placeOfFocus(list);
  const open = keepFolders(list, fresh);
  keepTail(list.querySelector("[data-recent]"), fresh.querySelector("[data-recent]"), fresh);
  list.replaceChildren(...fresh.childNodes);
  list.dataset.version = fresh.dataset.version;
  list.scrollTop = scrollTop;
  back();
  for (const folder of open) refill(folder);
}

/** How to give the focus back to the same control of the same row, or to one near it. */
function placeOfFocus(list) {
  const focused = document.activeElement;
  const row = list.contains(focused) ? focused.closest("[data-conversation], [data-folder]") : null;
  if (!row) return () => {};
  const { conversation, folder } = row.dataset;
  const same = conversation ? `[data-conversation="${CSS.escape(conversation)}"]` : `[data-folder="${CSS.escape(folder)}"]`;
  const kind = ["row-more", "folder-toggle"].find((name) => focused.classList.contains(name)) ?? "row-link";
  return () => (list.querySelector(`${same} .${kind}`) ?? list.querySelector("a"))?.focus({ preventScroll: true });
}

/** Folders that were opened stay so; returns them, because what is in them may have changed as well. */
function keepFolders(list, fresh) {
  const open = [];
  for (const folder of list.querySelectorAll("[data-folder]:has([aria-expanded='true'])")) {
    const same = fresh.querySelector(`[data-folder="${CSS.escape(folder.dataset.folder)}"]`);
    const toggle = same?.querySelector("[data-folder-toggle]");
    if (!toggle || toggle.getAttribute("aria-expanded") === "true") continue;
    toggle.setAttribute("aria-expanded", "true");
    same.querySelector("ul").replaceWith(folder.querySelector("ul"));
    open.push(same);
  }
  return open;
}

function keepTail(old, recent, fresh) {
  const rows = [...old.querySelectorAll(".row")];
  const more = recent.querySelector("[data-more]");
  const known = [...recent.querySelectorAll(".row")].map(idOf);
  const everywhere = new Set([...fresh.querySelectorAll(".row[data-conversation]")].map(idOf));
  const kept = new Set(tail(rows.map(idOf), known, Boolean(more)));
  const stays = rows.filter((row) => kept.has(idOf(row)) && !everywhere.has(idOf(row)) && !row.matches("[data-moved]"));
  if (!stays.length) return;
  const further = old.querySelector("[data-more]");
  more.remove();
  for (const row of stays) groupFor(recent, row.closest("[data-group]")).querySelector("ul").append(row);
  if (further) recent.append(further);
}

function groupFor(recent, group) {
  const last = [...recent.querySelectorAll("[data-group]")].at(-1);
  if (last?.dataset.group === group.dataset.group) return last;
  const fresh = group.cloneNode(true);
  fresh.querySelector("ul").replaceChildren();
  recent.append(fresh);
  return fresh;
}
