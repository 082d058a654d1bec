// Editing a message in its place, and sending it as another version; what is typed is kept until it was accepted.
import { isSend, isTooLong } from "./composer.js";
import { editKey, keepDraft, recallDraft } from "./drafts.js";

/** Put a field in the place of the message whose link this is. */
export function act(link, composer) {
  const article = link.closest("article");
  if (article.querySelector("[data-edit-form]")) return article.querySelector("textarea").focus();
  const bubble = article.querySelector("[data-text]");
  const view = document.querySelector("template[data-edit-view]").content.firstElementChild.cloneNode(true);
  const field = view.elements.content;
  const error = view.querySelector("[data-edit-error]");
  const { draftStorage: storage, form, touch } = composer;
  const key = editKey(document.body.dataset.user, article.dataset.id);

  function close() {
    keepDraft(storage, key, "");
    view.remove();
    article.classList.remove("is-edited");
    link.focus();
  }

  /** The reason stands where the text is, not below the page. */
  function complain({ composer: refused }) {
    const name = refused ? "" : "network";
    const sentence = refused
      ? refused.querySelector('[data-part="error"]').firstElementChild
      : form.querySelector(`template[data-sentence="${name}"]`).content.firstElementChild.cloneNode(true);
    error.replaceChildren(...(sentence ? [sentence] : []));
    if (refused) composer.refuse({ composer: refused }); // with it comes a fresh token and a fresh key
    field.focus();
  }

  async function send() {
    const text = field.value;
    if (!text.trim()) return field.focus();
    error.replaceChildren();
    if (isTooLong(text, Number(form.dataset.maxLength))) {
      const sentence = form.querySelector('template[data-sentence="long"]').content.cloneNode(true);
      return error.replaceChildren(sentence);
    }
    const url = new URL(link.href).pathname;
    const changes = { message_id: article.dataset.id, content: text, models: null };
    const answer = await composer.answerAgain(article, url, changes);
    if (!answer) return error.replaceChildren(view.querySelector("template[data-busy]").content.cloneNode(true));
    if (!answer.turn) return complain(answer);
    keepDraft(storage, key, "");
    composer.refocus();
  }

  field.value = recallDraft(storage, key) || bubble.textContent;
  field.addEventListener("input", () => keepDraft(storage, key, field.value === bubble.textContent ? "" : field.value));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) close();
    if (!isSend(event) || touch.matches) return;
    event.preventDefault();
    send();
  });
  view.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    send();
  });
  view.querySelector("[data-cancel]").addEventListener("click", close);
  article.classList.add("is-edited");
  bubble.after(view);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}
