import assert from "node:assert/strict";
import test from "node:test";

import { sent } from "../../static/js/transfer.js";

test("a file that has left is not yet taken in: only the server's answer makes it whole", () => {
  assert.equal(sent({ loaded: 0, total: 200 }), 0);
  assert.equal(sent({ loaded: 101, total: 200 }), 50);
  assert.equal(sent({ loaded: 200, total: 200 }), 99);
});

test("a file of unknown size stands at the beginning", () => {
  assert.equal(sent({ loaded: 5, total: 0 }), 0);
});
