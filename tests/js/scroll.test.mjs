import assert from "node:assert/strict";
import { test } from "node:test";
import { coveredBy, isAtEnd, staysAtEnd } from "../../static/js/scroll.js";

const at = (top, height = 2000, viewport = 800) => ({ top, viewport, height });

test("a few pixels above the end still count as the end", () => {
  assert.ok(isAtEnd(at(1200)));
  assert.ok(isAtEnd(at(1160)));
  assert.ok(!isAtEnd(at(1100)));
});

test("growth alone does not move a reader who is at the end away from it", () => {
  assert.ok(staysAtEnd(true, at(1200), at(1200, 2400)));
});

test("growth alone does not catch a reader who is elsewhere", () => {
  assert.ok(!staysAtEnd(false, at(300), at(300, 2400)));
});

test("going up, however little, is leaving", () => {
  assert.ok(!staysAtEnd(true, at(1200), at(1190)));
});

test("coming down to the end is arriving", () => {
  assert.ok(staysAtEnd(false, at(900), at(1200)));
});

test("a text that shrinks, or a keyboard that closes, moves the place but is not going up", () => {
  assert.ok(staysAtEnd(true, at(1200), at(1000, 1800)));
  assert.ok(staysAtEnd(true, at(1500, 2000, 500), at(1200, 2000, 800)));
});

test("a keyboard that lies over the page covers what is not seen of it; a zoomed page and a browser's bar do not", () => {
  const view = { height: 500, offsetTop: 0, scale: 1 };
  assert.equal(coveredBy(view, 844), 344);
  assert.equal(coveredBy({ ...view, offsetTop: 300 }, 844), 0);
  assert.equal(coveredBy({ ...view, scale: 1.7 }, 844), 0);
  assert.equal(coveredBy({ ...view, height: 800 }, 844), 0);
});
