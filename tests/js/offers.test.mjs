import assert from "node:assert/strict";
import test from "node:test";

import { matches } from "../../static/js/offers.js";

test("every word of a search is found somewhere, whatever its case", () => {
  assert.ok(matches("Qwen/Qwen3-32B Qwen 3 32B", "qwen 32b"));
  assert.ok(matches("Qwen/Qwen3-32B Qwen 3 32B", ""));
  assert.ok(matches("Qwen/Qwen3-32B Qwen 3 32B", " qwen3 "));
  assert.ok(!matches("Qwen/Qwen3-32B Qwen 3 32B", "qwen gemma"));
});
