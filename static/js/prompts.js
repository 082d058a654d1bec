// Saved prompts: a list over the composer while its text is a slash and the beginning of a name.

const CALLED = /^\/([^\s/]*)$/;

/** Whether a prompt is meant by what was typed after the slash. */
export function isMeant(name, typed) {
  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  return folded(name).includes(folded(typed));
}

export function startPrompts(announce) {
  let menu = null;
  let loading = null;
  let field = null;
  let dismissed = null; // the text for which the list was sent away: it stays away until another is typed

  async function load(composer) {
    const response = await fetch(composer.dataset.prompts, { headers: { "X-Requested-With": "fetch" } });
    if (!response.ok) throw new Error(`prompts: ${response.status}`);
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    menu = holder.content.querySelector("#prompt-menu");
    menu.addEventListener("pointerdown", (event) => event.preventDefault()); // the text keeps the focus
    menu.addEventListener("click", (event) => choose(event.target.closest("[role=option]")));
  }

  const shown = () => [...menu.querySelectorAll("[role=option]:not([hidden])")];
  const isOpen = () => menu && !menu.hidden;

  function close() {
    if (!isOpen()) return;
    menu.hidden = true;
    for (const name of ["aria-controls", "aria-autocomplete", "aria-activedescendant"]) field?.removeAttribute(name);
  }

  function dismiss() {
    dismissed = field.value;
    close();
  }

  function mark(option) {
    for (const other of menu.querySelectorAll("[role=option]")) other.setAttribute("aria-selected", String(other === option));
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  function open(typed) {
    let found = 0;
    for (const option of menu.querySelectorAll("[role=option]")) {
      option.hidden = !isMeant(option.dataset.name, typed);
      found += !option.hidden;
    }
    menu.querySelector("[data-new-prompt]").hidden = typed !== "";
    if (!found && typed) return close();
    const box = field.closest(".composer-box");
    if (menu.parentElement !== box) box.append(menu);
    menu.hidden = false;
    field.setAttribute("aria-controls", menu.id);
    field.setAttribute("aria-autocomplete", "list");
    mark(shown()[0]);
    announce(menu.dataset.found.replace("{count}", found));
  }

  function choose(option) {
    if (!option) return;
    close();
    field.value = option.dataset.text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  async function look(target) {
    field = target;
    const called = CALLED.exec(field.value);
    if (field.value === dismissed) return;
    dismissed = null;
    if (!called) return close();
    loading ??= load(field.closest("[data-composer]")).catch(() => (loading = null));
    await loading;
    const still = CALLED.exec(field.value);
    if (menu && still) open(still[1]);
  }

  function keyed(event) {
    if (!isOpen() || event.target !== field || event.isComposing) return;
    const options = shown();
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) mark(options[(at + step + options.length) % options.length]);
    else if ((event.key === "Enter" || event.key === "Tab") && options[at]) choose(options[at]);
    else if (event.key === "Escape") dismiss();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  document.addEventListener("keydown", keyed, true); // before Enter sends
  document.addEventListener("input", ({ target }) => target.matches?.("[data-composer] textarea") && look(target));
  document.addEventListener("focusout", ({ target }) => target === field && close());
  return look;
}
