// What a model thinks, folded above its answer: text that grows, never markup.

/**
 * What stands over the reasoning once the model has thought for `ms` (0: not known). `words` are the page's:
 * `{unknown, moment, seconds, minutes}`, the last two with {seconds} and {minutes} in them.
 */
export function thinkingTime(ms, words) {
  if (!ms) return words.unknown;
  const whole = Math.floor(ms / 1000);
  const [minutes, seconds] = [Math.floor(whole / 60), whole % 60];
  const sentence = minutes ? words.minutes : seconds ? words.seconds : words.moment;
  return sentence.replace("{minutes}", minutes).replace("{seconds}", seconds);
}

/**
 * A function that paints the reasoning of a state (reply.js) after the state `before`; `isRunning` while nothing but
 * reasoning has come. Whether it is folded is the reader's own affair.
 */
export function thoughtsPainter(article) {
  const details = article.querySelector("[data-thoughts]");
  if (!details) return () => {};
  const box = details.querySelector("[data-thoughts-text]");
  const time = details.querySelector("[data-thoughts-time]");
  const words = document.querySelector("template[data-thinking-times]").dataset;
  const text = document.createTextNode("");

  function paintText(before, now) {
    if (text.parentNode === box && before.mind === now.mind) text.appendData(now.thoughts.slice(before.thoughts.length));
    else text.data = now.thoughts;
    if (text.parentNode !== box) box.replaceChildren(text);
    details.hidden = now.thoughts === "";
  }

  return (before, now, isRunning) => {
    if (before.mind !== now.mind || before.thoughts.length !== now.thoughts.length) paintText(before, now);
    if (now.thoughts === "") return;
    const label = isRunning ? words.now : thinkingTime(now.thoughtFor, words);
    if (time.textContent !== label) time.textContent = label;
    details.toggleAttribute("data-running", isRunning);
  };
}
