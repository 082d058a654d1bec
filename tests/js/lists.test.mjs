import assert from "node:assert/strict";
import test from "node:test";
import { leaves, range, stateOfAll, tail } from "../../static/js/lists.js";

test("rows that were scrolled to stay behind the fresh ones", () => {
  assert.deepEqual(tail(["a", "b", "c", "d", "e"], ["a", "b", "c"], true), ["d", "e"]);
});

test("a new chat on top pushes the last fresh row down, which stands once", () => {
  assert.deepEqual(tail(["a", "b", "c", "d"], ["new", "a", "b"], true), ["c", "d"]);
});

test("a chat that moved up from further down stands once", () => {
  assert.deepEqual(tail(["a", "b", "c", "d"], ["d", "a", "b"], true), ["c"]);
});

test("what cannot be joined is loaded anew", () => {
  assert.deepEqual(tail(["a", "b", "c"], ["x", "y"], true), []);
  assert.deepEqual(tail(["a", "b", "c"], [], false), []);
});

test("where the fresh rows are all there is, nothing stays behind them", () => {
  assert.deepEqual(tail(["a", "b", "c"], ["a", "b"], false), []);
});

test("the box for all is checked, half checked or empty", () => {
  assert.deepEqual(stateOfAll(0, 3), { checked: false, indeterminate: false });
  assert.deepEqual(stateOfAll(1, 3), { checked: false, indeterminate: true });
  assert.deepEqual(stateOfAll(3, 3), { checked: true, indeterminate: false });
  assert.deepEqual(stateOfAll(0, 0), { checked: false, indeterminate: false });
});

test("a range goes both ways", () => {
  assert.deepEqual(range(2, 4), [2, 3, 4]);
  assert.deepEqual(range(4, 2), [2, 3, 4]);
  assert.deepEqual(range(1, 1), [1]);
});

test("a deed takes a chat out of the lists that it does not belong to any more", () => {
  assert.ok(leaves("trash", "folder"));
  assert.ok(leaves("restore", "trash"));
  assert.ok(!leaves("move", "all"));
  assert.ok(!leaves("archive", undefined));
});
