// The palette of commands: what is typed narrows commands, pages and recent chats; Enter goes there.

/** Whether every word of `wanted` stands in `text`, whatever the accents. */
export function fits(text, wanted) {
  const folded = (given) => given.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").toLowerCase();
  const where = folded(text.toLowerCase());
  return folded(wanted.toLowerCase()).split(/\s+/).every((word) => where.includes(word));
}

export function startPalette(dialog, { run, isPossible }) {
  const field = dialog.querySelector("input");
  const status = dialog.querySelector("[data-status]");
  listPages(dialog.querySelector("[data-pages]"));
  const options = [...dialog.querySelectorAll("[role=option]")];

  const shown = () => options.filter((option) => !option.hidden);
  const marked = () => options.find((option) => option.getAttribute("aria-selected") === "true");

  function mark(option) {
    for (const other of options) other.setAttribute("aria-selected", String(other === option));
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  function narrow() {
    for (const option of options) {
      const isFound = option.dataset.search ? field.value.trim() !== "" : fits(option.textContent, field.value.trim());
      option.hidden = !isFound || !isPossible(option.dataset.run);
    }
    for (const group of dialog.querySelectorAll("[role=group]")) {
      group.hidden = !group.querySelector("[role=option]:not([hidden])");
    }
    const found = shown().length;
    status.textContent = dialog.dataset.found.replace("{count}", found);
    mark(shown().find((option) => !option.dataset.search) ?? shown()[0]);
  }

  function choose(option) {
    if (!option) return;
    dialog.close();
    if (option.dataset.run) run(option.dataset.run);
    else if (option.dataset.search) location.assign(`${option.dataset.search}?q=${encodeURIComponent(field.value.trim())}`);
    else location.assign(option.dataset.go);
  }

  field.addEventListener("input", narrow);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = shown();
    const at = all.indexOf(marked());
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) mark(all[(at + step + all.length) % all.length]);
    else if (event.key === "Enter") choose(marked());
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
    else choose(event.target.closest("[role=option]"));
  });
  dialog.addEventListener("opened", () => {
    field.value = "";
    field.focus();
    narrow();
  });
}

/** What the person's menu leads to. */
function listPages(group) {
  document.querySelectorAll("#person-menu a.menu-item:not([data-command])").forEach((link, number) => {
    const item = document.createElement("div");
    item.className = "palette-item";
    item.id = `palette-page-${number}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.dataset.go = link.getAttribute("href");
    const icon = link.querySelector("svg")?.cloneNode(true);
    const label = document.createElement("span");
    label.textContent = link.textContent.trim();
    item.append(...(icon ? [icon] : []), label);
    group.append(item);
  });
}
