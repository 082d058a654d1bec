// The controls of the settings: what they say, what differs from the defaults, and the way back.

/** Which of the settings, each `{value, fallback}`, differ from their defaults: their indices. */
export function changedAmong(settings) {
  return settings.flatMap(({ value, fallback }, index) => (value === fallback ? [] : [index]));
}

const settingsIn = (body) => [...body.querySelectorAll("[data-setting]")];
const valueOf = (field) => (field.type === "checkbox" ? String(field.checked) : field.value);

export const fieldOf = (setting) => setting.querySelector("select, textarea, input:not([type=hidden])");

/** Show beside each setting its value and whether it differs from its default. Returns whether any does. */
export function mark(body) {
  const settings = settingsIn(body);
  const said = settings.map((one) => ({ value: valueOf(fieldOf(one)), fallback: one.dataset.default }));
  const changed = new Set(changedAmong(said));
  settings.forEach((one, index) => {
    one.querySelector("[data-reset]").hidden = !changed.has(index);
    const output = one.querySelector("[data-value]");
    if (output) output.textContent = Number(said[index].value).toLocaleString(document.documentElement.lang);
  });
  const all = body.querySelector("[data-reset-all]");
  if (all) all.hidden = !changed.size;
  const note = body.querySelector("[data-persona-note]");
  if (note) note.textContent = note.closest("[data-setting]").querySelector("select").selectedOptions[0]?.dataset.note ?? "";
  return changed.size > 0;
}

/** Bring one setting back to its default, or all in `body`. */
export function reset(body, setting) {
  for (const one of setting ? [setting] : settingsIn(body)) {
    const field = fieldOf(one);
    if (field.type === "checkbox") field.checked = one.dataset.default === "true";
    else field.value = one.dataset.default;
  }
}
