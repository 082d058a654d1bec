import assert from "node:assert/strict";
import { test } from "node:test";
import { delayBeforeResend } from "../../static/js/send.js";

const answer = (status, more) => ({ status, known: true, retryAfter: null, waited: 0, ...more });

test("a site that asks for time gets the time it asks for", () => {
  assert.equal(delayBeforeResend(answer(503, { retryAfter: "2" })), 2000);
  assert.equal(delayBeforeResend(answer(503, { retryAfter: "0" })), 1000);
});

test("after fifteen seconds of waiting the person is told", () => {
  assert.equal(delayBeforeResend(answer(503, { retryAfter: "5", waited: 10_000 })), 5000);
  assert.equal(delayBeforeResend(answer(503, { retryAfter: "5", waited: 11_000 })), null);
});

test("a refusal is shown at once", () => {
  for (const status of [400, 401, 403, 409, 413, 422, 429, 500, 502, 503]) {
    assert.equal(delayBeforeResend(answer(status)), null, status);
  }
});

test("a lost connection and a proxy without a site behind it are tried again for a moment", () => {
  for (const status of [0, 502, 503, 504]) {
    assert.equal(delayBeforeResend(answer(status, { known: false })), 1000, status);
    assert.equal(delayBeforeResend(answer(status, { known: false, waited: 3000 })), null, status);
  }
});

test("an accepted message is not sent again", () => {
  assert.equal(delayBeforeResend(answer(200)), null);
  assert.equal(delayBeforeResend(answer(200, { known: false })), null);
});
