// One reply on the page: events change a state, and the state is painted, at most once per frame.

/**
 * What is known of a reply. `settled` are pieces of HTML that no longer change, `open` is the HTML of the
 * unfinished block, `tail` the text behind it that is not rendered yet. `epoch` grows when everything
 * starts anew, `segment` when `tail` does; so a painter knows what it may append to. `footer` is HTML once done.
 */
export const BLANK = Object.freeze({
  epoch: 0,
  segment: 0,
  settled: Object.freeze([]),
  open: "",
  tail: "",
  waiting: null,
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
      return { ...anew(state, data.html), segment, tail: data.tail };
    case "waiting":
      return { ...state, waiting: data.text };
    case "done": {
      const text = data.html === undefined ? { ...state, open: "" } : anew(state, data.html);
      return { ...text, segment, tail: "", status: data.status, footer: data.footer };
    }
    default:
      return state;
  }
}

function anew(state, html) {
  return { ...state, epoch: state.epoch + 1, settled: html ? [html] : [], open: "" };
}

/** Whether there is anything to read yet. */
export function hasText({ settled, open, tail }) {
  return settled.length > 0 || open !== "" || tail !== "";
}

const BLOCK_BEGINS = /^\s*(?:[-*+#>|]|\d{1,9}[.)]|`{3}|~{3}|$)/;

/**
 * Where the text after the unfinished block belongs: "code" (goes on in it), "paragraph" (is its next line)
 * or "after" (begins something of its own). `block` is "code", "paragraph" or "" for any other.
 */
export function placeOfTail(block, tail) {
  if (block === "code") return "code";
  return block === "paragraph" && !BLOCK_BEGINS.test(tail) ? "paragraph" : "after";
}

/** A function that paints states into the article; `decorate(element)` is called on what was put in as HTML. */
export function painter(article, decorate) {
  const settled = article.querySelector("[data-settled]");
  const open = article.querySelector("[data-open]");
  const tail = article.querySelector("[data-tail]");
  const text = tail.appendChild(document.createTextNode(""));
  let painted = BLANK;
  let wanted = BLANK;
  let frame = 0;

  function paint() {
    const [before, now] = [painted, wanted];
    frame = 0;
    painted = now;
    paintSettled(before, now);
    if (before.segment !== now.segment) paintOpen(now);
    else if (now.tail.length > before.tail.length) text.appendData(now.tail.slice(before.tail.length));
    if (now.footer !== null && now.footer !== before.footer) paintEnd(now);
    else if (hasText(now)) say("");
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
    text.data = now.tail;
    const last = open.lastElementChild;
    const block = last?.matches(".code") ? "code" : last?.matches("p") ? "paragraph" : "";
    const place = placeOfTail(block, now.tail);
    if (place === "code") last.querySelector("code").append(tail);
    else if (place === "paragraph") last.append(" ", tail);
    else open.after(tail);
  }

  function paintEnd(now) {
    const footer = article.querySelector("[data-footer]");
    article.dataset.status = now.status;
    delete article.dataset.follow;
    footer.innerHTML = now.footer;
  }

  function say(sentence) {
    const element = article.querySelector("[data-waiting]");
    if (element && element.textContent !== sentence) element.textContent = sentence;
  }

  return (state) => {
    wanted = state;
    frame ||= requestAnimationFrame(paint);
  };
}
