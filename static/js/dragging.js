// Dragging chats onto folders, onto the pins, and back into the list. The menu does the same without a mouse.
import { act } from "./organise.js";

let ids = [];
let over = null;

/** Where a dragged row may be put, from what is under the pointer: `{place, verb, more}`, or null. */
function targetAt(element, row) {
  const folder = element.closest("[data-folder]");
  if (folder) return { place: folder, verb: "move", more: { to: folder.dataset.folder } };
  const pins = element.closest("[data-pins]");
  if (pins) return row.dataset.in === "pinned" ? null : { place: pins, verb: "pin" };
  const recent = element.closest("[data-recent]");
  if (recent && row.dataset.in === "pinned") return { place: recent, verb: "unpin" };
  return recent && row.dataset.in === "folder" ? { place: recent, verb: "move", more: { to: "" } } : null;
}

function mark(place) {
  if (over === place) return;
  over?.removeAttribute("data-drop");
  over = place;
  over?.setAttribute("data-drop", "");
}

/** All that is selected goes with a row that is. */
function draggedWith(row) {
  const selected = [...document.querySelectorAll("[data-rows] input[name=chat]:checked")].map((box) => box.value);
  const { conversation } = row.dataset;
  return selected.includes(conversation) && row.closest("[data-rows]") ? selected : [conversation];
}

export function begin(row) {
  const end = new AbortController();
  const listen = (type, handler) => document.addEventListener(type, handler, { signal: end.signal });
  ids = draggedWith(row);
  row.setAttribute("data-dragged", "");
  listen("dragover", (event) => {
    const target = targetAt(event.target, row);
    mark(target?.place ?? null);
    if (target) event.preventDefault();
  });
  listen("drop", (event) => {
    const target = targetAt(event.target, row);
    if (!target) return;
    event.preventDefault();
    act(target.verb, ids, target.more);
  });
  listen("dragend", () => {
    mark(null);
    row.removeAttribute("data-dragged");
    end.abort();
  });
}
