// What shortcuts and commands do. Its code and its dialogs come with the first of them.
import { startPalette } from "./palette.js";

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
let loading = null;

const last = (selector) => [...document.querySelectorAll(selector)].pop();
const isSeen = (element) => element.checkVisibility?.() ?? true;
const isInSight = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? true; // a notice fades

/** What a command presses: null where there is nothing now that it could press. */
const BUTTONS = {
  new: () => document.querySelector("[data-new-chat]"),
  stop: () => document.querySelector("[data-stop]"),
  edit: () => last(".message.user [data-edit]"),
  copy: () => last('.message.assistant [data-copy="message"]'),
  undo: () => [...document.querySelectorAll("[data-undo] button")].filter(isInSight).pop(),
  sidebar: () => [...document.querySelectorAll("[data-sidebar-toggle], [popovertarget=sidebar]")].find(isSeen),
};
const OTHERS = {
  composer: () => document.querySelector("[data-composer] textarea")?.focus(),
  keys: () => open("[data-keys-dialog]"),
  palette: () => open("[data-palette]"),
};
const isPossible = (name) => !(name in BUTTONS) || Boolean(BUTTONS[name]());

/** The dialogs, fetched once. */
async function dialogs() {
  const response = await fetch(document.body.dataset.keys, { headers: { "X-Requested-With": "fetch" } });
  if (!response.ok) throw new Error(`keys: ${response.status}`);
  const holder = document.createElement("template");
  holder.innerHTML = await response.text();
  if (isApple) for (const key of holder.content.querySelectorAll("[data-mod]")) key.textContent = "⌘";
  document.body.append(holder.content);
  startPalette(document.querySelector("[data-palette]"), { run, isPossible });
}

async function open(selector) {
  if (!document.body.dataset.keys) return; // guests have none
  loading ??= dialogs();
  await loading.catch((error) => {
    loading = null;
    throw error;
  });
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  const dialog = document.querySelector(selector);
  dialog.showModal();
  dialog.dispatchEvent(new Event("opened"));
}

/** Do what a command means, if that is possible here. */
export function run(name) {
  return name in BUTTONS ? BUTTONS[name]()?.click() : OTHERS[name]?.();
}
