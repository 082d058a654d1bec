// Another answer, from the same model or from another one: a menu of the models that the composer offers.
import { fold } from "./choices.js";

/** What stands beside an option's name does not belong to it. */
const nameOf = (option) => (option.firstChild?.nodeValue ?? option.label).trim();

function place(menu, link) {
  const { left, right, bottom, top } = link.getBoundingClientRect();
  const start = getComputedStyle(document.documentElement).direction === "rtl" ? right - menu.offsetWidth : left;
  const below = bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.left = `${Math.max(8, Math.min(start, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${below ? bottom + 4 : Math.max(8, top - menu.offsetHeight - 4)}px`;
}

function item(option, choose) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "menu-item";
  button.dir = "auto";
  button.textContent = nameOf(option);
  button.addEventListener("click", () => choose(option.value));
  return button;
}

function walk(event, menu) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll("button:not([hidden])")];
  items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
}

function find(words, list) {
  const wanted = fold(words).split(/\s+/);
  for (const button of list.children) {
    const text = fold(button.textContent);
    button.hidden = !wanted.every((word) => text.includes(word));
  }
}

/** Open the menu at the link of one answer; with one model only there is nothing to choose. */
export function act(link, composer) {
  const menu = document.querySelector("[data-again-menu]");
  const article = link.closest("article");
  const beside = article.closest("[data-comparison]") !== null;

  async function ask(model) {
    menu?.hidePopover();
    const changes = { message_id: article.dataset.id, model, ...(model === null && { same: "on" }) };
    const answer = await composer.answerAgain(article, link.dataset.again, changes, { beside, follows: !beside });
    if (answer && !answer.turn) composer.refuse(answer);
    if (answer) link.isConnected ? link.focus() : composer.refocus();
  }

  if (!menu) return ask(null);
  const list = menu.querySelector("[data-again-list]");
  const search = menu.querySelector("[data-again-search]");
  list.replaceChildren(...[...composer.form.elements.model.options].map((option) => item(option, ask)));
  menu.querySelector("[data-again-same]").onclick = () => ask(null);
  menu.onkeydown = (event) => walk(event, menu);
  if (search) {
    search.value = "";
    search.oninput = () => find(search.value, list);
  }
  link.setAttribute("aria-expanded", "true");
  menu.ontoggle = ({ newState }) => newState === "closed" && link.removeAttribute("aria-expanded");
  menu.showPopover({ source: link });
  place(menu, link);
  menu.querySelector("[data-again-same]").focus();
}
