// Choosing one of many models: what a search finds, where keys lead, which were chosen lately. No page is touched here.
import { browserStorage } from "./drafts.js";

const MOST_RECENT = 3;
const PAGE = 8; // options that Page Up and Page Down pass over

/** Text as it is searched, as the server folds it: without case and without marks. */
export function fold(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("đ", "d");
}

/**
 * The entries that have all words of the query, in the order to show: those first whose label begins with it, then
 * those whose label has it, then the others. `entries` have a `label` and the `searched` text, both folded.
 */
export function found(entries, query) {
  const wanted = fold(query).trim();
  const words = wanted.split(/\s+/);
  const rank = ({ label }) => (label.startsWith(wanted) ? 0 : label.includes(wanted) ? 1 : 2);
  const fitting = entries.filter(({ searched }) => words.every((word) => searched.includes(word)));
  return wanted ? fitting.sort((one, other) => rank(one) - rank(other)) : fitting;
}

/** Where a key leads in a list of `count` options, from `at` (-1: from nowhere); null for keys that lead nowhere. */
export function step(key, at, count) {
  const last = count - 1;
  const places = {
    ArrowDown: at >= last ? 0 : at + 1,
    ArrowUp: at <= 0 ? last : at - 1,
    PageDown: Math.min(last, at + PAGE),
    PageUp: Math.max(0, at - PAGE),
    Home: 0,
    End: last,
  };
  return count && Object.hasOwn(places, key) ? places[key] : null;
}

/** The recent choices once `id` was chosen: newest first, each once. */
export function remembered(recent, id) {
  return [id, ...recent.filter((other) => other !== id)].slice(0, MOST_RECENT);
}

const recentKey = () => `models ${document.body.dataset.user}`;

/** The ids of the models that this person chose last in this browser, the newest first. */
export function recentChoices() {
  try {
    return JSON.parse(browserStorage().getItem(recentKey())) ?? [];
  } catch {
    return []; // nothing was kept, or not by us
  }
}

export function keepRecent(id) {
  try {
    browserStorage().setItem(recentKey(), JSON.stringify(remembered(recentChoices(), id)));
  } catch {
    // The list stays as it was.
  }
}
