// The page of a conversation: composer, messages and sidebar work together here.
import { startComposer } from "./composer.js";
import { addCodeTools, startCopy } from "./copy.js";
import { editsKept } from "./drafts.js";
import { follow } from "./follow.js";
import { startMemory } from "./memory.js";
import { BLANK, hasText, painter, reduce } from "./reply.js";
import { startScroll } from "./scroll.js";
import { nameThePage, placeRow, retitle, startSidebar } from "./sidebar.js";

// Of the sidebar. A circle of modules cannot have hashed names, so the one that nobody imports names those that import it.
const LATER = {
  dragging: () => import("./dragging.js"),
  endless: () => import("./endless.js"),
  menu: () => import("./menu.js"),
  organise: () => import("./organise.js"),
  renewing: () => import("./renewing.js"),
  selecting: () => import("./selecting.js"),
};

/** The panel of settings; its code comes when somebody turns to its button, because most never do. */
function settingsLater() {
  let panel = null;
  let loading = null;

  function load() {
    loading ??= import("./settings.js").then(({ startSettings }) => (panel = startSettings()));
    return loading;
  }

  const turnedTo = ({ target }) => target.closest?.("[data-settings-open]") && load().catch(() => (loading = null));
  document.addEventListener("pointerover", turnedTo);
  document.addEventListener("focusin", turnedTo);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-settings-open]");
    if (!link || panel || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load().then(() => link.click(), () => location.assign(link.href)); // the same settings, as a page of their own
  });
  document.addEventListener("keydown", (event) => {
    if (panel || event.key !== " " || !event.target.closest?.("[data-settings-open]")) return;
    event.preventDefault(); // a link that acts as a button
    event.target.click();
  });

  function dress() {
    const link = document.querySelector("[data-settings-open]");
    link?.setAttribute("role", "button");
    link?.setAttribute("aria-expanded", "false");
  }

  dress();
  return {
    settled: async () => panel?.settled(),
    renewed: () => (panel ? panel.renewed() : dress()),
  };
}

/** Saved prompts, called by a slash at the beginning of a message; their code comes with the first one. */
function promptsLater(announce) {
  let loading = null;
  document.addEventListener("input", ({ target }) => {
    if (loading || !target.matches?.("[data-prompts] textarea") || !target.value.startsWith("/")) return;
    loading = import("./prompts.js").then(
      ({ startPrompts }) => startPrompts(announce)(target),
      () => (loading = null),
    );
  });
}

const ACTIONS = {
  again: () => import("./again.js"),
  edit: () => import("./edit.js"),
  thumb: () => import("./feedback.js"),
};

