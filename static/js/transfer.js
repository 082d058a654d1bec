// The pages of export and import: printing, sending a large file, and following what becomes of it.

document.querySelector("[data-print]")?.addEventListener("click", () => print());
