// Distance against k: what the landmarks achieve, what random ones would, and the bound nothing can exceed.

import { drawAxes, linear } from "../base/plot.js";
import { rowsOf } from "./bars.js";

const CURVE_COLUMNS = ["k", "radius", "bottleneck", "low", "mean", "high"];

export function curveRows(store, dim) {
  return rowsOf(store.arrays[`curve_h${dim}`], (data, i) =>
    Object.fromEntries(CURVE_COLUMNS.map((name, j) => [name, data[i * 6 + j]])),
  );
}

/** Draw the curve of the view's dimension; the mark at the present k follows the slider without the kernel. */
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
  const most =
    Math.max(...rows.map((r) => Math.max(r.bottleneck, Number.isFinite(r.high) ? r.high : 0))) *
    1.25;
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
  pen.text(box.x + box.w, box.y + box.h + 28, "k landmarks", {
    size: 11,
    fill: theme.soft,
    align: "right",
  });
  pen.clip(box.x - 6, box.y - 4, box.w + 12, box.h + 6, () => {
    pen.path(
      [
        ...rows.map((r) => [at(r.k), y(r.high)]),
        ...[...rows].reverse().map((r) => [at(r.k), y(r.low)]),
      ],
      { fill: theme.faint, alpha: 0.22, closed: true },
    );
    pen.path(
      rows.map((r) => [at(r.k), y(r.mean)]),
      { stroke: theme.soft, width: 1, dash: [3, 3] },
    );
    pen.path(
      rows.map((r) => [at(r.k), y(2 * r.radius)]),
      { stroke: theme.orange, width: 1.4, dash: [5, 4] },
    );
    pen.path(
      rows.map((r) => [at(r.k), y(r.bottleneck)]),
      { stroke: theme.vermilion, width: 2.2 },
    );
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

/** Write the ticks from the last to the first and leave out those that would touch the one before. */
function tickLabels(pen, theme, ticks, y) {
  let free = Infinity;
  for (const [x, text] of [...ticks].reverse()) {
    const half = pen.measure(text, { size: 10 }) / 2 + 3;
    if (x + half > free) continue;
    pen.text(x, y, text, { size: 10, fill: theme.faint, align: "center" });
    free = x - half;
  }
}

/** Name each line at its end, moved apart where they would touch. */
function directLabels(pen, theme, box, rows, y, most) {
  const last = rows[rows.length - 1];
  const labels = [
    ["landmarks", last.bottleneck, theme.vermilion],
    ["random", last.mean, theme.soft],
    [
      2 * last.radius > most ? "2r bound \u2191" : "2r bound",
      Math.min(2 * last.radius, most),
      theme.orange,
    ],
  ]
    .filter(([, v]) => Number.isFinite(v))
    .map(([text, v, colour]) => ({ text, colour, y: y(v) }))
    .sort((a, b) => a.y - b.y);
  for (let i = 1; i < labels.length; i += 1)
    labels[i].y = Math.max(labels[i].y, labels[i - 1].y + 14);
  for (const label of labels)
    pen.text(box.x + box.w + 8, label.y, label.text, {
      size: 11,
      fill: label.colour,
      baseline: "middle",
    });
}
