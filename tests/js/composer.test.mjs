import assert from "node:assert/strict";
import { test } from "node:test";
import { isSend, isTooLong, opensPicker } from "../../static/js/composer.js";

const press = (more) => ({ key: "Enter", shiftKey: false, isComposing: false, keyCode: 13, ...more });

test("Enter sends, Shift+Enter breaks the line, other keys type", () => {
  assert.ok(isSend(press()));
  assert.ok(!isSend(press({ shiftKey: true })));
  assert.ok(!isSend(press({ key: "a", keyCode: 65 })));
  assert.ok(isSend(press({ ctrlKey: true })));
});

test("for those who prefer it, Enter breaks the line, and Ctrl or Command with it sends", () => {
  assert.ok(!isSend(press(), "ctrl-enter"));
  assert.ok(isSend(press({ ctrlKey: true }), "ctrl-enter"));
  assert.ok(isSend(press({ metaKey: true }), "ctrl-enter"));
  assert.ok(!isSend(press({ ctrlKey: true, isComposing: true }), "ctrl-enter"));
});

test("Enter that ends a composition of an input method does not send", () => {
  assert.ok(!isSend(press({ isComposing: true })));
  assert.ok(!isSend(press({ keyCode: 229 })));
});

test("length counts code points as the server does, not UTF-16 units", () => {
  assert.ok(!isTooLong("\u{10348}".repeat(3), 3));
  assert.ok(isTooLong("\u{10348}".repeat(4), 3));
  assert.ok(!isTooLong("abc", 3));
});

test("arrows and letters on its button open the picker; Enter and Space click it, shortcuts are the browser's", () => {
  assert.ok(["ArrowDown", "ArrowUp", "g", "đ"].every((key) => opensPicker(press({ key }))));
  assert.ok(["Enter", " ", "Tab", "Escape", "F5"].every((key) => !opensPicker(press({ key }))));
  assert.ok(!opensPicker(press({ key: "r", ctrlKey: true })));
});
