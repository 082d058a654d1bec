// What becomes of long lists, without the page they stand in.

// Which deeds take a chat out of which list's page; what stays there keeps its row.
const LEAVES = {
  trash: ["all", "folder", "archive"],
  archive: ["all", "folder"],
  unarchive: ["archive"],
  pin: ["archive"],
  move: ["folder"],
  restore: ["trash"],
  purge: ["trash"],
};

/** Whether a chat has to leave the page of the list `place` after this deed. */
export function leaves(verb, place) {
  return LEAVES[verb]?.includes(place) ?? false;
}

/**
 * Which of the rows that were loaded stay behind those that came fresh, by their ids.
 *
 * `hasMore`: the fresh ones are not all. What was loaded further down stays if the two can be joined.
 */
export function tail(loaded, fresh, hasMore) {
  const at = fresh.length ? loaded.indexOf(fresh.at(-1)) : -1;
  if (at < 0 || !hasMore) return [];
  return loaded.slice(at + 1).filter((id) => !fresh.includes(id));
}

/** What the box "select all" shows for `checked` of `all` rows. */
export function stateOfAll(checked, all) {
  return { checked: all > 0 && checked === all, indeterminate: checked > 0 && checked < all };
}

/** The indices from `from` to `to`, whichever is smaller, both included. */
export function range(from, to) {
  const [low, high] = from < to ? [from, to] : [to, from];
  return Array.from({ length: high - low + 1 }, (_none, index) => low + index);
}
