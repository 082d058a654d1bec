// A chat's title becomes a field in its place: Enter or leaving saves, Escape does not.
import { fragmentOf, post } from "./send.js";
import { retitle } from "./sidebar.js";

/** `link` is the one of the chat's menu, and leads to the page for renaming. */
export function renameAt(link) {
  const title = link.parentElement.querySelector("[data-title]");
  const form = document.querySelector("template[data-rename]").content.firstElementChild.cloneNode(true);
  const field = form.elements.title;
  let busy = false; // saving, or already leaving: to remove a field blurs it

  function restore() {
    busy = true;
    const hadFocus = form.contains(document.activeElement);
    form.remove();
    title.hidden = link.hidden = false;
    if (hadFocus) link.focus();
  }

  async function save() {
    if (busy) return;
    if (!field.value.trim() || field.value === title.textContent) return restore();
    busy = true;
    const response = await post(link.href, new URLSearchParams(new FormData(form)));
    busy = false;
    const page = await fragmentOf(response);
    const renamed = response?.ok && page.querySelector("[data-title]");
    if (renamed) {
      restore();
      retitle(link.closest("[data-conversation]").dataset.conversation, renamed.textContent);
    } else {
      field.setCustomValidity(page.querySelector(".field-error")?.textContent || form.dataset.error);
      field.reportValidity();
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  field.addEventListener("input", () => field.setCustomValidity(""));
  field.addEventListener("blur", save);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // or it closes the drawer too
    restore();
  });
  title.hidden = link.hidden = true;
  title.after(form);
  field.value = title.textContent;
  field.select();
}
