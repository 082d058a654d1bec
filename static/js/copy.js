// Copy a message or a code block; wrap a block's long lines.

const SHOWN = 2000; // ms that the tick stands

/** Copy plain text, with HTML beside it where the browser can. */
async function write(text, html) {
  if (navigator.clipboard?.write && html) {
    const types = { "text/plain": text, "text/html": html };
    const blobs = Object.entries(types).map(([type, value]) => [type, new Blob([value], { type })]);
    await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
  } else if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {
    writeWithoutClipboard(text);
  }
}

/** On plain http, as on many private networks, browsers withhold navigator.clipboard. */
function writeWithoutClipboard(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function contentOf(button) {
  if (button.dataset.copy === "code") return [button.closest(".code").querySelector("pre").textContent];
  if (button.dataset.copy === "link") return [button.closest("[data-link]").querySelector("input, textarea").value];
  const article = button.closest("article");
  const raw = article.querySelector("template[data-raw]");
  if (!raw) return [article.querySelector("[data-text]").textContent];
  const prose = article.querySelector(".prose").cloneNode(true);
  for (const head of prose.querySelectorAll(".code-head")) head.remove();
  return [raw.content.textContent, prose.innerHTML];
}

/** Put the buttons into the heads of code blocks that lack them. */
export function addCodeTools(root) {
  const tools = document.querySelector("template[data-code-tools]");
  for (const head of root.querySelectorAll(".code-head:not(:has(button))")) {
    head.append(tools.content.cloneNode(true));
  }
}

/** Serve all copy and wrap buttons of the page, those to come included; `announce(name)` whether it was copied. */
export function startCopy(announce) {
  document.addEventListener("click", async ({ target }) => {
    const wrap = target.closest("[data-wrap]");
    if (wrap) wrap.setAttribute("aria-pressed", String(wrap.closest(".code").classList.toggle("is-wrapped")));
    const button = target.closest("[data-copy]");
    if (!button) return;
    try {
      await write(...contentOf(button));
    } catch {
      return announce("not-copied");
    }
    button.setAttribute("data-copied", "");
    setTimeout(() => button.removeAttribute("data-copied"), SHOWN);
    announce("copied");
  });
}
