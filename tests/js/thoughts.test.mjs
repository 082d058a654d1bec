import assert from "node:assert/strict";
import { test } from "node:test";
import { BLANK, hasText, reduce } from "../../static/js/reply.js";
import { thinkingTime } from "../../static/js/thoughts.js";

const WORDS = {
  unknown: "Thoughts",
  moment: "a moment",
  seconds: "{seconds} s",
  minutes: "{minutes} min {seconds} s",
};
const play = (...events) => events.reduce((state, [type, data]) => reduce(state, { type, data }), BLANK);

test("the time is told in seconds, and in minutes where it is long", () => {
  const told = [0, 1, 999, 1_000, 59_999, 60_000, 125_400].map((ms) => thinkingTime(ms, WORDS));
  assert.deepEqual(told, ["Thoughts", "a moment", "a moment", "1 s", "59 s", "1 min 0 s", "2 min 5 s"]);
});

test("reasoning grows beside the text, and is none of it", () => {
  const state = play(["reasoning", { text: "Hm, ", ms: 0 }], ["reasoning", { text: "yes.", ms: 1_200 }]);
  assert.deepEqual([state.thoughts, state.thoughtFor], ["Hm, yes.", 1_200]);
  assert.equal(hasText(state), false);
  assert.equal(state.mind, BLANK.mind);
});

test("a reset forgets what was thought, and tells the painter by its mind", () => {
  const before = play(["reasoning", { text: "old", ms: 1 }]);
  const after = reduce(before, { type: "reset", data: { html: "", tail: "" } });
  assert.equal(after.thoughts, "");
  assert.notEqual(after.mind, before.mind);
});

test("done keeps the reasoning that came, or brings the whole, or takes it away", () => {
  const came = ["reasoning", { text: "Hm", ms: 1 }];
  const kept = play(came, ["done", { status: "completed", footer: "", ms: 2 }]);
  const whole = play(came, ["done", { status: "completed", footer: "", reasoning: "Hm, yes.", ms: 2 }]);
  const none = play(came, ["done", { status: "completed", footer: "", html: "<p>Hm</p>", reasoning: "" }]);
  assert.deepEqual([kept.thoughts, kept.thoughtFor, kept.mind], ["Hm", 2, BLANK.mind]);
  assert.deepEqual([whole.thoughts, whole.mind !== BLANK.mind], ["Hm, yes.", true]);
  assert.equal(none.thoughts, "");
});
