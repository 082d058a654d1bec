import assert from "node:assert/strict";
import { test } from "node:test";
import { neighbours } from "../../static/js/questions.js";

const middle = { viewport: 800, isAtEnd: false };

test("the question above is the last whose beginning is out of view", () => {
  assert.deepEqual(neighbours([-900, -300, 200, 900], middle), { before: 1, after: 2 });
});

test("a question that was gone to is neither before nor after the reader", () => {
  assert.deepEqual(neighbours([-900, 1, 900], middle), { before: 0, after: 2 });
});

test("at the end nothing lies below, though the last question's beginning may be in view", () => {
  assert.deepEqual(neighbours([-900, 300], { viewport: 800, isAtEnd: true }), { before: 0, after: -1 });
});

test("at the start nothing lies above, though there is no room to bring the first question to its place", () => {
  assert.deepEqual(neighbours([-8, 900], { ...middle, isAtStart: true }), { before: -1, after: 1 });
});

test("a chat without questions, or with all of them in view, has nowhere to go", () => {
  assert.deepEqual(neighbours([], middle), { before: -1, after: -1 });
  assert.deepEqual(neighbours([0, 300], middle), { before: -1, after: -1 });
});
