// WCAG 2.2 AA over the tokens: 4.5 : 1 for text (1.4.3), 3 : 1 for controls and focus (1.4.11), in both themes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../static/css/tokens.css", import.meta.url), "utf8");

const TEXT = [
  ["text", ["background", "raised", "sunken", "fill", "fill-strong", "code-background", "danger-fill", "warning-fill"]],
  ["text-muted", ["background", "raised", "sunken", "fill", "code-background"]],
  ["accent", ["background", "raised", "sunken", "fill"]],
  ["accent-hover", ["background", "raised", "sunken"]],
  ["accent-contrast", ["accent", "accent-hover"]],
  ["danger", ["background", "raised", "danger-fill"]],
  ["danger-contrast", ["danger", "danger-hover"]],
  ["warning", ["background", "warning-fill"]],
  ["success", ["background", "raised"]],
  ...["comment", "keyword", "string", "number", "name", "type"].map((kind) => [`code-${kind}`, ["code-background"]]),
];
const CONTROLS = [
  ["border-control", ["background", "raised"]],
  ["focus", ["background", "raised", "sunken", "fill"]],
  ["accent", ["background", "raised"]],
];

/** `--name: light-dark(oklch(l c h), oklch(l c h))` of the stylesheet, as {name: [[l, c, h], [l, c, h]]}. */
function colours() {
  const found = {};
  for (const [, name, light, dark] of css.matchAll(/--([\w-]+): light-dark\(oklch\(([^)/]+)\), oklch\(([^)/]+)\)\)/g)) {
    found[name] = [light, dark].map((numbers) => numbers.trim().split(/\s+/).map(Number));
  }
  return found;
}

/** Relative luminance of an OKLCH colour, clipped to sRGB. Matrices: https://bottosson.github.io/posts/oklab/ */
function luminance([l, c, h]) {
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const [long, medium, short] = [
    l + 0.3963377774 * a + 0.2158037573 * b,
    l - 0.1055613458 * a - 0.0638541728 * b,
    l - 0.0894841775 * a - 1.291485548 * b,
  ].map((x) => x ** 3);
  const [red, green, blue] = [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ].map((x) => Math.min(1, Math.max(0, x)));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function belowLimit(pairs, limit) {
  const palette = colours();
  const found = [];
  for (const [front, backs] of pairs) {
    for (const back of backs) {
      for (const theme of [0, 1]) {
        const ratio = contrast(palette[front][theme], palette[back][theme]);
        if (ratio < limit) found.push(`${front} on ${back}, ${["light", "dark"][theme]}: ${ratio.toFixed(2)}`);
      }
    }
  }
  return found;
}

test("the arithmetic agrees with WCAG: black on white is 21 : 1", () => {
  assert.ok(Math.abs(contrast([0, 0, 0], [1, 0, 0]) - 21) < 0.01);
});

test("all text stands out from what is behind it", () => {
  assert.deepEqual(belowLimit(TEXT, 4.5), []);
});

test("the outlines of controls and the focus ring stand out from what is behind them", () => {
  assert.deepEqual(belowLimit(CONTROLS, 3), []);
});
