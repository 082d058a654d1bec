// The settings of a chat: a panel beside it, or a sheet on a narrow page. What is changed there is kept at once.
import { ask, post } from "./send.js";

const PAUSE = 600; // ms without a change, after which a text or a moving slider is saved

/** What a form says that differs from its defaults: the indices of the settings. Each is `{value, fallback}`. */
export function changedAmong(settings) {
  return settings.flatMap(({ value, fallback }, index) => (value === fallback ? [] : [index]));
}

const fieldOf = (setting) => setting.querySelector("select, textarea, input:not([type=hidden])");
const valueOf = (field) => (field.type === "checkbox" ? String(field.checked) : field.value);

function put(field, value) {
  if (field.type === "checkbox") field.checked = value === "true";
  else field.value = value;
}

/**
 * Bring the panel to life. `settled()` resolves when what was changed is saved; `renewed()` is to be called when the
 * composer has been renewed: it may belong to another chat now, the new one, which has just been saved.
 */
export function startSettings() {
  const panel = document.querySelector("dialog[data-settings]");
  if (!panel) return { settled: async () => {}, renewed() {} };

  const composer = document.querySelector("form[data-composer]");
  const body = panel.querySelector("[data-settings-body]");
  const status = panel.querySelector("[data-settings-status]");
  const error = panel.querySelector("[data-settings-error]");
  const narrow = matchMedia("(max-width: 720px)");
  let loads = 0;
  let timer = 0;
  let unsaved = false;
  let saving = Promise.resolve();

  const opener = () => document.querySelector("[data-settings-open]");
  const form = () => body.querySelector("form");
  const isNew = () => opener().hasAttribute("data-settings-new");
  const sentence = (name) => panel.querySelector(`template[data-sentence="${name}"]`).content.cloneNode(true);

  function tell(name) {
    status.replaceChildren(...(name ? [sentence(name)] : []));
  }

  function complain(...nodes) {
    error.replaceChildren(...nodes);
    if (nodes.length) tell("");
  }

  async function load() {
    const turn = ++loads;
    const { href } = opener();
    const said = new URLSearchParams(new FormData(composer));
    said.delete("content");
    const model = said.get("model");
    complain();
    if (!form()) body.replaceChildren(sentence("loading"));
    const response = isNew()
      ? await post(href, said)
      : await ask(model ? `${href}?model=${encodeURIComponent(model)}` : href);
    const page = document.createElement("template");
    page.innerHTML = (response?.ok && (await response.text().catch(() => ""))) || "";
    if (turn !== loads) return; // another model was chosen meanwhile
    if (!page.content.querySelector("form")) {
      body.replaceChildren();
      return complain(sentence("unloaded"));
    }
    body.replaceChildren(page.content);
    mark();
  }

  /** Show beside each setting whether it differs from its default, and on the button whether any does. */
  function mark() {
    const settings = [...body.querySelectorAll("[data-setting]")];
    const said = settings.map((one) => ({ value: valueOf(fieldOf(one)), fallback: one.dataset.default }));
    const changed = new Set(changedAmong(said));
    settings.forEach((one, index) => {
      one.querySelector("[data-reset]").hidden = !changed.has(index);
      const output = one.querySelector("[data-value]");
      if (output) output.textContent = said[index].value;
    });
    const all = body.querySelector("[data-reset-all]");
    if (all) all.hidden = !changed.size;
    opener()?.toggleAttribute("data-tuned", changed.size > 0);
    const note = body.querySelector("[data-persona-note]");
    if (note) note.textContent = form().elements.personality.selectedOptions[0]?.dataset.note ?? "";
  }

  function changed(pause) {
    mark();
    complain();
    unsaved = true;
    clearTimeout(timer);
    if (isNew()) carry();
    else timer = setTimeout(save, pause);
  }

  /** A new chat has nothing to save yet: the composer takes what is said along with the first message. */
  function carry() {
    const fields = [...new FormData(form())].filter(([name]) => !["csrfmiddlewaretoken", "model"].includes(name));
    const inputs = fields.map(([name, value]) => Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    composer.querySelector('[data-part="wishes"]').replaceChildren(...inputs);
    unsaved = false;
    tell("ready");
  }

  function save({ keepalive = false } = {}) {
    clearTimeout(timer);
    if (!unsaved || !form() || isNew()) return saving;
    unsaved = false;
    const { action } = form();
    const said = new URLSearchParams(new FormData(form()));
    saving = saving.then(async () => {
      const response = await post(action, said, keepalive ? { keepalive } : {});
      if (response?.ok) {
        document.dispatchEvent(new Event("chat:tuned"));
        return tell("saved");
      }
      const page = document.createElement("template");
      page.innerHTML = (await response?.text().catch(() => "")) ?? "";
      complain(page.content.querySelector("[data-settings-refusal]") ?? sentence("unsaved"));
    });
    return saving;
  }

  function reset(button) {
    const settings = button.hasAttribute("data-reset") ? [button.closest("[data-setting]")] : body.querySelectorAll("[data-setting]");
    for (const one of settings) put(fieldOf(one), one.dataset.default);
    changed(0);
    (button.hasAttribute("data-reset") ? fieldOf(settings[0]) : panel.querySelector("[data-settings-close]")).focus();
  }

  function open() {
    if (narrow.matches) panel.showModal();
    else panel.show();
    opener().setAttribute("aria-expanded", "true");
    tell("");
    load();
  }

  function close() {
    save();
    panel.close();
  }

  function dress() {
    const link = opener();
    if (!link) return;
    link.setAttribute("role", "button");
    link.setAttribute("aria-controls", panel.id);
    link.setAttribute("aria-expanded", String(panel.open));
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-settings-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (panel.open) close();
    else open();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || !event.target.closest?.("[data-settings-open]")) return;
    event.preventDefault(); // a link that acts as a button
    event.target.click();
  });
  document.addEventListener("change", async ({ target }) => {
    if (target.name !== "model" || target.form !== composer || !panel.open) return;
    await save();
    load();
  });
  panel.addEventListener("close", () => {
    opener()?.setAttribute("aria-expanded", "false");
    if (panel.contains(document.activeElement) || document.activeElement === document.body) opener()?.focus();
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.matches(":modal")) return;
    event.preventDefault();
    close();
  });
  panel.addEventListener("click", ({ target }) => {
    if (target === panel || target.closest("[data-settings-close]")) close();
  });
  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reset], [data-reset-all]");
    if (!button) return;
    event.preventDefault();
    reset(button);
  });
  body.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  body.addEventListener("input", () => changed(PAUSE));
  body.addEventListener("change", () => changed(0));
  narrow.addEventListener("change", () => {
    if (!panel.open) return;
    panel.close();
    open();
  });
  addEventListener("pagehide", () => save({ keepalive: true }));
  dress();

  return {
    settled: () => save(),
    renewed() {
      dress();
      if (!panel.open || !form() || !opener()) return;
      if (form().action === opener().href) mark();
      else load();
    },
  };
}
