// A long chat: what is not on the page yet comes as a reader draws near, looks for it, or prints.
import { lookedAt, returnTo } from "./scroll.js";
import { ask, fragmentOf } from "./send.js";

const NEAR = 1200; // px around the view in which nothing shall be missing
const ANCHOR = "article.message";

/** Which end of a gap is filled first, given its top (px from that of the view): the one that is nearer to the reader. */
export function endNearer({ top, viewport, isBetween }) {
  return isBetween && top > viewport / 2 ? "later" : "earlier";
}

/** The address of what comes into a gap: its own, with what is wanted of it: `{later}`, `{whole}` or `{at: id}`. */
export function addressOf(gap, wanted) {
  const query = new URLSearchParams(wanted);
  return query.size ? `${gap}&${query}` : gap;
}

/** The message that a fragment of an address names, or "". */
export function messageIn(hash) {
  try {
    return /^#m-(.+)$/.exec(decodeURIComponent(hash))?.[1] ?? "";
  } catch {
    return "";
  }
}

const WANTED = { later: { later: "1" }, whole: { whole: "1" }, earlier: {} };
const named = (id) => document.getElementById(`m-${id}`);
const errorOf = (gap) => gap.querySelector("[data-gap-error]");
const topOf = (element) => element.getBoundingClientRect().top;

/** Change the page above or below what a reader looks at, which stays where it is. */
function inPlace(list, change) {
  const anchor = lookedAt(list);
  const before = anchor && topOf(anchor);
  change();
  // Browsers that keep the place by themselves have done so by now: then nothing is left to make up for.
  const moved = anchor?.isConnected ? topOf(anchor) - before : 0;
  if (moved) returnTo(anchor, before);
}

/**
 * Fill the gaps of the chat in `list`. `arrived(fragment)` is called on what comes before it stands there, `placed()`
 * afterwards; `leave()` tells that the view shall no longer stay at the end, `loggedOut()` that nobody is logged in. `place` is where a
 * reader was who has come back.
 */
export function startGaps(list, { arrived, placed, place, leave, loggedOut }) {
  const gaps = () => [...list.querySelectorAll("[data-gap]")];
  const watcher = new IntersectionObserver(seen, { rootMargin: `${NEAR}px 0px` });

  function seen(entries) {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && errorOf(target).hidden) fill(target, WANTED[nearerEnd(target)]);
    }
  }

  function nearerEnd(gap) {
    const isBetween = gap.querySelector("[data-fill=later]") !== null;
    return endNearer({ top: topOf(gap), viewport: innerHeight, isBetween });
  }

  /** Resolves to the HTTP status, 0 if the network failed; undefined if it is on its way already. */
  async function fill(gap, wanted) {
    if (gap.ariaBusy === "true") return undefined;
    gap.ariaBusy = "true";
    const response = await ask(addressOf(gap.dataset.gap, wanted));
    gap.ariaBusy = "false";
    if (!gap.isConnected) return undefined;
    if (response?.ok) insert(gap, await fragmentOf(response));
    else if (!wanted.at) refuse(gap, response?.status);
    return response?.status ?? 0;
  }

  function refuse(gap, status) {
    errorOf(gap).hidden = false;
    if (status === 401) loggedOut();
  }

  function insert(gap, fragment) {
    const fresh = [...fragment.querySelectorAll(ANCHOR)];
    for (const article of fresh) if (document.getElementById(article.id)) article.remove();
    const hadFocus = gap.contains(document.activeElement);
    const added = [...fragment.children];
    arrived(fragment);
    inPlace(list, () => {
      gap.replaceWith(fragment);
      placed(fresh);
    });
    if (hadFocus) refocus(added);
    requestAnimationFrame(() => requestAnimationFrame(() => settle(fresh)));
    watch();
  }

  function settle(articles) {
    inPlace(list, () => articles.forEach((article) => article.classList.add("is-measured")));
  }

  /** Who loaded it by a link goes on from there. */
  function refocus(added) {
    const next = added.find((one) => one.matches("[data-gap]"))?.querySelector("[data-fill=earlier]") ?? added.at(-1);
    if (!next) return;
    if (!next.matches("a")) next.tabIndex = -1;
    next.focus({ preventScroll: true });
  }

  function watch() {
    watcher.disconnect();
    for (const gap of gaps()) watcher.observe(gap);
  }

  /** Bring a message onto the page: whether it is there then. */
  async function bring(id) {
    for (const gap of gaps()) {
      if (named(id)) break;
      await fill(gap, { at: id });
    }
    return named(id) !== null;
  }

  /** To the message that the address names; the page is loaded anew if it stands in another version of the chat. */
  async function goToNamed() {
    const id = messageIn(location.hash);
    if (!id || named(id)) return;
    leave();
    if (await bring(id)) return location.replace(location.hash);
    const wanted = new URLSearchParams({ at: id });
    if (new URLSearchParams(location.search).get("at") !== id) location.replace(`?${wanted}${location.hash}`);
  }

  /** Back, or loaded again: to where the reader was, although less is on the page than at that time. */
  async function comeBack({ id, top }) {
    if (!id || named(id) || !(await bring(id))) return;
    returnTo(named(id), top);
    leave();
  }

  async function fillAll() {
    for (const gap of gaps()) await fill(gap, WANTED.whole);
  }

  /** Nothing can be waited for here: the one place where a page may stand still for a request. */
  function fillNow(gap) {
    const request = new XMLHttpRequest();
    request.open("GET", addressOf(gap.dataset.gap, WANTED.whole), false);
    request.setRequestHeader("X-Requested-With", "fetch");
    try {
      request.send();
    } catch {
      return; // what is there is printed
    }
    const page = document.createElement("template");
    page.innerHTML = request.responseText;
    if (request.status === 200) insert(gap, page.content);
  }

  function tryAgain() {
    for (const gap of gaps()) errorOf(gap).hidden = true;
    watch();
  }

  function clicked(event) {
    const link = event.target.closest("[data-fill]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const gap = link.closest("[data-gap]");
    errorOf(gap).hidden = true;
    fill(gap, WANTED[link.dataset.fill]);
  }

  function looksFor({ key, ctrlKey, metaKey }) {
    if (key === "F3" || ((ctrlKey || metaKey) && key.toLowerCase() === "f")) fillAll();
  }

  list.addEventListener("click", clicked);
  addEventListener("keydown", looksFor); // the browser's own search finds what is on the page
  addEventListener("beforeprint", () => gaps().forEach(fillNow));
  addEventListener("hashchange", goToNamed);
  addEventListener("online", tryAgain);
  (place ? comeBack(place) : goToNamed()).then(watch);
}
