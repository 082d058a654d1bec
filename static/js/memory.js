// What the model is shown of the chat: the line where its memory begins, and how full its context is.

/** The address that tells it for this model, after this message. */
export function addressFor(url, { model, leaf }) {
  const query = new URLSearchParams(Object.entries({ model, leaf }).filter(([, value]) => value));
  return query.size ? `${url}?${query}` : url;
}

/**
 * Keep both right on this page. `adopt(view)` takes the element that came with a turn; `placed()` is called once older
 * messages have come; `refresh()` asks for it anew:
 * once an answer has ended, another model is chosen, or the settings have changed.
 */
export function startMemory(list) {
  const form = document.querySelector("form[data-composer]");
  let asked = 0;

  const shown = () => document.querySelector("[data-memory]");

  function adopt(view) {
    asked++; // what is still on its way is out of date
    if (!shown().isEqualNode(view)) shown().replaceWith(view); // or else what is open in it would close
    placed();
  }

  /** The line, where the message stands that it belongs to: that may have come onto the page just now. */
  function placed() {
    placeLine(shown().querySelector("template[data-memory-line]"));
  }

  function placeLine(template) {
    const old = list.querySelector("[data-memory-begins]");
    const line = template?.content.firstElementChild.cloneNode(true);
    const next = template?.dataset.before ? document.getElementById(`m-${template.dataset.before}`) : null;
    if (old && line?.isEqualNode(old) && old.nextElementSibling === next) return;
    old?.remove();
    if (!line) return;
    if (next) next.before(line);
    else if (!template.dataset.before) list.append(line);
  }

  async function refresh() {
    const { url } = shown().dataset;
    if (!url) return;
    const turn = ++asked;
    const { model, parent_id: leaf } = form.elements;
    const response = await fetch(addressFor(url, { model: model?.value, leaf: leaf.value }), {
      headers: { "X-Requested-With": "fetch" },
    }).catch(() => null);
    if (!response?.ok) return; // it stays as it was
    const page = document.createElement("template");
    page.innerHTML = await response.text().catch(() => "");
    const view = page.content.querySelector("[data-memory]");
    if (view && turn === asked) adopt(view);
  }

  /** An answer has ended: only where that changes anything. */
  function ended() {
    if ("changes" in shown().dataset) refresh();
  }

  /** To the panel beside the chat; without it, the link leads to a page. */
  function openSettings(event) {
    const opener = document.querySelector("[data-settings-open]");
    const link = event.target.closest("[data-memory-settings]");
    if (!link || !opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link.closest("[popover]").hidePopover();
    if (opener.getAttribute("aria-expanded") !== "true") opener.click();
  }

  document.addEventListener("click", openSettings);
  form.addEventListener("change", ({ target }) => target.name === "model" && refresh());
  document.addEventListener("chat:tuned", refresh);
  return { adopt, ended, placed };
}
