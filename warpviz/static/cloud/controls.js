// The cloud's controls: k and colours in sight, the geometry behind a disclosure.

import { certificateFactor, ruleOf } from "../base/landmarks.js";
import { counted, h, number, oneLine } from "../base/text.js";
import { button, OWN_KEYS, segmented, select, slider } from "../frame/controls.js";
import { COLOUR_MODES } from "./colours.js";

/**
 * @import { Frame } from "../frame/frame.js"
 * @import { Cloud } from "./view.js"
 *
 * @typedef {[value: string | number, text: string]} Pair
 */

/** @type {Pair[]} */
const PROJECTIONS = [
  ["pca", "PCA"],
  ["umap", "UMAP"],
];
/** @type {Pair[]} */
const DIMENSIONS = [
  [2, "2-D"],
  [3, "3-D"],
];
/** @type {Pair[]} */
const COVERS = [
  ["none", "none"],
  ["discs", "discs (PCA)"],
  ["cells", "lines to landmark"],
];
/** @type {Pair[]} */
const TOOLS = [
  ["select", "Lasso"],
  ["move", "Move"],
];

/** @param {Cloud} cloud */
export function cloudControls(cloud) {
  const { frame, store } = cloud;
  const k = slider(frame, {
    label: "k",
    trait: "k",
    min: 1,
    max: Math.max(1, store.array("order").length),
    format: (v) => String(v),
  });
  const range = () => {
    k.range(1, Math.max(1, store.array("order").length));
    const num = store.data.tokens?.length ?? 0;
    if (num === cloud.ruled) return;
    cloud.ruled = num;
    k.input.title = `The rule 43 n^0.26 asks for ${ruleOf(num)} landmarks of ${num} tokens`;
  };
  frame.cleanup(store.on("data", range));
  select(frame, { label: "colour", trait: "colour", options: COLOUR_MODES });
  bound(frame, "projection", "Projection", PROJECTIONS);
  bound(frame, "dims", "Dimensions", DIMENSIONS);
  select(frame, {
    label: "cover",
    trait: "cover",
    options: COVERS,
  });
  segmented(frame, {
    label: "Tool",
    options: TOOLS,
    value: cloud.tool,
    onchange: (v) => {
      cloud.tool = String(v);
    },
  });
  const clear = button(frame, {
    label: "Clear",
    name: "clear",
    hint: "Clear the selection (Escape)",
    onclick: () => cloud.select([], false),
  });
  searchBox(cloud, clear);
  geometryPanel(cloud);
}

/**
 * Add joined buttons bound to a trait.
 *
 * @type {(frame: Frame, trait: string, label: string, options: Pair[]) => void}
 */
function bound(frame, trait, label, options) {
  const group = segmented(frame, {
    label,
    options,
    value: frame.store.get(trait),
    onchange: (v) => frame.store.set(trait, v),
  });
  frame.cleanup(frame.store.on(`change:${trait}`, group.set));
}

/**
 * Add a box that selects every token of every occurrence of a text.
 *
 * @type {(cloud: Cloud, clear: Element) => void}
 */
function searchBox(cloud, clear) {
  const input = h("input", {
    type: "search",
    placeholder: "find text\u2026",
    "aria-label": "Select tokens by text",
    ...OWN_KEYS,
  });
  input.addEventListener("input", () => {
    const { value } = input;
    const found = value ? findTokens(cloud.store.data.tokens ?? [], value) : [];
    cloud.select(found, false);
    const words = `${counted(found.length, "token")} in occurrences of`;
    cloud.frame.status(value ? `${words} \u201c${oneLine(value)}\u201d` : "");
  });
  const together = h("div", { class: "wz-control" }, input, clear); // no line break between
  cloud.frame.controls.append(together);
}

/**
 * Return the tokens covered by occurrences of `needle` in the joined text, ignoring case.
 *
 * @type {(tokens: string[], needle: string) => number[]}
 */
