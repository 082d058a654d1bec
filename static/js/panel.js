// A dialog that stands beside the page where there is room, and is a modal sheet over a narrow one.

/**
 * Bring `dialog` to life. `button()` finds what opens and closes it (a link, which without script leads to a page of
 * its own): it may be replaced, and is to be dressed again then. `opened()` is called when it shows, `closing()` before it goes.
 */
export function startPanel(dialog, button, { opened, closing }) {
  const narrow = matchMedia("(max-width: 720px)");
  const isButton = (target) => target instanceof Element && target.closest("a") !== null && target.closest("a") === button();

  function open() {
    if (narrow.matches) dialog.showModal();
    else dialog.show();
    dress();
    opened();
  }

  function close() {
    closing();
    dialog.close();
  }

  /** Tell those who cannot see it what the link does. */
  function dress() {
    const link = button();
    if (!link) return;
    link.setAttribute("role", "button");
    link.setAttribute("aria-controls", dialog.id);
    link.setAttribute("aria-expanded", String(dialog.open));
  }

  document.addEventListener("click", (event) => {
    if (!isButton(event.target) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) close();
    else open();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || !isButton(event.target)) return;
    event.preventDefault(); // a link that acts as a button
    button().click();
  });
  dialog.addEventListener("cancel", closing); // Escape, where it is modal
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || dialog.matches(":modal")) return;
    event.preventDefault();
    close();
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest("[data-close]")) close();
  });
  dialog.addEventListener("close", () => {
    dress();
    const isLost = dialog.contains(document.activeElement) || document.activeElement === document.body;
    if (isLost && !dialog.open) button()?.focus();
  });
  narrow.addEventListener("change", () => {
    if (!dialog.open) return;
    close();
    open();
  });
  dress();
  return { dress };
}
