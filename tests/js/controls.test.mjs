import assert from "node:assert/strict";
import test from "node:test";
import { changedAmong } from "../../static/js/controls.js";

test("what differs from its default is changed, as text: 0 is not nothing", () => {
  const said = [
    { value: "0.7", fallback: "0.7" },
    { value: "0", fallback: "3" },
    { value: "", fallback: "" },
    { value: "0", fallback: "" },
  ];
  assert.deepEqual(changedAmong(said), [1, 3]);
  assert.deepEqual(changedAmong([]), []);
});
