// The view stays at the end while a reader is there, and nowhere else.

const SLACK = 48; // px that still count as the end

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

function position() {
  return { top: scrollY, viewport: innerHeight, height: document.documentElement.scrollHeight };
}

/** Follow the growth of `content`; `button` leads back. Returns `toEnd()`. */
export function startScroll(content, button) {
  const returning = history.state?.away === true; // a reload, or Back: the browser finds the old place
  const linked = location.hash && content.querySelector(`#${CSS.escape(location.hash.slice(1))}`);
  let stays = !returning && !linked;
  let last = position();

  function toEnd(behavior = "instant") {
    stays = true;
    button.hidden = true;
    scrollTo({ top: document.documentElement.scrollHeight, behavior });
    last = position(); // or a reader who goes up just then would seem to stand still
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
  addEventListener("pagehide", () => history.replaceState({ ...history.state, away: !stays }, ""));
  new ResizeObserver(grown).observe(content);
  button.addEventListener("click", () => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    toEnd(calm ? "instant" : "smooth");
  });
  if (stays) toEnd();
  return toEnd;
}
