// Selecting many chats on a list's page: all at once, a range with Shift, and how many they are.
import { range, stateOfAll } from "./lists.js";
import { ask } from "./organise.js";

export function start() {
  const form = document.querySelector("[data-selecting]");
  const everything = form.querySelector("[data-everything]");
  const all = form.querySelector("[data-select-all]");
  const count = form.querySelector("[data-count]");
  const words = document.querySelector("[data-counts]").dataset;
  let last = null;

  const boxes = () => [...form.querySelectorAll("[data-rows] input[type=checkbox]")];

  function show() {
    const rows = boxes();
    const checked = rows.filter((box) => box.checked).length;
    Object.assign(all, stateOfAll(checked, rows.length));
    count.hidden = !checked;
    form.querySelector("[data-none]").hidden = checked > 0;
    count.textContent = checked === 1 ? words.one : words.many.replace("{count}", checked.toLocaleString(document.documentElement.lang));
    const hasMore = form.querySelector("[data-more]") !== null;
    everything.hidden = !(all.checked && hasMore);
    if (everything.hidden) everything.querySelector("input").checked = false;
    for (const button of form.querySelectorAll("[data-actions] button")) button.disabled = !checked;
    form.toggleAttribute("data-has-selection", checked > 0);
  }

  form.addEventListener("click", (event) => {
    if (!event.target.matches("[data-rows] input[type=checkbox]")) return;
    const rows = boxes();
    const at = rows.indexOf(event.target);
    if (event.shiftKey && last !== null && rows[last]) for (const index of range(last, at)) rows[index].checked = event.target.checked;
    last = at;
  });
  form.addEventListener("change", ({ target }) => {
    if (target === all) for (const box of boxes()) box.checked = all.checked;
    show();
  });
  form.addEventListener("submit", (event) => {
    const url = event.submitter?.getAttribute("formaction");
    if (!url) return;
    event.preventDefault();
    ask(url, { body: new URLSearchParams(new FormData(form, event.submitter)), forMany: true });
  });
  document.addEventListener("rows-changed", show);
  show();
}
