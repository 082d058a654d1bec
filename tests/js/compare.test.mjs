import assert from "node:assert/strict";
import test from "node:test";
import { recalled, shut } from "../../static/js/compare.js";

const storage = (text) => ({ getItem: () => text });

test("what was compared last is offered again, in the order of the list", () => {
  assert.deepEqual(recalled(storage('["3","1"]'), "compare 1", ["1", "2", "3"]), ["1", "3"]);
});

test("a model that is gone is not offered", () => {
  assert.deepEqual(recalled(storage('["3","9"]'), "compare 1", ["1", "2", "3"]), ["3"]);
});

test("nothing is offered where nothing is kept, or something that is not ours", () => {
  for (const text of [null, "", "{", "null", "7"]) {
    assert.deepEqual(recalled(storage(text), "compare 1", ["1"]), []);
  }
  assert.deepEqual(recalled(null, "compare 1", ["1"]), []);
});

test("once the most are ticked, no other can be", () => {
  assert.deepEqual(shut(["1", "2", "3"], ["1"], 2), []);
  assert.deepEqual(shut(["1", "2", "3"], ["1", "3"], 2), ["2"]);
});
