import assert from "node:assert/strict";
import { test } from "node:test";
import { isMeant } from "../../static/js/prompts.js";

test("a prompt is found by any part of its name, with or without accents", () => {
  assert.ok(isMeant("thư-xin-nghỉ", "thu"));
  assert.ok(isMeant("thư-xin-nghỉ", "NGHỈ"));
  assert.ok(isMeant("summary", ""));
  assert.ok(!isMeant("summary", "mail"));
});
