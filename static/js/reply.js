// One reply on the page: events change a state, and the state is painted, at most once per frame.
import { thoughtsPainter } from "./thoughts.js";

/**
 * What is known of a reply. `settled` are pieces of HTML that no longer change, `open` is the HTML of the
 * unfinished block, `tail` the text behind it that is not rendered yet. `epoch` grows when everything
 * starts anew, `segment` when `tail` does; so a painter knows what it may append to. `footer` is HTML once done.
 * `thoughts` is what the model thinks, as text, after `thoughtFor` ms; `mind` grows when that starts anew.
 */
export const BLANK = Object.freeze({
  epoch: 0,
  segment: 0,
  settled: Object.freeze([]),
  open: "",
  tail: "",
  waiting: null,
  mind: 0,
  thoughts: "",
  thoughtFor: 0,
  status: "in_progress",
  footer: null,
});

/** The state after an event `{type, data}`; events that are not about the text leave it as it is. */
export function reduce(state, { type, data }) {
  const segment = state.segment + 1;
  switch (type) {
    case "delta":
      return { ...state, tail: state.tail + data.text };
    case "open":
      return { ...state, segment, open: data.html, tail: data.tail };
    case "settled":
      return { ...state, segment, settled: [...state.settled, data.html], open: "", tail: data.tail };
    case "reset":
      return { ...anew(state, data.html), ...rethought(state, ""), segment, tail: data.tail };
    case "reasoning":
      return { ...state, thoughts: state.thoughts + data.text, thoughtFor: data.ms };
    case "waiting":
      return { ...state, waiting: data.text };
    case "done": {
      const text = data.html === undefined ? { ...state, open: "" } : anew(state, data.html);
      const thoughts = data.reasoning === undefined ? {} : rethought(state, data.reasoning);
      const thoughtFor = data.ms ?? state.thoughtFor;
      return { ...text, ...thoughts, thoughtFor, segment, tail: "", status: data.status, footer: data.footer };
    }
    default:
      return state;
  }
}

function anew(state, html) {
  return { ...state, epoch: state.epoch + 1, settled: html ? [html] : [], open: "" };
}

function rethought(state, thoughts) {
  return { mind: state.mind + 1, thoughts };
}

/** Whether there is anything to read yet. */
export function hasText({ settled, open, tail }) {
  return settled.length > 0 || open !== "" || tail !== "";
}

const ITEM = /^(\s*)(?:[-*+]|\d{1,9}[.)])(?:\s+|$)/;
const CLOSING_FENCE = /^\s*(?:`{1,9}|~{1,9})$/;
const BLOCK_BEGINS = /^\s*(?:[-*+#>|]|\d{1,9}[.)]|`{3}|~{3}|$)/;

/**
 * Where the text behind the unfinished block is shown so that nothing jumps once it is rendered, and how many of
 * its characters are markup that is left out: `{place, skip}`. The place is "code" (goes on in it), "paragraph"
 * (is its next line), "item" or "subitem" (of the list) or "after" (begins something of its own).
 * `block` is "code", "paragraph", "list" or "" for any other.
 */
export function placeOfTail(block, tail) {
  if (block === "code") return { place: "code", skip: CLOSING_FENCE.test(tail) ? tail.length : 0 };
  const item = block === "list" && ITEM.exec(tail);
  if (item) return { place: item[1] ? "subitem" : "item", skip: item[0].length };
  return { place: block === "paragraph" && !BLOCK_BEGINS.test(tail) ? "paragraph" : "after", skip: 0 };
}

function kindOf(element) {
  if (element?.matches(".code")) return "code";
  if (element?.matches("ul, ol")) return "list";
  return element?.matches("p") ? "paragraph" : "";
}

/** The list that the next item belongs to: the one at the end of `list`, however deep, if the item is indented. */
function listFor(place, list) {
  const inner = list.lastElementChild?.lastElementChild;
  return place === "subitem" && inner?.matches("ul, ol") ? listFor(place, inner) : list;
}

/** A function that paints states into the article; `decorate(element)` is called on what was put in as HTML. */
export function painter(article, decorate) {
  const settled = article.querySelector("[data-settled]");
  const open = article.querySelector("[data-open]");
  const tail = article.querySelector("[data-tail]");
  const text = tail.appendChild(document.createTextNode(""));
  const paintThoughts = thoughtsPainter(article);
  let painted = BLANK;
  let wanted = BLANK;
  let placed = { place: "after", skip: 0 };
  let frame = 0;

  function paint() {
    const [before, now] = [painted, wanted];
    frame = 0;
    painted = now;
    paintThoughts(before, now, now.footer === null && !hasText(now));
    paintSettled(before, now);
    if (before.segment !== now.segment) paintOpen(now);
    paintTail(before, now);
    if (now.footer !== null && now.footer !== before.footer) paintEnd(now);
    else if (hasText(now) || now.thoughts !== "") say("");
    else if (now.waiting !== null) say(now.waiting);
  }

  function paintSettled(before, now) {
    const anew = before.epoch !== now.epoch;
    if (anew) settled.replaceChildren();
    const html = now.settled.slice(anew ? 0 : before.settled.length).join("");
    if (!html) return;
    settled.insertAdjacentHTML("beforeend", html);
    decorate(settled);
  }

  function paintOpen(now) {
    open.innerHTML = now.open;
    decorate(open);
    placed = null;
  }

  function paintTail(before, now) {
    const next = placeOfTail(kindOf(open.lastElementChild), now.tail);
    if (next.place === placed?.place && next.skip === placed.skip) {
      if (now.tail.length > before.tail.length) text.appendData(now.tail.slice(before.tail.length));
      return;
    }
    if (next.place !== placed?.place) moveTail(next.place);
    text.data = now.tail.slice(next.skip);
    placed = next;
  }

  function moveTail(place) {
    const last = open.lastElementChild;
    const left = tail.parentElement;
    if (place === "code") last.querySelector("code").append(tail);
    else if (place === "paragraph") last.append(" ", tail);
    else if (place === "after") open.after(tail);
    else listFor(place, last).appendChild(document.createElement("li")).append(tail);
    if (left?.matches("li:empty")) left.remove();
  }

  function paintEnd(now) {
    const footer = article.querySelector("[data-footer]");
    article.dataset.status = now.status;
    delete article.dataset.follow;
    const held = footer.contains(document.activeElement); // by the button that stops this one of several
    footer.innerHTML = now.footer;
    if (held) footer.querySelector("a, button")?.focus({ preventScroll: true });
  }

  function say(sentence) {
    const element = article.querySelector("[data-waiting]");
    if (element && element.textContent !== sentence) element.textContent = sentence;
  }

  return (state) => {
    wanted = state;
    if (state.footer === null) {
      frame ||= requestAnimationFrame(paint);
    } else {
      cancelAnimationFrame(frame); // the end is shown before anything else says that it has come
      paint();
    }
  };
}
