// What was typed and not yet accepted, per person and place, kept in this browser.

const PREFIX = "draft ";
const MOST = 50;

/** The draft kept under `key`, or "". `storage` is a Storage, or null where the browser has none. */
export function recallDraft(storage, key) {
  return read(storage, PREFIX + key)?.text ?? "";
}

/** Keep `text` under `key`; blank text removes it. Beyond 50 drafts the oldest go. */
export function keepDraft(storage, key, text, now = Date.now()) {
  if (!storage) return;
  try {
    if (text.trim()) storage.setItem(PREFIX + key, JSON.stringify({ text, at: now }));
    else storage.removeItem(PREFIX + key);
  } catch {
    return; // full: the text still stands in the page
  }
  const names = Object.keys(storage).filter((name) => name.startsWith(PREFIX));
  if (names.length <= MOST) return;
  const byAge = names.sort((one, other) => (read(storage, one)?.at ?? 0) - (read(storage, other)?.at ?? 0));
  for (const name of byAge.slice(0, names.length - MOST)) storage.removeItem(name);
}

/** The name under which a changed message is kept. */
export function editKey(person, id) {
  return `${person} edit ${id}`;
}

/** The ids of the messages that this person was changing when a page was left. */
export function editsKept(storage, person) {
  const begin = PREFIX + editKey(person, "");
  const names = storage ? Object.keys(storage) : [];
  return names.filter((name) => name.startsWith(begin)).map((name) => name.slice(begin.length));
}

/** Two texts one after the other, where either may be empty. */
export function joined(first, second) {
  return [first, second].filter((text) => text.trim()).join("\n");
}

/** What stands in the field together with what was kept, neither of it twice. */
export function withDraft(shown, draft) {
  if (shown.includes(draft) && shown.trim()) return shown;
  return draft.includes(shown) ? draft : joined(draft, shown);
}

/** A text without what the page gave into it, at its end. */
export function without(text, given) {
  if (!given) return text;
  if (text === given) return "";
  return text.endsWith(`\n${given}`) ? text.slice(0, -given.length - 1) : text;
}

/** What the browser keeps, for long or as long as the tab; null where it is blocked: even to look at it throws then. */
export function browserStorage(name = "localStorage") {
  try {
    return window[name];
  } catch {
    return null;
  }
}

function read(storage, name) {
  try {
    return JSON.parse(storage?.getItem(name) ?? "null");
  } catch {
    return null;
  }
}
