import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, latest } from "../../static/js/search.js";

test("an address says what was filled in, and nothing of what was left empty", () => {
  assert.equal(addressOf("/search/", [["q", "phở bò"], ["model", ""], ["since", " "]]), "/search/?q=ph%E1%BB%9F+b%C3%B2");
  assert.equal(addressOf("/search/", [["q", ""]]), "/search/");
});

test("who types quickly is answered once, to what was typed last", async () => {
  const begun = [];
  const ended = [];
  let release;
  const look = latest(
    (input) => {
      begun.push(input);
      return begun.length === 1 ? new Promise((resolve) => (release = () => resolve(input))) : Promise.resolve(input);
    },
    (result) => ended.push(result),
  );
  for (const input of ["p", "ph", "pho"]) look(input);
  release();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(begun, ["p", "pho"]);
  assert.deepEqual(ended, ["pho"]);
});
