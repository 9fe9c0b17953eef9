// Distance against k: of the landmarks, of random ones, and the bound that none exceeds.

import { drawAxes, linear } from "../base/axes.js";
import { rowsOf } from "./bars.js";

/**
 * @import { Scale } from "../base/axes.js"
 * @import { Box, Pen } from "../base/pen.js"
 * @import { Store } from "../base/store.js"
 * @import { Theme } from "../base/theme.js"
 * @import { PersistenceView } from "./view.js"
 *
 * @typedef {object} CurveRow
 * @property {number} k
 * @property {number} radius
 * @property {number} bottleneck of the landmarks
 * @property {number} low of random ones: the 5 % quantile
 * @property {number} mean
 * @property {number} high
 */

const CURVE_COLUMNS = 6;

/** @type {(store: Store, dim: number) => CurveRow[]} */
export function curveRows(store, dim) {
  return rowsOf(store.arrays[`curve_h${dim}`], (data, i) => {
    const row = data.slice(i * CURVE_COLUMNS, (i + 1) * CURVE_COLUMNS);
    const [k, radius, bottleneck, low, mean, high] = row;
    return { k, radius, bottleneck, low, mean, high };
  });
}

/**
 * Draw the curve of the view's dimension, with a mark at the present k.
 *
 * @type {(view: PersistenceView, pen: Pen, w: number, hgt: number, theme: Theme) => void}
 */
export function drawCurve(view, pen, w, hgt, theme) {
  const rows = curveRows(view.store, view.dim);
  const box = { x: 44, y: 26, w: w - 122, h: hgt - 66 };
  if (!rows.length) {
    pen.text(w / 2, hgt / 2, view.store.data.busy?.what || "no curve", {
      align: "center",
      fill: theme.faint,
    });
    return;
  }
  const highest = rows.map((r) => Math.max(r.bottleneck, Number.isFinite(r.high) ? r.high : 0));
  const most = Math.max(...highest) * 1.25;
  const k = view.store.get("k");
  const x = linear(
    [Math.log2(Math.min(rows[0].k, k)), Math.log2(Math.max(rows[rows.length - 1].k, k, 2))],
    [box.x, box.x + box.w],
  );
  const y = linear([0, most], [box.y + box.h, box.y]);
  const at = (v) => x(Math.log2(v));
  drawAxes(pen, theme, box, { y, yTitle: `bottleneck distance, H${view.dim}` });
  tickLabels(
    pen,
    theme,
    rows.map((row) => [at(row.k), String(row.k)]),
    box.y + box.h + 14,
  );
  pen.text(box.x + box.w, box.y + box.h + 28, "k (landmarks)", {
    size: 11,
    fill: theme.soft,
    align: "right",
  });
  pen.clip(box.x - 6, box.y - 4, box.w + 12, box.h + 6, () => {
    /** @type {(value: (row: CurveRow) => number) => number[][]} */
    const points = (value) => rows.map((r) => [at(r.k), y(value(r))]);
    const range = [...points((r) => r.high), ...points((r) => r.low).reverse()];
    pen.path(range, { fill: theme.faint, alpha: 0.22, closed: true });
    const mean = points((r) => r.mean);
    pen.path(mean, { stroke: theme.soft, width: 1, dash: [3, 3] });
    const bound = points((r) => 2 * r.radius);
    pen.path(bound, { stroke: theme.orange, width: 1.4, dash: [5, 4] });
    const achieved = points((r) => r.bottleneck);
    pen.path(achieved, { stroke: theme.vermilion, width: 2.2 });
    for (const r of rows) pen.circle(at(r.k), y(r.bottleneck), 3, { fill: theme.vermilion });
    pen.line(at(k), box.y, at(k), box.y + box.h, { stroke: theme.ink, width: 1, alpha: 0.55 });
  });
  directLabels(pen, theme, box, rows, y, most);
  const right = at(k) > box.x + box.w - 50;
  pen.text(at(k) + (right ? -5 : 5), box.y + box.h - 6, `k = ${k}`, {
    size: 11,
    weight: 600,
    align: right ? "right" : "left",
    halo: true,
  });
}

/**
 * Write tick labels from the last to the first, without those that would touch the one after.
 *
 * @type {(pen: Pen, theme: Theme, ticks: [x: number, text: string][], y: number) => void}
 */
function tickLabels(pen, theme, ticks, y) {
  let free = Infinity;
  for (const [x, text] of [...ticks].reverse()) {
    const half = pen.measure(text, { size: 11 }) / 2 + 3;
    if (x + half > free) continue;
    pen.text(x, y, text, { size: 11, fill: theme.faint, align: "center" });
    free = x - half;
  }
}

/**
 * Name each line at its end; names that would touch are moved apart.
 *
 * @param {Pen} pen
 * @param {Theme} theme
 * @param {Box} box
 * @param {CurveRow[]} rows
 * @param {Scale} y
 * @param {number} most the highest value in sight
 */
function directLabels(pen, theme, box, rows, y, most) {
  const last = rows[rows.length - 1];
  const bound = 2 * last.radius;
  const labels = [
    { text: "landmarks", value: last.bottleneck, fill: theme.vermilion },
    { text: "random", value: last.mean, fill: theme.soft },
    { text: "2r bound", value: bound, fill: theme.orange },
  ]
    .filter(({ value }) => value <= most) // a bound above the picture is a number below it
    .map(({ text, value, fill }) => ({ text, fill, y: y(value) }))
    .sort((a, b) => a.y - b.y);
  for (let i = 1; i < labels.length; i += 1)
    labels[i].y = Math.max(labels[i].y, labels[i - 1].y + 14);
  for (const { text, fill, y: level } of labels)
    pen.text(box.x + box.w + 8, level, text, { size: 11, fill, baseline: "middle" });
}
