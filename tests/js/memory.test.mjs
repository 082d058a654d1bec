import assert from "node:assert/strict";
import test from "node:test";
import { addressFor } from "../../static/js/memory.js";

test("the memory is asked for the chosen model and the end of this page", () => {
  assert.equal(addressFor("/c/1/memory/", { model: "7", leaf: "ab" }), "/c/1/memory/?model=7&leaf=ab");
});

test("without a choice of models, and in an empty chat, less is said", () => {
  assert.equal(addressFor("/c/1/memory/", { model: undefined, leaf: "ab" }), "/c/1/memory/?leaf=ab");
  assert.equal(addressFor("/c/1/memory/", { model: "", leaf: "" }), "/c/1/memory/");
});