/** What can be done with one message; its code comes when it is wanted. Where that cannot be had, pages stand in. */
function startActions(composer, tell) {
  async function act(name, control) {
    const module = await ACTIONS[name]().catch(() => null);
    if (module) module.act(control, composer, tell);
    else if (control.href) location.assign(control.href);
    else control.form.requestSubmit(control);
  }

  document.addEventListener("click", (event) => {
    const control = event.target.closest("[data-again], [data-edit], [data-thumb]");
    if (!control || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
    event.preventDefault();
    act(Object.keys(ACTIONS).find((name) => name in control.dataset), control);
  });
  document.addEventListener("submit", (event) => {
    const turnsBack = event.submitter?.matches("[data-take-back], [data-bring-back], [data-clear]");
    if (!turnsBack || navigator.onLine) return;
    event.preventDefault(); // the page would be gone, and nothing gained
    composer.refuse({});
  });
  restoreEdits(composer, (control) => act("edit", control));
}

/** A message that was being edited when the page was left is being edited again. */
function restoreEdits({ draftStorage }, edit) {
  for (const id of editsKept(draftStorage, document.body.dataset.user)) {
    const control = document.getElementById(`m-${id}`)?.querySelector("[data-edit]");
    if (control) edit(control);
  }
}

/** The search panel; its code and its markup come when somebody turns to the link, which leads to the page of it. */
function searchLater() {
  const find = (target) => target.closest?.("[data-search-open]");
  let loading = null;

  function load(link) {
    loading ??= import("./search.js").then(({ loadSearch }) => loadSearch(link.dataset.searchOpen));
    loading.catch(() => (loading = null));
    return loading;
  }

  const turnedTo = ({ target }) => find(target) && load(find(target)).catch(() => {});
  document.addEventListener("pointerover", turnedTo);
  document.addEventListener("focusin", turnedTo);
  document.addEventListener("click", (event) => {
    const link = find(event.target);
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load(link).then((panel) => panel.open(), () => location.assign(link.href)); // prettier-ignore
  });
}

/** From question to question: needed once a chat is longer than the window, and then scrolled. */
function questionsLater(list, leave) {
  const group = document.querySelector("[data-questions]");
  const start = () => import("./questions.js").then(({ startQuestions }) => startQuestions(list, group, leave), () => {});
  addEventListener("scroll", start, { once: true, passive: true });
}

function startChat(chat) {
  const list = chat.querySelector("[data-messages]");
  const announcer = document.querySelector("[data-announcer]");
  const offline = document.querySelector("[data-offline]");
  const { toEnd, leave, place } = startScroll(list, chat.querySelector("[data-to-end]"));
  const settings = settingsLater();
  let shown = location.pathname;

  function announce(name) {
    const text = announcer.getAttribute(`data-${name.replaceAll("_", "-")}`) ?? "";
    if (announcer.textContent !== text) announcer.textContent = text;
  }

  /** A sentence that everybody sees for a while. */
  function toast(name) {
    const paragraph = document.createElement("p");
    paragraph.className = "toast";
    paragraph.textContent = announcer.getAttribute(`data-${name}`);
    paragraph.addEventListener("animationend", () => paragraph.remove());
    document.querySelector("[data-toasts]").append(paragraph); // beside those that offer Undo
  }

  function announceThinking(before, now) {
    if (now.thoughts && !before.thoughts) announce("thinking");
    if (before.thoughts && hasText(now) && !hasText(before)) announce("in_progress");
  }

  function begin(text) {
    const pending = document.querySelector("template[data-pending]").content.cloneNode(true);
    pending.querySelector("[data-text]").textContent = text;
    chat.classList.remove("is-empty");
    list.append(pending);
    toEnd();
  }

  function dropPending() {
    for (const article of list.querySelectorAll(".is-pending")) article.remove();
  }

  function failed() {
    dropPending();
    chat.classList.toggle("is-empty", !list.querySelector(".message"));
  }

  function accepted(turn, replaced) {
    dropPending();
    const kept = turn.querySelector("template[data-kept]");
    if (kept) keepFrom(list.querySelector("[data-comparison]"), kept.content);
    const fresh = [...turn.querySelectorAll(":scope > :is(article, section)")];
    for (const piece of fresh) document.getElementById(piece.id)?.remove(); // sent again with the same key: it is there already
    const inColumn = replaced?.closest("[data-comparison]");
    if (inColumn) {
      replaced.replaceWith(...fresh); // in its column
    } else {
      dropFrom(replaced);
      list.append(...fresh);
    }
    for (const element of document.querySelectorAll(".greeting, .examples, [data-taken-back]")) element.remove();
    memory.adopt(turn.querySelector("template[data-memory-view]").content.firstElementChild);
    const row = turn.querySelector("template[data-sidebar-row]"); // a temporary chat has none
    if (row) placeRow(row.content.firstElementChild);
    moveTo(turn);
    if (!inColumn) toEnd();
    const articles = fresh.flatMap((piece) => [piece, ...piece.querySelectorAll("article")]);
    for (const article of articles) if (article.dataset.follow) watch(article);
  }

  /** The answer that is kept takes the place of those that stood side by side, with the thumb that it got there. */
  function keepFrom(comparison, kept) {
    const id = kept.firstElementChild.id;
    const thumb = comparison?.querySelector(`#${CSS.escape(id)} [data-thumb][aria-pressed="true"]`);
    if (thumb) kept.querySelector(`[data-thumb="${thumb.dataset.thumb}"]`).replaceWith(thumb.cloneNode(true));
    comparison?.replaceWith(kept);
  }

  /** Another version comes in the place of a message: what followed this one belongs to it. */
  function dropFrom(message) {
    while (message?.nextElementSibling) message.nextElementSibling.remove();
    message?.remove();
  }

  function moveTo(turn) {
    const header = turn.querySelector("template[data-header]");
    if (!header || turn.dataset.url === location.pathname) return;
    document.querySelector("[data-header-title]").replaceWith(header.content);
    history.pushState({}, "", turn.dataset.url);
    shown = location.pathname;
    nameThePage(turn.dataset.title);
  }

  function watch(article) {
    const paint = painter(article, addCodeTools);
    const beside = article.closest("[data-comparison]") !== null;
    let state = BLANK;
    announce(beside ? "compared_in_progress" : "in_progress");
    follow(article.dataset.follow, {
      receive(event) {
        if (event.type === "title") retitle(event.data.conversation_id, event.data.title);
        const before = state;
        state = reduce(state, event);
        paint(state);
        if (!beside) announceThinking(before, state);
        if (event.type !== "done" || list.querySelector("[data-follow]")) return; // others beside it are still written
        composer.settle();
        memory.ended();
        announce(beside ? "compared_over" : event.data.status);
      },
      report(condition, status) {
        offline.hidden = condition !== "lost";
        document.querySelector("[data-logged-out]").hidden = status !== 401;
        if (condition === "over" && state.footer === null) abandon(article);
      },
    });
  }

  function abandon(article) {
    article.dataset.status = "interrupted";
    delete article.dataset.follow;
    article.querySelector("[data-footer]").replaceChildren();
    if (!list.querySelector("[data-follow]")) composer.settle();
  }

  /** Of a long chat, what is not on the page yet; its links lead there without this code, too. */
  async function fillGaps() {
    const { startGaps } = await import("./gaps.js");
    startGaps(list, {
      place,
      leave,
      arrived: addCodeTools,
      placed(articles) {
        memory.placed();
        for (const article of articles) if (article.dataset.follow) watch(article);
      },
      loggedOut: () => (document.querySelector("[data-logged-out]").hidden = false),
    });
  }

  /** Who was led to a message goes on from there: to another version, from a search, by a link. */
  function focusNamed() {
    const article = location.hash.startsWith("#m-") && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!article) return;
    article.tabIndex = -1;
    article.focus({ preventScroll: true });
  }

  const memory = startMemory(list);
  const composer = startComposer({ begin, accepted, failed, settled: settings.settled, adopted: settings.renewed });
  promptsLater((sentence) => (announcer.textContent = sentence));
  startCopy((name) => (name === "copied" ? announce : toast)(name));
  startActions(composer, { announce, toast });
  addCodeTools(list);
  questionsLater(list, leave);
  for (const article of list.querySelectorAll("[data-follow]")) watch(article);
  if (list.querySelector("[data-gap]")) fillGaps();
  focusNamed();
  addEventListener("hashchange", focusNamed);
  // Back from a new conversation to the empty page: that page is not this document any more.
  addEventListener("popstate", () => location.pathname !== shown && location.reload());
  performance.mark("chat ready"); // what is typed and sent is taken from here on
}

/** Shortcuts come right after what the page itself needs. */
function keysSoon() {
  import("./shortcuts.js").then(({ startKeys }) => startKeys()).catch(() => {}); // their page says them, too
}

/** A page for those who are offline is kept on the device; not for guests, nor for a site within another's page. */
function keepOfflinePage() {
  const { worker } = document.body.dataset; // guests have none
  if (worker && "serviceWorker" in navigator && window.top === window) navigator.serviceWorker.register(worker).catch(() => {});
}

addEventListener("load", () => {
  setTimeout(keysSoon, 100);
  setTimeout(keepOfflinePage, 2_000);
});
const chat = document.querySelector("[data-chat]");
if (document.querySelector("[data-chat-menu]")) startSidebar(LATER); // guests have none
searchLater();
if (chat) startChat(chat);
