// What a point's colour means: a mode for each, with its legend.

import { quantiles, ramp } from "../base/ramp.js";
import { number } from "../base/text.js";
import { kindLook } from "./kinds.js";

/**
 * @import { Landmarks } from "../base/landmarks.js"
 * @import { Store } from "../base/store.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Item, Legend } from "./legend.js"
 */

/** @type {[value: string, text: string][]} */
export const COLOUR_MODES = [
  ["position", "position"],
  ["received", "attention received"],
  ["kind", "kind"],
  ["cluster", "cluster"],
  ["rank", "landmark rank"],
  ["distance", "distance to landmark"],
  ["cell", "nearest landmark"],
];

/**
 * Return a colour per point, and the legend.
 *
 * @param {string} mode
 * @param {Store} store
 * @param {Landmarks} marks
 * @param {Theme} theme
 * @returns {{ colours: string[], legend: Legend }}
 */
export function colourPoints(mode, store, marks, theme) {
  const n = store.arrays.pca?.shape[0] ?? 0;
  const index = store.array("index");
  const token = (i) => (index.length ? index[i] : i);
  const total = Math.max(1, (store.data.tokens?.length ?? n) - 1);
  const build = (fn) => Array.from({ length: n }, (_, i) => fn(token(i), i));
  if (mode === "received") {
    const levels = quantiles(store.array("received"));
    return {
      colours: build((t) => ramp(levels[t])),
      legend: { low: "little", high: "much", title: "attention received (rank)" },
    };
  }
  if (mode === "kind") {
    const kind = store.array("kind");
    const names = store.data.kind_names ?? ["text"];
    const looks = names.map((name, j) => kindLook(name, j, theme));
    const drawn = new Set(build((t) => kind[t] ?? 0));
    /** @type {Item[]} */
    const items = [
      ...looks.filter((_, j) => drawn.has(j)).map((look) => [look.colour, look.name, look.shape]),
      [theme.mark, "landmark", "diamond"],
    ];
    return {
      colours: build((t) => (marks.has(t) ? theme.mark : looks[kind[t] ?? 0].colour)),
      legend: { items },
    };
  }
  if (mode === "cluster") {
    const cluster = store.array("cluster");
    const num = cluster.length ? Math.max(...new Set(cluster)) + 1 : 0;
    const colour = (j) => theme.categories[j % theme.categories.length];
    return {
      colours: build((t) => colour(cluster[t] ?? 7)),
      legend: { items: Array.from({ length: num }, (_, j) => [colour(j), String(j + 1)]) },
    };
  }
  if (mode === "rank") {
    const most = Math.max(1, marks.order.length - 1);
    const colour = (t) => (marks.rank[t] >= 0 ? ramp(1 - marks.rank[t] / most) : theme.line);
    return {
      colours: build(colour),
      legend: { low: `pick ${most + 1}`, high: "first", title: "landmark rank" },
    };
  }
  if (mode === "distance") {
    let most = 1e-9;
    for (let t = store.data.skip ?? 0; t < marks.count; t += 1)
      most = Math.max(most, marks.distance[marks.start[t]] || 0);
    const shown = Math.max(marks.radius * 1.15, most * 0.25) || 1;
    return {
      colours: build((t) => ramp(marks.far[t] / shown)),
      legend: { low: "0", high: number(shown, 2), title: "distance to nearest landmark" },
    };
  }
  if (mode === "cell") {
    const colour = (t) =>
      theme.categories[Math.max(0, marks.rank[marks.near[t]]) % theme.categories.length];
    return {
      colours: build(colour),
      legend: { items: [[theme.soft, "one colour per landmark, reused"]] },
    };
  }
  return {
    colours: build((t) => ramp(t / total)),
    legend: { low: "first", high: "last", title: "position" },
  };
}
