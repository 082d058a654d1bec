// Posting forms: the same key again after a failure, so that one send is one turn.

const PATIENCE = 15_000; // ms that a message waits for a server that asked for time
const NETWORK_PATIENCE = 3_000;
const TIME_LIMIT = 30_000;

/**
 * Milliseconds until the same message is sent again by itself, or null when a person decides.
 *
 * `status` is 0 when the network failed; `known` tells whether the answer came from this site and not from a
 * proxy before it; `retryAfter` is the header, in seconds; `waited` the ms already spent on waiting.
 */
export function delayBeforeResend({ status, known, retryAfter, waited }) {
  if (status === 503 && known && retryAfter !== null) {
    const delay = Math.max(0.5, Number(retryAfter) || 1) * 1000;
    return waited + delay <= PATIENCE ? delay : null;
  }
  const unanswered = status === 0 || (!known && [502, 503, 504].includes(status));
  return unanswered && waited < NETWORK_PATIENCE ? 1000 : null;
}

/** Post `body` (URLSearchParams) as our script: the Response, or null if the network failed. */
export function post(url, body, options = {}) {
  return ask(url, { method: "POST", body, ...options });
}

/** Get a fragment as our script: the Response, or null if the network failed. */
export async function ask(url, options = {}) {
  try {
    return await fetch(url, {
      ...options,
      headers: { "X-Requested-With": "fetch" },
      signal: AbortSignal.timeout(TIME_LIMIT),
    });
  } catch {
    return null;
  }
}

/** The markup in a response; nothing where there is none. */
export async function fragmentOf(response) {
  const page = document.createElement("template");
  page.innerHTML = (await response?.text().catch(() => "")) ?? "";
  return page.content;
}

/** Post until it is answered: `{turn, composer}`, elements of the answer or null. */
export async function deliver(url, body) {
  for (let waited = 0; ; ) {
    const answer = await attempt(url, body);
    const delay = navigator.onLine ? delayBeforeResend({ ...answer, waited }) : null;
    if (delay === null) return answer;
    waited += delay;
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

async function attempt(url, body) {
  const response = await post(url, body);
  const page = await fragmentOf(response);
  const turn = response?.ok ? page.querySelector(".turn") : null;
  const composer = page.querySelector("form[data-composer]");
  return {
    turn,
    composer,
    status: response?.status ?? 0,
    known: Boolean(turn || composer),
    retryAfter: response?.headers.get("Retry-After") ?? null,
  };
}
