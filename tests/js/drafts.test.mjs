import assert from "node:assert/strict";
import { test } from "node:test";
import { editKey, editsKept, joined, keepDraft, recallDraft, withDraft, without } from "../../static/js/drafts.js";

/** What drafts use of the browser's Storage. Keys are properties of it, as there. */
class Storage {
  getItem(name) {
    return Object.hasOwn(this, name) ? this[name] : null;
  }
  setItem(name, value) {
    this[name] = value;
  }
  removeItem(name) {
    delete this[name];
  }
}

class FullStorage extends Storage {
  setItem() {
    throw new DOMException("full", "QuotaExceededError");
  }
}

test("a draft is found again under its person and place only", () => {
  const storage = new Storage();
  keepDraft(storage, "1 /send/", "half a thought");
  assert.equal(recallDraft(storage, "1 /send/"), "half a thought");
  assert.equal(recallDraft(storage, "2 /send/"), "");
  assert.equal(recallDraft(storage, "1 /c/x/send/"), "");
});

test("what was accepted, or is blank, leaves no draft", () => {
  const storage = new Storage();
  keepDraft(storage, "1 /send/", "text");
  keepDraft(storage, "1 /send/", "  \n");
  assert.deepEqual(Object.keys(storage), []);
});

test("beyond fifty drafts the oldest go, and nothing that is no draft", () => {
  const storage = new Storage();
  storage.setItem("theme", "dark");
  for (let age = 0; age < 55; age += 1) keepDraft(storage, `1 /c/${age}/`, "text", age);
  assert.equal(recallDraft(storage, "1 /c/4/"), "");
  assert.equal(recallDraft(storage, "1 /c/5/"), "text");
  assert.equal(Object.keys(storage).length, 51);
});

test("a browser without storage, or with a full one, does not stop anybody from typing", () => {
  keepDraft(null, "1 /send/", "text");
  assert.equal(recallDraft(null, "1 /send/"), "");
  const full = new FullStorage();
  keepDraft(full, "1 /send/", "text");
  assert.equal(recallDraft(full, "1 /send/"), "");
});

test("a draft that something else has spoilt counts as none", () => {
  const storage = new Storage();
  storage.setItem("draft 1 /send/", "{");
  assert.equal(recallDraft(storage, "1 /send/"), "");
});

test("a message that comes back stands before what was typed meanwhile", () => {
  assert.equal(joined("sent", "typed"), "sent\ntyped");
  assert.equal(joined("sent", ""), "sent");
  assert.equal(joined("", "typed"), "typed");
});

test("what was typed before the script came and what was kept stand together, neither twice", () => {
  assert.equal(withDraft("", "kept"), "kept");
  assert.equal(withDraft("typed", ""), "typed");
  assert.equal(withDraft("typed", "kept"), "kept\ntyped");
  assert.equal(withDraft("typed", "typed on"), "typed on");
  assert.equal(withDraft("kept and more", "kept"), "kept and more");
  assert.equal(withDraft("  ", "kept"), "kept");
});

test("what the page gave is taken out again, what somebody wrote stays", () => {
  assert.equal(without("the question", "the question"), "");
  assert.equal(without("mine\nthe question", "the question"), "mine");
  assert.equal(without("the question, otherwise", "the question"), "the question, otherwise");
  assert.equal(without("mine", ""), "mine");
});

test("messages that were being edited are found by their person", () => {
  const storage = new Storage();
  keepDraft(storage, editKey("1", "abc"), "other words");
  keepDraft(storage, editKey("2", "def"), "of somebody else");
  keepDraft(storage, "1 /send/", "a draft");
  assert.deepEqual(editsKept(storage, "1"), ["abc"]);
  assert.deepEqual(editsKept(null, "1"), []);
});
