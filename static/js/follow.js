// The connection to one reply: an EventSource that comes back, from where it was, after whatever went wrong.

const EVENTS = ["delta", "reasoning", "open", "settled", "reset", "waiting", "done", "title", "restart"];
const FIRST_DELAY = 500;
const LONGEST_DELAY = 5_000; // after an outage all is normal within 5 s
const ENDINGS = [204, 401, 403, 404, 410]; // read to the end, logged out, not yours, not there

/** Milliseconds before attempt number `attempt` (0, 1, …) in a row; `random` in [0, 1) spreads many readers. */
export function backOff(attempt, random = Math.random()) {
  return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt) * (0.5 + random / 2);
}

/** The address that answers with what comes after event `id` ("": from the start). */
export function withCursor(url, id) {
  return id ? `${url}${url.includes("?") ? "&" : "?"}after=${encodeURIComponent(id)}` : url;
}

/** Whether a reply that is answered with this HTTP status will bring nothing more. */
export function isOver(status) {
  return ENDINGS.includes(status);
}

/** The HTTP status of an address, 0 if the network fails. EventSource does not tell why it gave up. */
async function statusOf(url) {
  const abort = new AbortController();
  try {
    const response = await fetch(url, { cache: "no-store", signal: abort.signal });
    return response.status;
  } catch {
    return 0;
  } finally {
    abort.abort();
  }
}

/**
 * Follow a reply until it is done and titled.
 *
 * `receive({type, data})` gets each event; `report(condition, status)` gets "connected", "lost" (it heals by
 * itself) and at last "over", with the HTTP status where one ended it. Hidden pages hold no connection.
 */
export function follow(url, { receive, report }) {
  const page = new AbortController();
  let source = null;
  let lastId = "";
  let attempt = 0;
  let timer = 0;
  let done = false;

  function open() {
    if (source || document.hidden || page.signal.aborted) return;
    clearTimeout(timer);
    source = new EventSource(withCursor(url, lastId));
    source.onopen = () => report("connected");
    source.onerror = fail;
    for (const type of EVENTS) source.addEventListener(type, take);
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function finish(status) {
    close();
    page.abort();
    report("over", status);
  }

  function take({ type, data, lastEventId }) {
    if (data === undefined) return; // "open" is also what EventSource calls its own beginning
    lastId = lastEventId || lastId;
    attempt = 0;
    if (type === "restart") return reopenLater();
    done ||= type === "done";
    receive({ type, data: JSON.parse(data) });
    if (done && type === "title") finish();
  }

  function fail() {
    if (done) return finish();
    report("lost");
    // While it is CONNECTING the browser itself tries again; CLOSED means that it gave up.
    if (source.readyState === EventSource.CLOSED) reopenLater();
  }

  function reopenLater() {
    if (done) return finish();
    close();
    timer = setTimeout(reopen, backOff(attempt++));
  }

  async function reopen() {
    const status = await statusOf(withCursor(url, lastId));
    if (source || page.signal.aborted) return;
    if (isOver(status)) return finish(status);
    if (status === 200) return open();
    report("lost");
    reopenLater();
  }

  function listen(target, type, handler) {
    target.addEventListener(type, handler, { signal: page.signal });
  }

  // A title may follow the last word of an answer: a page that is hidden just then waits for it.
  listen(document, "visibilitychange", () => (document.hidden ? done || close() : open()));
  listen(window, "pagehide", close);
  listen(window, "pageshow", open);
  listen(window, "offline", () => report("lost"));
  listen(window, "online", () => {
    close(); // the old connection may hang for minutes before the browser notices
    open();
  });
  open();
}
