// From question to question, in a chat that is longer than the window.

const QUESTION = "article.message.user:not(.is-pending)";
const SLACK = 4; // px that a question may be off its place and still be where the reader is
const SOON = 100; // ms after the last movement

/**
 * Which question to go to, given the tops of all (px, in order, 0 where one stands that was gone to): the index of the
 * one `before` and `after` the reader, -1 if there is none. At the start of the page nothing lies above, at its end
 * nothing below.
 */
export function neighbours(tops, { viewport, isAtStart, isAtEnd }) {
  const before = isAtStart ? -1 : tops.findLastIndex((top) => top < -SLACK);
  const after = isAtEnd ? -1 : tops.findIndex((top) => top > SLACK);
  const all = tops.every((top) => top >= -SLACK && top < viewport);
  return { before, after: all && before < 0 ? -1 : after };
}

/** Serve the buttons in `group`; `leave()` tells that the view shall no longer stay at the end. */
export function startQuestions(list, group, leave) {
  const [previous, next] = ["previous", "next"].map((name) => group.querySelector(`[data-question=${name}]`));
  let timer = 0;

  /** Where a question stands that was gone to. */
  function placeOf(question) {
    return Number.parseFloat(getComputedStyle(question).scrollMarginBlockStart) || 0;
  }

  function look() {
    const questions = [...list.querySelectorAll(QUESTION)];
    const place = questions.length ? placeOf(questions[0]) : 0;
    const tops = questions.map((question) => question.getBoundingClientRect().top - place);
    const isAtEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - SLACK;
    return { questions, ...neighbours(tops, { viewport: innerHeight - place, isAtStart: scrollY <= SLACK, isAtEnd }) };
  }

  function show() {
    const { before, after } = look();
    const isOf = (index) => String(index < 0);
    previous.setAttribute("aria-disabled", isOf(before));
    next.setAttribute("aria-disabled", isOf(after));
    if (!group.contains(document.activeElement)) group.hidden = before < 0 && after < 0;
  }

  function go(name) {
    const { questions, before, after } = look();
    const question = questions[name === "previous" ? before : after];
    if (!question) return;
    if (name === "previous") leave();
    question.scrollIntoView({ block: "start", behavior: "instant" }); // at once: many press twice
  }

  function moved() {
    clearTimeout(timer);
    timer = setTimeout(show, SOON);
  }

  group.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-question]");
    if (button) go(button.dataset.question);
  });
  addEventListener("scroll", moved, { passive: true });
  addEventListener("resize", moved);
  new ResizeObserver(moved).observe(list);
  show();
}
