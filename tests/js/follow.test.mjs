import assert from "node:assert/strict";
import { test } from "node:test";
import { backOff, isOver, withCursor } from "../../static/js/follow.js";

test("attempts in a row wait longer and longer, up to fifteen seconds", () => {
  assert.deepEqual([0, 1, 2, 3].map((attempt) => backOff(attempt, 1)), [500, 1000, 2000, 4000]);
  assert.equal(backOff(50, 1), 5_000);
});

test("many readers do not come back at the same moment", () => {
  assert.equal(backOff(1, 0), 500);
  assert.equal(backOff(1, 0.5), 750);
});

test("the cursor travels in the address, escaped", () => {
  assert.equal(withCursor("/g/1/events/", ""), "/g/1/events/");
  assert.equal(withCursor("/g/1/events/", "120.3"), "/g/1/events/?after=120.3");
  assert.equal(withCursor("/g/1/events/?x=1", "a&b"), "/g/1/events/?x=1&after=a%26b");
});

test("an answer that is read, forbidden or absent is over; a troubled server is not", () => {
  for (const status of [204, 401, 403, 404, 410]) assert.ok(isOver(status), status);
  for (const status of [0, 200, 429, 500, 502, 503, 504]) assert.ok(!isOver(status), status);
});
