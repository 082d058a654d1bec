/* The search over a list of offers: it hides rows, so that what is ticked in them stays ticked. */

export function matches(text, search) {
  const found = text.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => found.includes(word));
}

export function setUp(root) {
  const form = root.querySelector("[data-offer-search]");
  if (!form) return;
  const input = form.querySelector("input[type=search]");
  const rows = [...root.querySelectorAll("[data-offer]")];
  const none = root.querySelector("[data-offer-none]");
  if (input.value || !none) return; // the server has searched already
  const show = () => {
    for (const row of rows) row.hidden = !matches(row.dataset.offer, input.value);
    none.hidden = rows.some((row) => !row.hidden);
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("input[type=submit]").hidden = true;
  input.addEventListener("input", show);
}

if (globalThis.document) setUp(document);
