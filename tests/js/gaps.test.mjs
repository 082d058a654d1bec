import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, endNearer, messageIn } from "../../static/js/gaps.js";

test("a gap is filled from the end that is nearer to the reader", () => {
  assert.equal(endNearer({ top: -500, viewport: 800, isBetween: true }), "earlier");
  assert.equal(endNearer({ top: 1200, viewport: 800, isBetween: true }), "later");
  assert.equal(endNearer({ top: 1200, viewport: 800, isBetween: false }), "earlier");
});

test("the address says what is wanted of a gap", () => {
  assert.equal(addressOf("/part/?before=a", {}), "/part/?before=a");
  assert.equal(addressOf("/part/?before=a", { at: "b&c" }), "/part/?before=a&at=b%26c");
});

test("a fragment names a message, or does not", () => {
  assert.equal(messageIn("#m-abc"), "abc");
  assert.equal(messageIn("#m-a%22b"), 'a"b');
  assert.equal(messageIn("#main"), "");
  assert.equal(messageIn("#m-"), "");
  assert.equal(messageIn("#m-%"), "");
  assert.equal(messageIn(""), "");
});
