import assert from "node:assert/strict";
import { test } from "node:test";
import { fits } from "../../static/js/palette.js";
import { commandOf } from "../../static/js/shortcuts.js";

const press = (key, more = {}) => ({ key, code: "", ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...more });

test("Ctrl is the key elsewhere, ⌘ on Apple's machines, and neither the other's", () => {
  assert.equal(commandOf(press("k", { ctrlKey: true }), false), "palette");
  assert.equal(commandOf(press("k", { metaKey: true }), true), "palette");
  assert.equal(commandOf(press("k", { ctrlKey: true }), true), undefined);
});

test("a letter is found by its place where the layout has others", () => {
  assert.equal(commandOf(press("щ", { code: "KeyO", ctrlKey: true, shiftKey: true }), false), "new");
});

test("typing is no command: letters alone, AltGr, and words that are being composed", () => {
  assert.equal(commandOf(press("k"), false), undefined);
  assert.equal(commandOf(press("k", { ctrlKey: true, altKey: true }), false), undefined);
  assert.equal(commandOf(press("k", { ctrlKey: true, isComposing: true }), false), undefined);
});

test("every word that is typed must fit, whatever the accents", () => {
  assert.ok(fits("Thư xin nghỉ phép", "nghi thu"));
  assert.ok(fits("Đổi mật khẩu", "doi"));
  assert.ok(!fits("New chat", "new folder"));
});
