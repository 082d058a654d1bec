// The pages of export and import: printing, sending a large file, and following what becomes of it.

const PAUSE = 1000; // milliseconds between two looks at an import

/** Percent of a file that is on its way; 100 is left to the server's answer. */
export function sent({ loaded, total }) {
  return total > 0 ? Math.min(99, Math.floor((loaded / total) * 100)) : 0;
}

/** Send the form with a bar that tells how far it is; what the server refuses stands under the field. */
function startUpload(form) {
  const progress = form.querySelector("[data-upload-progress]");
  const problem = form.querySelector("[data-upload-problem]");
  const button = form.querySelector("button");
  const field = form.elements.file;

  function tell(text) {
    problem.textContent = text;
    problem.hidden = !text;
    if (!text) return field.removeAttribute("aria-invalid");
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", "import-help import-problem");
    field.focus();
  }

  function settle(isBusy) {
    button.disabled = isBusy;
    progress.hidden = !isBusy;
  }

  function answered(request) {
    if (request.status < 400 && request.responseURL) return location.assign(request.responseURL);
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const said = page.querySelector("[data-upload-problem]:not([hidden])") ?? page.querySelector("main p");
    settle(false);
    tell(said?.textContent.trim() || form.dataset.lost);
  }

  function send() {
    const request = new XMLHttpRequest(); // fetch does not tell how much of a body has left
    request.upload.addEventListener("progress", (event) => (progress.firstElementChild.value = sent(event)));
    request.addEventListener("load", () => answered(request));
    request.addEventListener("error", () => (settle(false), tell(form.dataset.lost)));
    request.open("POST", form.action);
    settle(true);
    request.send(new FormData(form));
  }

  field.addEventListener("change", () => tell(""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    tell("");
    if (field.files[0]?.size > Number(form.dataset.most)) tell(form.dataset.tooLarge);
    else send();
  });
  addEventListener("pageshow", () => settle(false));
}

/** Look again until it is over. What is focused stays focused; what has changed is said once. */
function followJob(place) {
  const said = document.querySelector("[data-job-said]");

  async function look() {
    const response = await fetch(location.href, { headers: { "X-Requested-With": "fetch" } }).catch(() => null);
    if (response?.ok) show(await response.text());
    else if (response && response.status < 500) return;
    if (place.querySelector("[data-live]")) setTimeout(look, PAUSE);
  }

  function show(html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const before = place.querySelector("[data-stage]");
    const now = fresh.content.querySelector("[data-stage]");
    if (before.dataset.stage === now.dataset.stage && now.matches("[data-live]")) {
      for (const name of [".transfer-progress", ".transfer-counts"]) replace(before, now, name);
      return;
    }
    const hadFocus = place.contains(document.activeElement);
    place.replaceChildren(fresh.content);
    said.textContent = place.querySelector("[data-said]").textContent;
    if (hadFocus) place.querySelector("button")?.focus();
  }

  function replace(before, now, name) {
    const [old, fresh] = [before.querySelector(name), now.querySelector(name)];
    if (old && fresh) old.replaceWith(fresh);
    else if (fresh) before.querySelector(".actions").before(fresh);
  }

  if (place.querySelector("[data-live]")) setTimeout(look, PAUSE);
}

if (globalThis.document) {
  document.querySelector("[data-print]")?.addEventListener("click", () => print());
  const form = document.querySelector("[data-upload]");
  if (form) startUpload(form);
  const job = document.querySelector("[data-job]");
  if (job) followJob(job);
}
