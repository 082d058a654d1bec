// The menus of chats and folders. One serves all: it opens at the link that, without a script, leads to a page.
import { act, ask } from "./organise.js";
import { renameAt } from "./renaming.js";

let opener = null;
const menuOf = (link) => document.querySelector(link.dataset.menu === "folder" ? "[data-folder-menu]" : "[data-chat-menu]");
const itemsOf = (menu) => [...menu.querySelectorAll(":is(button, a):not([hidden])")];
const NO_ID = "00000000-0000-0000-0000-000000000000"; // stands for a chat's id in addresses for any chat
const idOf = (link) => link.closest("[data-conversation]").dataset.conversation;

/** Open the menu at this link, or close it. */
export function toggle(link) {
  const menu = menuOf(link);
  if (opener === link) return menu.hidePopover();
  dress(menu, link);
  menu.showPopover({ source: link });
  opener = link;
  link.setAttribute("aria-expanded", "true");
  place(menu, link);
  itemsOf(menu)[0].focus();
}

/** Only what can be done with this chat, and to where its links lead. */
function dress(menu, link) {
  const { dataset } = link;
  for (const item of menu.querySelectorAll("[data-of-chat]")) item.href = item.dataset.ofChat.replace(NO_ID, idOf(link));
  for (const [name, isShown] of Object.entries({
    pin: !("pinned" in dataset),
    unpin: "pinned" in dataset,
    archive: !("archived" in dataset),
    unarchive: "archived" in dataset,
  })) {
    const item = menu.querySelector(`[data-choose="${name}"]`);
    if (item) item.hidden = !isShown;
  }
}

function place(menu, link) {
  link.scrollIntoView({ block: "nearest" }); // rows far away are not laid out before
  const { left, right, bottom, top } = link.getBoundingClientRect();
  const start = getComputedStyle(document.documentElement).direction === "rtl" ? right - menu.offsetWidth : left;
  const below = bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.left = `${Math.max(8, Math.min(start, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${below ? bottom + 4 : Math.max(8, top - menu.offsetHeight - 4)}px`;
}

function choose(link, choice) {
  if (link.dataset.menu === "folder") return ask(choice === "delete" ? link.dataset.delete : link.href);
  if (choice === "rename") return renameAt(link);
  const id = idOf(link);
  if (choice !== "move") return act(choice, [id]);
  const { dataset } = document.querySelector("[data-organise]");
  return ask(`${dataset.move}?${new URLSearchParams({ chat: id })}`);
}

for (const menu of document.querySelectorAll("[data-chat-menu], [data-folder-menu]")) {
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState !== "closed" || !opener || menuOf(opener) !== menu) return;
    opener.setAttribute("aria-expanded", "false");
    opener = null;
  });
  menu.addEventListener("keydown", (event) => {
    const items = itemsOf(menu);
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items.at(next % items.length).focus();
  });
  menu.addEventListener("click", ({ target }) => {
    const choice = target.closest("[data-choose]")?.dataset.choose;
    const link = opener;
    if (!choice || !link) return;
    menu.hidePopover();
    choose(link, choice);
  });
}
