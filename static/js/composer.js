// The composer: what is typed is kept until the site has accepted it.
import { browserStorage, joined, keepDraft, recallDraft, withDraft, without } from "./drafts.js";
import { deliver, post } from "./send.js";

/**
 * Whether this key press sends: Enter, or for those who prefer it ("ctrl-enter") Enter with Ctrl or Command; that sends
 * for everybody. Not while an input method composes (229: Safari ends a composition so).
 */
export function isSend({ key, shiftKey, ctrlKey, metaKey, isComposing, keyCode }, preferred = sendKey()) {
  const isMeant = preferred === "ctrl-enter" ? ctrlKey || metaKey : true;
  return key === "Enter" && !shiftKey && !isComposing && keyCode !== 229 && Boolean(isMeant);
}

/** What this person has chosen. */
function sendKey() {
  return globalThis.document?.body.dataset.sendKey;
}

/** Characters as the server counts them: code points, not UTF-16 units. */
export function isTooLong(text, limit) {
  return text.length > limit && [...text].length > limit;
}

/** Whether this key press on the picker's button opens its panel: arrows do, and so does what begins a search. */
export function opensPicker({ key, ctrlKey, metaKey, altKey }) {
  const isTyped = [...key].length === 1 && key !== " " && !ctrlKey && !metaKey && !altKey;
  return isTyped || key === "ArrowDown" || key === "ArrowUp";
}

/**
 * Bring the page's composer to life. `page` is told what happens: `begin(text)` a message is on its way,
 * `accepted(turn, replaced)` with the element of the answer, `failed()`. `replaced` is the article that was retried, if any.
 * `settled()` is waited for before anything is sent, and `adopted()` tells that the composer has been renewed.
 */
