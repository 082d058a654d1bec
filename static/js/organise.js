// What is done to chats: by the menu, by dragging, by a dialog; with the notice that tells of it, and Undo.
import { leaves } from "./lists.js";
import { ask as get, fragmentOf, post } from "./send.js";
import { changed, currentId, tidy } from "./sidebar.js";

const GOES = ["trash", "archive"]; // from the sidebar

const pageOfList = () => document.querySelector("main[data-list]");
const organiser = () => document.querySelector("form[data-organise]");

/** Do it to the chats with these ids, and show what became of it. `more` has further fields of the form. */
export async function act(verb, ids, more = {}) {
  const body = new URLSearchParams(new FormData(organiser()));
  for (const [name, value] of Object.entries({ do: verb, ...more })) body.set(name, value);
  for (const id of ids) body.append("chat", id);
  const isOver = verb === "trash" && ids.includes(currentId()); // the page is about what is gone then
  if (isOver) body.set("leaving", "1");
  const response = await post(organiser().action, body);
  if (isOver && response?.ok) {
    changed();
    return location.assign(organiser().dataset.home);
  }
  const marks = marksOf(ids);
  await showNotice(response, marks);
  if (response?.ok || response?.status === 404) after(verb, ids);
}

/** Take back what a notice told of. */
export async function undo(form) {
  const body = new URLSearchParams(new FormData(form));
  const page = pageOfList();
  if (page) body.set("leaving", "1"); // the rows are to come back, at their places
  form.querySelector("button").disabled = true;
  const notice = form.closest(".toast");
  const response = await post(form.action, body);
  notice.remove();
  if (page && response?.ok) return location.reload();
  if (response?.ok) remarkAsBefore(notice);
  await showNotice(response);
  if (document.activeElement === document.body) document.getElementById("main")?.focus();
  changed();
}

// What the menu of a chat offers next, by what was just done: the marks to set, and those to take away.
const MARKS = {
  pin: [["pinned"], ["archived"]],
  unpin: [[], ["pinned"]],
  archive: [["archived"], []],
  unarchive: [[], ["archived"]],
};

function remark(verb, ids) {
  const [set, gone] = MARKS[verb] ?? [[], []];
  for (const link of menuLinks(ids)) {
    for (const mark of set) link.dataset[mark] = "";
    for (const mark of gone) delete link.dataset[mark];
  }
}

const menuLinks = (ids) => ids.flatMap((id) => [...document.querySelectorAll(`[data-conversation="${CSS.escape(id)}"] > [data-menu]`)]);

/** The marks of these chats as they are now, for Undo. */
function marksOf(ids) {
  return menuLinks(ids).map((link) => [link, ["pinned", "archived"].filter((mark) => mark in link.dataset)]);
}

const before = new WeakMap(); // notice: the marks from before what it tells of

function remarkAsBefore(notice) {
  for (const [link, marks] of before.get(notice) ?? []) {
    for (const mark of ["pinned", "archived"]) marks.includes(mark) ? (link.dataset[mark] = "") : delete link.dataset[mark];
  }
}

function after(verb, ids) {
  remark(verb, ids);
  const rows = ids.flatMap((id) => [...document.querySelectorAll(`.row[data-conversation="${CSS.escape(id)}"]`)]);
  const gone = rows.filter((row) => (row.closest("#sidebar") ? GOES.includes(verb) : leaves(verb, pageOfList()?.dataset.list)));
  const near = gone.length ? neighbour(gone[0], gone) : null;
  for (const row of gone) row.remove();
  if (gone.length) document.querySelector("[data-sidebar-list]")?.removeAttribute("data-version"); // it is none that the server knows
  for (const row of rows) row.setAttribute("data-moved", ""); // where it stands now, the sidebar is told anew
  tidy();
  const page = pageOfList();
  if (page && !page.querySelector(".row")) return location.reload(); // to what is said of an empty list
  document.dispatchEvent(new CustomEvent("rows-changed"));
  if (document.activeElement === document.body) near?.focus();
  changed();
}

/** The link that stands next to a row which goes. */
function neighbour(row, gone) {
  const rows = [...row.closest("#sidebar, main").querySelectorAll(".row[data-conversation]")];
  const rest = rows.slice(rows.indexOf(row)).concat(rows.slice(0, rows.indexOf(row)).reverse());
  return rest.find((one) => !gone.includes(one))?.querySelector("a.row-link") ?? null;
}

/** Show the notice that a response holds; one of our own where there is no answer, or one from elsewhere. */
export async function showNotice(response, marks = []) {
  const notice = (await fragmentOf(response)).querySelector(".toast");
  if (notice) before.set(notice, marks);
  const own = [401, 403].includes(response?.status) ? "data-stale" : "data-failure";
  toast(notice ?? document.querySelector(`template[${own}]`).content.firstElementChild.cloneNode(true));
}

/** Over everything, also over an open drawer. */
function toast(notice) {
  const place = document.querySelector("[data-toasts]");
  place.popover = "manual";
  if (place.matches(":popover-open")) place.hidePopover();
  place.showPopover();
  place.append(notice);
  notice.addEventListener("animationend", ({ target }) => target === notice && notice.remove());
}

// Dialogs: pages that are forms, shown over the page that asked for them.

const frame = document.querySelector("[data-dialog-frame]");
let isForMany = false;

/** Open a form, got from `url` or, with a `body`, posted for. `forMany`: the page is loaded again afterwards. */
export async function ask(url, { body = null, forMany = false } = {}) {
  const response = await (body ? post(url, body) : get(url));
  if (!response?.ok) return showNotice(response);
  isForMany = forMany;
  frame.replaceChildren(await fragmentOf(response));
  if (!frame.querySelector("form")) return showNotice(null);
  frame.setAttribute("aria-labelledby", "dialog-heading");
  frame.showModal();
  frame.querySelector("input:not([type=hidden])[autofocus], button:not([disabled])")?.focus();
}

async function answer(form, submitter) {
  const body = new URLSearchParams(new FormData(form, submitter));
  const isFolder = form.hasAttribute("data-of-folder");
  const reloads = Boolean(pageOfList()) && (isForMany || isFolder);
  if (reloads) body.set("leaving", "1");
  submitter && (submitter.disabled = true);
  const response = await post(form.action, body);
  submitter && (submitter.disabled = false);
  if (!response?.ok) return refused(form, response);
  frame.close();
  if (reloads) {
    changed();
    return form.dataset.then ? location.assign(form.dataset.then) : location.reload();
  }
  await showNotice(response);
  if (isFolder) return changed();
  after(body.get("do") ?? "purge", body.getAll("chat"));
}

/** The form again with its error, or the sentence of a notice under the form. */
async function refused(form, response) {
  const page = await fragmentOf(response);
  const again = page.querySelector("form");
  if (again && !again.hasAttribute("data-undo")) return frame.replaceChildren(page);
  const place = form.querySelector("[data-dialog-error]");
  const sentence = page.querySelector(".toast p")?.textContent;
  if (place && sentence) {
    place.textContent = sentence;
    place.hidden = false;
    return;
  }
  frame.close();
  const failure = page.querySelector(".toast");
  failure ? toast(failure) : showNotice(null);
}

frame.addEventListener("submit", (event) => {
  event.preventDefault();
  answer(event.target, event.submitter);
});
frame.addEventListener("click", ({ target }) => {
  if (target === frame || target.closest("[data-close]")) frame.close();
});
