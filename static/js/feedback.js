// A thumb for an answer, and a field for why.
import { ask, fragmentOf, post } from "./send.js";

function show(button, isPressed) {
  for (const thumb of button.parentElement.querySelectorAll("[data-thumb]")) {
    const pressed = isPressed && thumb === button;
    const url = new URL(thumb.formAction);
    url.searchParams.set("thumb", pressed ? "" : thumb.dataset.thumb);
    thumb.formAction = url.href;
    thumb.setAttribute("aria-pressed", String(pressed));
  }
}

const fieldsOf = (form, changes) => {
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries(changes)) body.set(name, value);
  return body;
};

/** Save what this button means; a thumb that was just given may be explained. */
export async function act(button, composer, tell) {
  const footer = button.closest("footer");
  const isPressed = button.getAttribute("aria-pressed") !== "true";
  footer.querySelector("[data-feedback-form]")?.remove();
  const address = button.formAction;
  show(button, isPressed);
  const response = await post(address, fieldsOf(button.form, { message_id: button.value }));
  if (!response?.ok) {
    show(button, !isPressed);
    return tell.toast("not-rated");
  }
  tell.announce(isPressed ? "rated" : "unrated");
  if (isPressed) explain(button, footer, tell);
}

async function explain(button, footer, tell) {
  const form = (await fragmentOf(await ask(button.dataset.why))).querySelector("[data-feedback-form]");
  if (!form || button.getAttribute("aria-pressed") !== "true" || footer.querySelector("[data-feedback-form]")) return;

  function close() {
    const held = form.contains(document.activeElement);
    form.remove();
    if (held) button.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const response = await post(form.action, fieldsOf(form, {}));
    if (!response?.ok) return tell.toast("not-rated");
    close();
    tell.toast("explained");
  });
  form.addEventListener("keydown", ({ key, isComposing }) => key === "Escape" && !isComposing && close());
  form.querySelector("[data-close]").addEventListener("click", close);
  footer.append(form);
}
