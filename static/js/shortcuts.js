// Which keys mean which command. The list for people is conversations/commands.py.

const SHORTCUTS = {
  "mod+k": "palette",
  "mod+/": "keys",
  "mod+shift+o": "new",
  "mod+shift+e": "edit",
  "mod+shift+c": "copy",
  "mod+shift+s": "sidebar",
  "mod+z": "undo",
  "shift+escape": "composer",
  escape: "stop",
};

/** The command that an event of the keyboard means, or undefined. By the letter, and by its place on other layouts. */
export function commandOf(event, isApple) {
  const mod = isApple ? event.metaKey : event.ctrlKey;
  const other = isApple ? event.ctrlKey : event.metaKey;
  if (event.altKey || other || event.isComposing || event.repeat) return undefined; // AltGr writes letters
  const before = `${mod ? "mod+" : ""}${event.shiftKey ? "shift+" : ""}`;
  const place = event.code === "Slash" ? "/" : (event.code ?? "").replace(/^Key/, "").toLowerCase();
  return SHORTCUTS[before + (event.key ?? "").toLowerCase()] ?? SHORTCUTS[before + place];
}

/** Listen; what a command does comes with the first one. */
export function startKeys() {
  const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
  const run = (name) => import("./keys.js").then((keys) => keys.run(name)).catch(() => {});
  document.addEventListener("keydown", (event) => {
    const name = event.defaultPrevented ? undefined : commandOf(event, isApple);
    const isTyping = name === "undo" && event.target.closest?.("input, textarea, select"); // which have an undo of their own
    const isOver = name === "stop" && document.querySelector(":popover-open, dialog[open]"); // which Escape closes
    if (!name || isOver || isTyping || (name === "stop" && !document.querySelector("[data-stop]"))) return;
    event.preventDefault();
    run(name);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-command]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    for (const menu of document.querySelectorAll(":popover-open")) menu.hidePopover();
    run(link.dataset.command);
  });
  document.body.dataset.listens = "";
}
