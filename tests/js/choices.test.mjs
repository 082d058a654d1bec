import assert from "node:assert/strict";
import { test } from "node:test";
import { fold, found, remembered, step } from "../../static/js/choices.js";

const entry = (label, more = "") => ({ label: fold(label), searched: fold(`${label} ${more}`) });
const MODELS = [
  entry("Gemma 2 9B", "everyday questions google/gemma-2-9b-it"),
  entry("Vistral", "Tiếng Việt, đối thoại"),
  entry("CodeGemma", "code"),
  entry("Qwen Coder", "code"),
];
const labels = (query) => found([...MODELS], query).map(({ label }) => label);

test("a search knows neither case nor marks", () => {
  assert.equal(fold("Tiếng Việt, ĐỐI thoại"), "tieng viet, doi thoai");
  assert.deepEqual(labels("tieng viet"), ["vistral"]);
  assert.deepEqual(labels("TIẾNG đối"), ["vistral"]);
});

test("every word must be found, wherever it stands", () => {
  assert.deepEqual(labels("gemma it"), ["gemma 2 9b"]);
  assert.deepEqual(labels("gemma viet"), []);
});

test("labels that begin with what is sought come first, then labels that have it", () => {
  assert.deepEqual(labels("gemma"), ["gemma 2 9b", "codegemma"]);
  assert.deepEqual(labels("code"), ["codegemma", "qwen coder"]);
});

test("no query shows everything in the catalogue's order", () => {
  assert.deepEqual(labels("  "), MODELS.map(({ label }) => label));
});

test("arrows go round, Home and End to the ends, pages stop there", () => {
  assert.equal(step("ArrowDown", -1, 3), 0);
  assert.equal(step("ArrowDown", 2, 3), 0);
  assert.equal(step("ArrowUp", 0, 3), 2);
  assert.equal(step("Home", 2, 3), 0);
  assert.equal(step("End", 0, 3), 2);
  assert.equal(step("PageDown", 0, 30), 8);
  assert.equal(step("PageDown", 28, 30), 29);
  assert.equal(step("PageUp", 3, 30), 0);
});

test("other keys lead nowhere, and no key does in an empty list", () => {
  assert.equal(step("a", 0, 3), null);
  assert.equal(step("toString", 0, 3), null);
  assert.equal(step("ArrowDown", -1, 0), null);
});

test("the newest choice comes first, each once, three at most", () => {
  assert.deepEqual(remembered([], "1"), ["1"]);
  assert.deepEqual(remembered(["1", "2", "3"], "2"), ["2", "1", "3"]);
  assert.deepEqual(remembered(["1", "2", "3"], "4"), ["4", "1", "2"]);
});
