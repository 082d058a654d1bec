// The sidebar, and how it stays true. What is needed only once somebody does something comes when they do.
const root = document.documentElement;
const PAUSE = 5_000; // ms between two questions whether something changed, unless another tab said so
const WRITING_PAUSES = [3_000, 5_000, 8_000, 15_000]; // ms, while an answer is being written in another chat
const channel = "BroadcastChannel" in window ? new BroadcastChannel("chats") : null;

let later = {};

const listOf = () => document.querySelector("[data-sidebar-list]");
const named = (id) => `[data-conversation="${CSS.escape(id)}"]`;

/** The id of the chat that the page shows, or "". */
export function currentId() {
  return document.querySelector("[data-header-title]")?.dataset.conversation ?? "";
}

/** Show a new title wherever the chat is named; other tabs are told. */
export function retitle(id, title, isNews = true) {
  for (const element of document.querySelectorAll(`${named(id)} [data-title]`)) element.textContent = title;
  if (currentId() === id) nameThePage(title);
  if (isNews) tell({ id, title });
}

/** The document's title, which ends in the site's name. */
export function nameThePage(title) {
  document.title = `${title} · ${document.body.dataset.siteName}`;
}

/** Put the row of a chat that was just written to where it belongs: first, under Today, unless it is pinned or in a folder. */
export function placeRow(row) {
  const list = listOf();
  if (!list) return; // guests have none
  for (const link of list.querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
  const known = list.querySelector(named(row.dataset.conversation));
  if (row.dataset.in) known?.replaceWith(row);
  else {
    known?.remove();
    groupOfToday(list).querySelector("ul").prepend(row);
  }
  tidy();
  tell({ id: row.dataset.conversation });
}

function groupOfToday(list) {
  const today = document.querySelector("template[data-today]").content.firstElementChild;
  const known = [...list.querySelectorAll("[data-group]")].find((one) => one.dataset.group === today.dataset.group);
  if (known) return known;
  const group = today.cloneNode(true);
  list.querySelector("[data-recent]").prepend(group);
  return group;
}

/** Take away headings over nothing; say so where nothing is left. */
export function tidy() {
  const list = listOf();
  for (const group of list.querySelectorAll(":is([data-group], [data-pins]):not(:has(.row))")) group.remove();
  list.querySelector("[data-sidebar-empty]").hidden = list.querySelector(".row[data-conversation]") !== null;
}

function tell(news) {
  channel?.postMessage({ user: document.body.dataset.user, ...news });
}

// Staying true

let renewedAt = Date.now();
let timer = 0;
let step = 0;

/** This tab changed something: other tabs are told, and the sidebar shows it. */
export function changed() {
  tell({});
  return renew(true);
}

/** Show what is there by now. Hidden pages wait until they are seen; `isSure` asks at once. */
async function renew(isSure = false) {
  if (document.hidden) {
    if (isSure) renewedAt = 0;
    return;
  }
  if (!isSure && Date.now() - renewedAt < PAUSE) return;
  renewedAt = Date.now();
  const renewing = await later.renewing().catch(() => null); // no network: the next time tries again
  await renewing?.renew();
  watchMore();
  watchWriting();
}

/** While an answer is written in another chat, whose end this page hears nothing of, ask now and then. */
function watchWriting() {
  clearTimeout(timer);
  const writing = listOf().querySelector(".row[data-writing]:not(:has([aria-current]))");
  if (!writing || document.hidden) {
    step = 0;
    return;
  }
  timer = setTimeout(() => renew(true), WRITING_PAUSES[Math.min(step++, WRITING_PAUSES.length - 1)]);
}

function startStayingTrue() {
  channel?.addEventListener("message", ({ data }) => {
    if (data.user !== document.body.dataset.user) return;
    if (data.title) retitle(data.id, data.title, false);
    else renew(true);
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : renew()));
  addEventListener("focus", () => renew());
  addEventListener("pageshow", ({ persisted }) => persisted && renew(true));
  watchWriting();
}

/** What a list has further down comes as it is scrolled to; without a script it is a link to a page. */
const seeMore = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) loadMore(target);
  },
  { rootMargin: "600px", scrollMargin: "600px" },
);

async function loadMore(link) {
  const endless = await later.endless().catch(() => null);
  if (await endless?.load(link)) watchMore();
}

function watchMore() {
  for (const link of document.querySelectorAll("[data-more]")) seeMore.observe(link);
}

function startMore() {
  watchMore();
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-more]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    loadMore(link);
  });
}

/** A wide page closes its sidebar, and remembers it; a narrow one has a drawer that needs no script. */
function startToggle() {
  const buttons = [...document.querySelectorAll("[data-sidebar-toggle]")];
  const isClosed = () => root.dataset.sidebar === "closed";
  const show = () => buttons.forEach((button) => button.setAttribute("aria-expanded", String(!isClosed())));
  for (const button of buttons) {
    button.addEventListener("click", () => {
      if (isClosed()) delete root.dataset.sidebar;
      else root.dataset.sidebar = "closed";
      try {
        localStorage.setItem("sidebar", isClosed() ? "closed" : "open");
      } catch {
        // It holds for this page then.
      }
      show();
      buttons.find((other) => other !== button && other.checkVisibility({ visibilityProperty: true }))?.focus();
    });
  }
  show();
  matchMedia("(max-width: 720px)").onchange = () => document.querySelector("#sidebar:popover-open")?.hidePopover();
}

/** What a click, or the beginning of a drag, needs more code for. If that does not come, links lead to pages. */
function startDeeds() {
  const doLater = (event, target, load, run) => {
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load().then(run, () => target.href && location.assign(target.href));
  };

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    doLater(event, at("[data-menu]"), () => later.menu(), ({ toggle }) => toggle(at("[data-menu]")));
    doLater(event, at("a[data-dialog]"), () => later.organise(), ({ ask }) => ask(at("a[data-dialog]").href));
    doLater(event, at("[data-folder-toggle]"), () => later.endless(), async ({ unfold }) => {
      await unfold(at("[data-folder-toggle]"));
      watchMore();
    });
  });
  const turnedTo = ({ target, pointerType }) => {
    if (target.closest?.("[data-menu]")) later.menu().catch(() => null);
    else if (pointerType === "mouse" && target.closest(".row[data-conversation]")) later.dragging().catch(() => null);
  };
  document.addEventListener("pointerover", turnedTo);
  document.addEventListener("focusin", turnedTo);
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-undo]");
    if (!form) return;
    event.preventDefault();
    later.organise().then(({ undo }) => undo(form), () => form.submit());
  });
  document.addEventListener("dragstart", (event) => {
    const row = event.target.closest?.(".row[data-conversation]");
    if (!row || !event.dataTransfer) return;
    event.dataTransfer.effectAllowed = "all";
    later.dragging().then(({ begin }) => begin(row));
  });
  if (document.querySelector("[data-selecting]")) later.selecting().then(({ start }) => start());
  toNotice();
}

/** What was done to a list by a page of its own is said on the next one: there one goes on, and Undo is the next stop. */
function toNotice() {
  const notice = document.querySelector("[data-toasts] > .toast:has([data-undo])");
  if (!notice || !document.querySelector("main[data-list]")) return;
  notice.tabIndex = -1;
  notice.focus();
}

/** `modules`: functions that load what is needed later. Those modules import this one, so it cannot name them itself. */
export function startSidebar(modules) {
  later = modules;
  startToggle();
  startMore();
  startDeeds();
  startStayingTrue();
}
