// The page that stands in for another while the site cannot be reached: it opens that one as soon as it can.

const FIRST = 2_000; // milliseconds
const LONGEST = 30_000;

/** Whether the site answers; a network that only seems to be there must not make the page flicker. */
async function answers() {
  try {
    return (await fetch(document.querySelector("[data-asked]").dataset.asked, { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

async function again(wait) {
  if (await answers()) location.reload();
  else setTimeout(again, wait, Math.min(2 * wait, LONGEST));
}

window.addEventListener("online", () => again(FIRST));
setTimeout(again, FIRST, FIRST);
