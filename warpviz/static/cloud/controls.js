// The cloud's controls: k and colours at hand, the geometry behind one disclosure.

import { button, OWN_KEYS, segmented, select, slider } from "../base/controls.js";
import { certificateFactor, ruleOf } from "../base/landmarks.js";
import { counted, h, number, oneLine } from "../base/text.js";
import { COLOUR_MODES } from "./colours.js";

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
  bound(
    frame,
    "projection",
    [
      ["pca", "PCA"],
      ["umap", "UMAP"],
    ],
    "Projection",
  );
  bound(
    frame,
    "dims",
    [
      [2, "2-D"],
      [3, "3-D"],
    ],
    "Dimensions",
  );
  select(frame, {
    label: "cover",
    trait: "cover",
    options: [
      ["none", "none"],
      ["discs", "discs (PCA)"],
      ["cells", "cells"],
    ],
  });
  segmented(frame, {
    label: "Tool",
    options: [
      ["select", "Lasso"],
      ["move", "Move"],
    ],
    value: "select",
    onchange: (v) => {
      cloud.tool = v;
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

/** A segmented control bound to a trait. */
export function bound(frame, trait, options, label, parent = frame.controls) {
  const group = segmented(frame, {
    label,
    options,
    value: frame.store.get(trait),
    onchange: (v) => frame.store.set(trait, v),
    parent,
  });
  frame.cleanup(frame.store.on(`change:${trait}`, group.set));
  return group;
}

/** Select every token that is part of an occurrence of the text. */
function searchBox(cloud, clear) {
  const input = h("input", {
    type: "search",
    placeholder: "find text\u2026",
    "aria-label": "Select tokens by text",
    ...OWN_KEYS,
  });
  input.addEventListener("input", () => {
    const found = input.value ? findTokens(cloud.store.data.tokens ?? [], input.value) : [];
    cloud.select(found, false);
    cloud.frame.status(
      input.value
        ? `${counted(found.length, "token")} in occurrences of \u201c${oneLine(input.value)}\u201d`
        : "",
    );
  });
  cloud.frame.controls.append(h("div", { class: "wz-control" }, input, clear)); // they wrap together
}

/** Return the tokens covered by occurrences of `needle` in the joined text, ignoring case. */
function findTokens(tokens, needle) {
  const low = tokens.map((token) => token.toLowerCase()); // one by one: lower case may change a length
  const text = low.join("");
  const wanted = needle.toLowerCase();
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

function geometryPanel(cloud) {
  const { frame, store } = cloud;
  if (!store.live) return; // these ask the kernel to compute
  const box = h("div", { class: "wz-controls" });
  const panel = h("details", { class: "wz-details" }, h("summary", { text: "Geometry" }), box);
  frame.controls.append(panel);
  frame.cleanup(store.on("lost", () => panel.remove()));
  const fill = () => {
    box.replaceChildren();
    const parent = box;
    const {
      spaces = ["keys"],
      policies = ["hybrid"],
      num_layers: layers = 1,
      num_heads: heads = 1,
      metrics = ["euclidean"],
    } = store.data;
    select(frame, { label: "space", trait: "space", options: spaces, parent });
    select(frame, {
      label: "layer",
      trait: "layer",
      options: [[-1, "all"], ...Array.from({ length: layers }, (_, i) => [i, String(i)])],
      parent,
    });
    select(frame, {
      label: "KV head",
      trait: "head",
      options: [
        [-1, "all"],
        [-2, "mean"],
        ...Array.from({ length: heads }, (_, i) => [i, String(i)]),
      ],
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
  };
  let known = "";
  frame.cleanup(
    store.on("data", () => {
      const now = JSON.stringify([
        store.data.spaces,
        store.data.num_layers,
        store.data.num_heads,
        store.data.policies,
      ]);
      if (now !== known) {
        known = now;
        fill();
      }
    }),
  );
}

function factorLabel(alpha) {
  const factor = certificateFactor(alpha);
  return factor === null ? "\u2013" : `\u2264 ${number(factor, 3)}\u00d7`;
}

/** What is shown, one row per token. */
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
