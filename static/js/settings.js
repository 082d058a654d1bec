// The settings of a chat: a panel beside it, or a sheet on a narrow page. What is changed there is kept at once.
import { fieldOf, mark, reset } from "./controls.js";
import { startPanel } from "./panel.js";
import { ask, fragmentOf, post } from "./send.js";

const PATIENCE = 3_000; // ms that a message waits for what is being saved
const PAUSE = 600; // ms without a change, after which a text or a moving slider is saved

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
  let loads = 0;
  let saves = 0;
  let timer = 0;
  let unsaved = false;
  let unsent = false;
  let saving = Promise.resolve();

  const opener = () => document.querySelector("[data-settings-open]");
  const form = () => body.querySelector("form");
  const isNew = () => opener()?.hasAttribute("data-settings-new");
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
    const response = isNew()
      ? await post(href, said)
      : await ask(model ? `${href}?model=${encodeURIComponent(model)}` : href);
    const page = await fragmentOf(response?.ok ? response : null);
    if (turn !== loads) return; // another model was chosen meanwhile
    const isThere = page.querySelector("[data-settings-form]");
    body.replaceChildren(...(isThere ? [page] : []));
    if (isThere) show();
    else complain(sentence("unloaded"));
  }

  function show() {
    opener()?.toggleAttribute("data-tuned", mark(body));
  }

  function changed(pause) {
    show();
    complain();
    tell("");
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
    unsent = true;
    tell("ready");
  }

  function save({ keepalive = false } = {}) {
    clearTimeout(timer);
    if (!unsaved || !form() || isNew()) return saving;
    unsaved = false;
    const mine = ++saves;
    const { action } = form();
    const said = new URLSearchParams(new FormData(form()));
    if (keepalive) post(action, said, { keepalive }); // nobody will be here for its answer
    else saving = saving.then(() => (mine === saves ? keep(action, said, mine) : null)); // a later one says all
    return saving;
  }

  async function keep(action, said, mine) {
    const response = await post(action, said);
    if (response?.ok) document.dispatchEvent(new Event("chat:tuned"));
    const page = await fragmentOf(response);
    if (mine !== saves || unsaved) return;
    if (response?.ok) tell("saved");
    else complain(page.querySelector("[data-settings-refusal]") ?? sentence("unsaved"));
  }

  function goBack(button) {
    const setting = button.closest("[data-setting]");
    reset(body, setting);
    changed(0);
    (setting ? fieldOf(setting) : panel.querySelector("[data-close]")).focus(); // the button is gone now
  }

  const { dress } = startPanel(panel, opener, {
    opened() {
      tell("");
      body.replaceChildren(sentence("loading")); // nobody changes what is about to be replaced
      load();
    },
    closing: () => save(),
  });

  document.addEventListener("change", async ({ target }) => {
    if (target.name !== "model" || target.form !== composer || !panel.open) return;
    await save();
    load();
  });
  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reset], [data-reset-all]");
    if (!button) return;
    event.preventDefault();
    goBack(button);
  });
  body.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  body.addEventListener("input", () => changed(PAUSE));
  body.addEventListener("change", () => changed(0));
  addEventListener("pagehide", () => save({ keepalive: true }));

  /** The form of a new chat goes on as that of the chat which its first message has made. */
  function move(link) {
    form().action = link.href;
    const library = body.querySelector("[data-library]");
    if (library) library.href = link.dataset.library;
    if (unsent) changed(0); // since that message was sent
    unsent = false;
  }

  return {
    settled() {
      unsent = false;
      const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE));
      return Promise.race([save(), patience]);
    },
    renewed() {
      dress();
      const link = opener();
      if (!link || !form()) return;
      if (!isNew() && form().action !== link.href) move(link);
      if (isNew() && unsent) carry(); // it was refused, and came back with what it had said
      if (panel.open) show();
    },
  };
}