function findTokens(tokens, needle) {
  const low = tokens.map((token) => token.toLowerCase()); // which may change a length
  const text = low.join("");
  const wanted = needle.toLowerCase();
  /** @type {number[]} */
  const found = [];
  let at = text.indexOf(wanted);
  let token = 0;
  let start = 0;
  while (at >= 0) {
    while (start + low[token].length <= at) {
      start += low[token].length;
      token += 1;
    }
    let end = start;
    for (let t = token; t < tokens.length && end < at + wanted.length; t += 1) {
      if (found[found.length - 1] !== t) found.push(t);
      end += low[t].length;
    }
    at = text.indexOf(wanted, at + wanted.length);
  }
  return [...new Set(found)];
}

/**
 * Add the controls that ask the kernel to compute, where there is one.
 *
 * @param {Cloud} cloud
 */
function geometryPanel(cloud) {
  const { frame, store } = cloud;
  if (!store.live) return;
  const box = h("div", { class: "wz-controls" });
  const panel = h("details", { class: "wz-details" }, h("summary", { text: "Geometry" }), box);
  frame.controls.append(panel);
  frame.cleanup(store.on("lost", () => panel.remove()));
  let known = "";
  frame.cleanup(
    store.on("data", () => {
      const { spaces, num_layers, num_heads, policies } = store.data;
      const now = JSON.stringify([spaces, num_layers, num_heads, policies]);
      if (now === known) return;
      known = now;
      box.replaceChildren();
      fillGeometry(frame, box);
    }),
  );
}

/** @type {(frame: Frame, parent: Element) => void} */
function fillGeometry(frame, parent) {
  const {
    spaces = ["keys"],
    policies = ["hybrid"],
    num_layers: layers = 1,
    num_heads: heads = 1,
    metrics = ["euclidean"],
  } = frame.store.data;
  /** @type {(num: number) => Pair[]} */
  const upTo = (num) => Array.from({ length: num }, (_, i) => [i, String(i)]);
  select(frame, { label: "space", trait: "space", options: spaces, parent });
  select(frame, {
    label: "layer",
    trait: "layer",
    options: [[-1, "all"], ...upTo(layers)],
    parent,
  });
  select(frame, {
    label: "KV head",
    trait: "head",
    options: [[-1, "all"], [-2, "mean"], ...upTo(heads)],
    parent,
  });
  select(frame, { label: "policy", trait: "policy", options: policies, parent });
  slider(frame, {
    label: "\u03b1",
    trait: "alpha",
    min: 0,
    max: 1,
    step: 0.05,
    format: (v) => `${v.toFixed(2)}  ${factorLabel(v)}`,
    hint: "0 covers the geometry, 1 follows attention; below 0.5 the cover radius is certified",
    parent,
  });
  select(frame, { label: "metric", trait: "metric", options: metrics, parent });
  slider(frame, {
    label: "neighbours",
    trait: "n_neighbors",
    min: 2,
    max: 100,
    format: (v) => String(v),
    parent,
  });
  slider(frame, {
    label: "min dist",
    trait: "min_dist",
    min: 0,
    max: 0.99,
    step: 0.01,
    format: (v) => v.toFixed(2),
    parent,
  });
}

/** Return the certificate's factor for a slider's label. */
function factorLabel(alpha) {
  const factor = certificateFactor(alpha);
  return factor === null ? "\u2013" : `\u2264 ${number(factor, 3)}\u00d7`;
}

/**
 * Return what is shown, one row per token.
 *
 * @param {Cloud} cloud
 */
export function cloudTable(cloud) {
  const { store, marks, scene, chosen } = cloud;
  const received = store.array("received");
  return Array.from({ length: scene.count }, (_, i) => {
    const t = cloud.tokenOf(i);
    return {
      token: t,
      text: store.data.tokens[t],
      kind: store.data.kind_names?.[store.array("kind")[t]] ?? "text",
      x: scene.goal[i * 3],
      y: scene.goal[i * 3 + 1],
      z: scene.dims === 3 ? scene.goal[i * 3 + 2] : null,
      received: received[t],
      landmark: marks.has(t),
      rank: marks.rank[t] >= 0 ? marks.rank[t] : null,
      nearest_landmark: marks.near[t],
      distance: marks.far[t],
      selected: chosen.has(t),
    };
  });
}
