// Pages of shared links: copying a link, and the tools of code blocks in a shared chat.
import { addCodeTools, startCopy } from "./copy.js";

startCopy(() => {});
if (document.querySelector("template[data-code-tools]")) addCodeTools(document);
for (const field of document.querySelectorAll("input[data-whole]")) {
  field.addEventListener("focus", () => field.select());
}
