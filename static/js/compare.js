// Choosing the models that the next message goes to side by side; the last choice is remembered in this browser.

const FEWEST = 2;

/** The choice kept under `name` that can still be made: values among `available`, in the order of the list. */
export function recalled(storage, name, available) {
  try {
    const kept = JSON.parse(storage?.getItem(name) ?? "[]");
    return available.filter((value) => kept.includes(value));
  } catch {
    return []; // not ours, or storage is blocked
  }
}

/** Which values cannot be ticked now: all others, once `most` are. */
export function shut(values, ticked, most) {
  return ticked.length < most ? [] : values.filter((value) => !ticked.includes(value));
}

/** Bring the picker of the composer's form to life. `show()` says how many are ticked, `clear()` unticks all. */
export function startCompare(picker, form, storage) {
  const boxes = [...picker.querySelectorAll("input[name=models]")];
  const name = `compare ${document.body.dataset.user}`;
  const ticked = () => boxes.filter((box) => box.checked).map((box) => box.value);

  function tick(values) {
    for (const box of boxes) box.checked = values.includes(box.value);
    show();
  }

  function show() {
    const values = ticked();
    const blocked = shut(boxes.map((box) => box.value), values, Number(picker.dataset.most)); // prettier-ignore
    for (const box of boxes) box.disabled = blocked.includes(box.value);
    const count = form.querySelector("[data-compare-count]");
    if (count) count.textContent = values.length || "";
    if (values.length >= FEWEST) remember(values);
  }

  function remember(values) {
    try {
      storage?.setItem(name, JSON.stringify(values));
    } catch {
      // Full: it is chosen anew next time.
    }
  }

  function offer() {
    if (ticked().length) return;
    const last = recalled(storage, name, boxes.map((box) => box.value)); // prettier-ignore
    const current = form.elements.model?.value;
    tick(last.length >= FEWEST ? last : boxes.map((box) => box.value).filter((value) => value === current));
  }

  async function find({ target }) {
    const { fold } = await import("./choices.js");
    const words = fold(target.value).split(/\s+/);
    for (const box of boxes) {
      const text = fold(box.parentElement.textContent);
      box.parentElement.hidden = !words.every((word) => text.includes(word));
    }
  }

  picker.addEventListener("change", show);
  picker.querySelector("[data-compare-search]")?.addEventListener("input", find);
  picker.addEventListener("toggle", ({ newState }) => {
    if (newState === "open") offer();
    else if (ticked().length < FEWEST) tick([]); // one model alone is no comparison
  });
  picker.querySelector("[data-compare-clear]").addEventListener("click", () => {
    tick([]);
    picker.hidePopover();
  });
  show();
  picker.dataset.ready = "";
  if (picker.matches(":popover-open")) offer();
  return { show, clear: () => tick([]) };
}