export function startComposer(page) {
  const form = document.querySelector("form[data-composer]");
  const field = form.elements.content;
  const storage = browserStorage(form.hasAttribute("data-temporary") ? "sessionStorage" : "localStorage");
  const touch = matchMedia("(hover: none) and (pointer: coarse)");
  const grows = CSS.supports("field-sizing", "content");
  let busy = false;
  let sent = ""; // on its way
  let comparing = null; // once models were chosen to be compared

  const part = (name) => form.querySelector(`[data-part="${name}"]`);
  const isLive = () => form.hasAttribute("data-live");
  const draftKey = () => `${document.body.dataset.user} ${form.getAttribute("action")}`;
  const keep = () => keepDraft(storage, draftKey(), joined(sent, field.value));

  function show(text) {
    field.value = text;
    fit();
  }

  function fit() {
    if (grows) return;
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  }

  function complain(name) {
    const sentence = name && form.querySelector(`template[data-sentence="${name}"]`).content.cloneNode(true);
    part("error").replaceChildren(...(sentence ? [sentence] : []));
  }

  function adopt(fresh, chosen = form.elements.model?.value) {
    const focused = form.contains(document.activeElement) && document.activeElement !== field;
    for (const piece of fresh.querySelectorAll("[data-part]")) {
      part(piece.dataset.part).replaceChildren(...piece.childNodes);
    }
    form.setAttribute("action", fresh.getAttribute("action"));
    form.toggleAttribute("data-live", fresh.hasAttribute("data-live"));
    const picker = form.elements.model;
    if (picker && [...picker.options].some((option) => option.value === chosen)) picker.value = chosen;
    page.adopted();
    nameModel();
    comparing?.show();
    if (focused) refocus();
  }

  function refocus() {
    if (touch.matches) form.querySelector("[data-stop], [data-send]").focus(); // no keyboard over the answer
    else field.focus();
  }

  async function bringComparing({ target }) {
    const { startCompare } = await import("./compare.js");
    comparing = startCompare(target, form, storage);
  }

  function fields() {
    const body = new URLSearchParams(new FormData(form));
    body.delete("content");
    return body;
  }

  async function send(text) {
    if (busy || isLive() || !text.trim()) return;
    if (isTooLong(text, Number(form.dataset.maxLength))) return complain("long");
    const typed = text === field.value;
    const body = fields();
    body.set("content", text);
    busy = true;
    sent = typed ? text : "";
    if (typed) show("");
    complain("");
    page.begin(text);
    await page.settled();
    const answer = await deliver(form.action, body);
    busy = false;
    sent = "";
    if (answer.turn) return accept(answer.turn);
    page.failed();
    if (typed) show(joined(text, field.value));
    keep();
    refuse(answer);
  }

  function accept(turn, replaced, model) {
    keepDraft(storage, draftKey(), "");
    adopt(turn.querySelector("template[data-composer]").content.querySelector("form"), model);
    if (!replaced) comparing?.clear();
    keep();
    page.accepted(turn, replaced);
  }

  function refuse({ composer }) {
    if (composer) adopt(composer);
    else complain("network");
  }

  /**
   * Ask for an answer in the place of `article`; `changes` are laid over the fields of the composer, null takes one away.
   * Returns what the site answered, or null if something else is on its way. `beside`: others may still be written;
   * `follows`: who answers now is chosen for what comes next, too.
   */
  async function answerAgain(article, url, changes, { beside = false, follows = false } = {}) {
    if (busy || (isLive() && !beside)) return null;
    const body = fields();
    for (const [name, value] of Object.entries(changes)) value === null ? body.delete(name) : body.set(name, value);
    busy = true;
    complain("");
    article.classList.add("is-replaced");
    await page.settled();
    const answer = await deliver(url, body);
    busy = false;
    article.classList.remove("is-replaced");
    if (answer.turn) accept(answer.turn, article, follows ? "" : undefined);
    return answer;
  }

  async function retry(button) {
    const article = button.closest("article"); // the button itself may be replaced while the site answers
    const beside = button.closest("[data-comparison]") !== null; // the others may still be written
    const isOwn = beside || button.hasAttribute("data-continue"); // then whoever began it goes on
    const focused = button === document.activeElement;
    const changes = { [button.name]: button.value, ...(isOwn && { model: null }) };
    const answer = await answerAgain(article, button.formAction, changes, { beside });
    if (answer && !answer.turn) refuse(answer);
    if (answer && focused) button.isConnected ? button.focus() : refocus();
  }

  async function stop(button) {
    if (button.ariaDisabled === "true") return;
    button.ariaDisabled = "true"; // what is disabled loses the focus
    const response = await post(button.formAction, fields());
    if (response?.ok) return;
    button.ariaDisabled = "false";
    complain("stop");
  }

  /** No reply is being written any more: Stop turns into Send. */
  function settle() {
    const button = form.querySelector("[data-stop]");
    const focused = button === document.activeElement;
    form.removeAttribute("data-live");
    button?.remove();
    form.querySelector("[data-send]").hidden = false;
    if (button && focused) refocus();
  }

  /** Many models are chosen in a panel: its button shows which one the select holds. */
  function nameModel() {
    const name = form.querySelector("[data-picker-label]");
    if (name) name.textContent = form.elements.model.selectedOptions[0]?.label ?? "";
  }

  /** The panel and its script come when they are wanted; where they cannot be had, the select stands in. */
  const pickerFor = async (button) => button && (await import("./picker.js")).load(button.dataset.picker, form);
  const prepare = ({ target }) => pickerFor(target.closest("[data-picker]")).catch(() => {}); // choose() tells

  async function choose(button, key = "") {
    try {
      (await pickerFor(button))?.open(key);
    } catch {
      form.setAttribute("data-plain-picker", "");
      form.elements.model.focus();
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter?.hasAttribute("data-stop")) stop(event.submitter);
    else send(field.value);
  });
  field.addEventListener("input", () => {
    fit();
    keep();
  });
  field.addEventListener("keydown", (event) => {
    if (!isSend(event) || touch.matches) return; // a phone has no Shift to break a line with
    event.preventDefault();
    send(field.value);
  });
  form.addEventListener("click", ({ target }) => choose(target.closest("[data-picker]")));
  form.addEventListener("keydown", (event) => {
    if (!event.target.matches("[data-picker]") || !opensPicker(event)) return;
    event.preventDefault();
    choose(event.target, event.key);
  });
  form.addEventListener("pointerover", prepare);
  form.addEventListener("focusin", prepare);
  form.addEventListener("change", nameModel);
  document.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("data-stop-one")) {
      event.preventDefault();
      stop(event.submitter);
    } else if (event.submitter?.hasAttribute("data-retry")) {
      event.preventDefault();
      retry(event.submitter);
    } else if (event.submitter?.hasAttribute("data-bring-back")) {
      keepDraft(storage, draftKey(), without(field.value, given));
    } else if (event.target.hasAttribute("data-examples")) {
      event.preventDefault();
      send(event.submitter.value);
    }
  });

  document.querySelector("[data-compare]")?.addEventListener("beforetoggle", bringComparing, { once: true });
  field.autocomplete = "off"; // the draft is restored here, and a sent message must not come back
  const given = field.defaultValue; // a question that was taken back
  show(withDraft(field.value, recallDraft(storage, draftKey()))); // somebody may have typed before this script came
  keep();
  addEventListener("pageshow", nameModel); // the browser brings back what was chosen, later than this script runs
  return { answerAgain, draftStorage: storage, form, refocus, refuse, settle, touch };
}
