// The view stays at the end while a reader is there, and nowhere else.

const SLACK = 48; // px that still count as the end
const LEAST_KEYBOARD = 100; // px

/** Whether this position `{top, viewport, height}` (px) shows the end. */
export function isAtEnd({ top, viewport, height }) {
  return height - top - viewport <= SLACK;
}

/**
 * Whether to stay at the end, after the position changed from `before` to `now`.
 * Going up, however little, is leaving; being at the end otherwise is arriving; growth alone changes nothing.
 */
export function staysAtEnd(stays, before, now) {
  const wentUp = now.top < before.top - 1 && now.height >= before.height && now.viewport <= before.viewport;
  if (wentUp) return false;
  return stays || isAtEnd(now);
}

/**
 * How much of the page (px) the keyboard covers, where a browser lays it over the page, as on iOS, instead of making
 * room. What is zoomed in shows less for another reason, and a bar of the browser is no keyboard.
 */
export function coveredBy({ height, offsetTop, scale }, windowHeight) {
  const hidden = Math.round(windowHeight - height - offsetTop);
  return scale > 1.01 || hidden < LEAST_KEYBOARD ? 0 : hidden;
}

/** Let the styles know it; `changed()` is called when it has. */
function watchKeyboard(changed) {
  const view = window.visualViewport;
  let known = 0;

  function look() {
    const covered = coveredBy(view, innerHeight);
    if (covered === known) return;
    known = covered;
    document.documentElement.style.setProperty("--keyboard", `${covered}px`);
    changed();
  }

  view?.addEventListener("resize", look);
  view?.addEventListener("scroll", look);
}

function position() {
  return { top: scrollY, viewport: innerHeight, height: document.documentElement.scrollHeight };
}

/** The message that a reader looks at: the first that is not above the view. */
export function lookedAt(content) {
  const header = document.querySelector(".header")?.offsetHeight ?? 0;
  const articles = [...content.querySelectorAll("article.message")];
  return articles.find((one) => one.getBoundingClientRect().bottom > header);
}

/** Scroll until this message is where it was, `top` px below the upper edge of the view. */
export function returnTo(article, top) {
  scrollBy({ top: article.getBoundingClientRect().top - top, behavior: "instant" });
}

const placeKey = () => `place ${location.pathname}`;

/**
 * Where a reader was who loads this page again, or comes back to it: `{id, top}` of a message, `{}` at the end; null for
 * anybody else. The browser's own number of pixels means nothing where a page was longer when it was left.
 */
function placeBefore() {
  const [arrival] = performance.getEntriesByType("navigation");
  if (!["reload", "back_forward"].includes(arrival?.type)) return null;
  try {
    return JSON.parse(sessionStorage.getItem(placeKey()));
  } catch {
    return null;
  }
}

function keepPlace(article) {
  const place = article ? { id: article.dataset.id, top: article.getBoundingClientRect().top } : {};
  try {
    sessionStorage.setItem(placeKey(), JSON.stringify(place));
  } catch {
    // Storage is blocked: the page opens at its end.
  }
}

/**
 * Follow the growth of `content`; `button` leads back. Returns `{toEnd, leave, place}`: go there, or do not stay there;
 * and where the reader was before (see above).
 */
export function startScroll(content, button) {
  const place = placeBefore();
  const target = place?.id && content.querySelector(`#m-${CSS.escape(place.id)}`);
  const linked = location.hash && content.querySelector(`#${CSS.escape(location.hash.slice(1))}`);
  let stays = place ? !place.id : !linked;
  let last = position();

  function toEnd(behavior = "instant") {
    stays = true;
    button.hidden = true;
    scrollTo({ top: document.documentElement.scrollHeight, behavior });
    last = position(); // or a reader who goes up just then would seem to stand still
  }

  function leave() {
    stays = false;
    last = position();
    button.hidden = isAtEnd(last);
  }

  function moved() {
    const now = position();
    stays = staysAtEnd(stays, last, now);
    last = now;
    button.hidden = stays || isAtEnd(now);
  }

  function grown() {
    if (stays) toEnd();
    else moved();
  }

  addEventListener("scroll", moved, { passive: true });
  addEventListener("resize", grown);
  watchKeyboard(grown);
  addEventListener("pagehide", () => keepPlace(stays ? null : lookedAt(content)));
  new ResizeObserver(grown).observe(content);
  button.addEventListener("click", () => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    toEnd(calm ? "instant" : "smooth");
  });
  history.scrollRestoration = "manual";
  if (target) returnTo(target, place.top);
  if (stays) toEnd();
  return { toEnd, leave, place };
}
