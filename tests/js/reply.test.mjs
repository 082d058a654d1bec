import assert from "node:assert/strict";
import { test } from "node:test";
import { BLANK, hasText, placeOfTail, reduce } from "../../static/js/reply.js";

const play = (...events) => events.reduce((state, [type, data]) => reduce(state, { type, data }), BLANK);
const shown = ({ settled, open, tail }) => [settled.join(""), open, tail];

test("text that arrives is appended to the tail", () => {
  const state = play(["delta", { text: "Hel" }], ["delta", { text: "lo" }]);
  assert.deepEqual(shown(state), ["", "", "Hello"]);
});

test("text that arrives keeps the segment, so that a painter may append", () => {
  const before = play(["reset", { html: "", tail: "a" }]);
  assert.equal(reduce(before, { type: "delta", data: { text: "b" } }).segment, before.segment);
});

test("an unfinished block replaces the one before and brings its own tail", () => {
  const state = play(
    ["delta", { text: "- a\n- b" }],
    ["open", { html: "<ul><li>a</li></ul>", tail: "- b" }],
    ["open", { html: "<ul><li>a</li><li>b</li></ul>", tail: "" }],
  );
  assert.deepEqual(shown(state), ["", "<ul><li>a</li><li>b</li></ul>", ""]);
});

test("settled blocks are added, and the unfinished one is emptied", () => {
  const state = play(
    ["open", { html: "<p>one</p>", tail: "x" }],
    ["settled", { html: "<p>one</p>", tail: "tw" }],
    ["settled", { html: "<p>two</p>", tail: "" }],
  );
  assert.deepEqual(shown(state), ["<p>one</p><p>two</p>", "", ""]);
});

test("a reset forgets what was there, and tells the painter by its epoch", () => {
  const before = play(["settled", { html: "<p>old</p>", tail: "old" }]);
  const after = reduce(before, { type: "reset", data: { html: "<p>new</p>", tail: "t" } });
  assert.deepEqual(shown(after), ["<p>new</p>", "", "t"]);
  assert.notEqual(after.epoch, before.epoch);
});

test("done without html keeps the settled blocks and drops the rest", () => {
  const state = play(
    ["settled", { html: "<p>kept</p>", tail: "" }],
    ["open", { html: "<p>gone</p>", tail: "gone" }],
    ["done", { status: "completed", footer: "<p>Copy</p>" }],
  );
  assert.deepEqual(shown(state), ["<p>kept</p>", "", ""]);
  assert.equal(state.status, "completed");
  assert.equal(state.footer, "<p>Copy</p>");
});

test("done with html replaces everything, even by nothing", () => {
  const settled = ["settled", { html: "<p>old</p>", tail: "" }];
  const whole = play(settled, ["done", { status: "completed", html: "<p>whole</p>", footer: "" }]);
  const empty = play(settled, ["done", { status: "failed", html: "", footer: "" }]);
  assert.deepEqual(shown(whole), ["<p>whole</p>", "", ""]);
  assert.deepEqual(shown(empty), ["", "", ""]);
});

test("what is being waited for is told beside the text", () => {
  const state = play(["waiting", { text: "Loading the model…" }]);
  assert.equal(state.waiting, "Loading the model…");
  assert.equal(hasText(state), false);
  assert.equal(hasText(reduce(state, { type: "delta", data: { text: "a" } })), true);
});

test("a title, a restart and events of a later version change nothing", () => {
  for (const type of ["title", "restart", "tool"]) assert.equal(reduce(BLANK, { type, data: {} }), BLANK);
});

test("states are values: no event changes the one before", () => {
  const before = play(["settled", { html: "<p>a</p>", tail: "b" }]);
  const copy = structuredClone(before);
  reduce(before, { type: "settled", data: { html: "<p>c</p>", tail: "" } });
  assert.deepEqual(before, copy);
});

test("the tail goes on inside an open code block, whatever it looks like", () => {
  for (const tail of ["x = 1", "# comment", "", "- a", "``` not a fence"]) {
    assert.deepEqual(placeOfTail("code", tail), { place: "code", skip: 0 }, tail);
  }
});

test("the fence that closes a code block is not shown as code", () => {
  for (const tail of ["`", "```", "  ~~~"]) assert.equal(placeOfTail("code", tail).skip, tail.length, tail);
});

test("the tail is the next line of an open paragraph unless it begins something else", () => {
  assert.equal(placeOfTail("paragraph", "and so on").place, "paragraph");
  for (const tail of ["- item", "# Heading", "12. item", "```py", "| cell", "> quote", ""]) {
    assert.equal(placeOfTail("paragraph", tail).place, "after", tail);
  }
});

test("the tail is the next item of an open list, without its marker", () => {
  assert.deepEqual(placeOfTail("list", "- b"), { place: "item", skip: 2 });
  assert.deepEqual(placeOfTail("list", "12."), { place: "item", skip: 3 });
  assert.deepEqual(placeOfTail("list", "   * deeper"), { place: "subitem", skip: 5 });
  for (const tail of ["**bold**", "Then text", "1", ""]) assert.equal(placeOfTail("list", tail).place, "after", tail);
});

test("the tail stands after any other block", () => {
  assert.deepEqual(placeOfTail("", "- text"), { place: "after", skip: 0 });
});
