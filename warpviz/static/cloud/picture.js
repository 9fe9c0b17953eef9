// The cloud as a picture: dots, landmarks, discs or spokes, legend and readout.

import { certificateText } from "../base/landmarks.js";
import { stampMark } from "../base/marks.js";
import { CanvasPen, context2d } from "../base/pen.js";
import { number } from "../base/text.js";
import { drawDensity } from "./density.js";
import { drawKindLegend } from "./kinds.js";
import { drawLabels } from "./labels.js";
import { drawLegend } from "./legend.js";

/**
 * @import { Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Cloud } from "./view.js"
 */

const POINTS_ALPHA = 0.8;

/** @type {(cloud: Cloud, pen: Pen, w: number, hgt: number, theme: Theme) => void} */
export function drawCloud(cloud, pen, w, hgt, theme) {
  const { scene } = cloud;
  if (!scene.count) {
    pen.text(w / 2, hgt / 2, cloud.store.data.busy || "no tokens yet", {
      align: "center",
      fill: theme.faint,
    });
    return;
  }
  const moving = scene.step(performance.now());
  scene.project(w, hgt);
  const centres = landmarkRows(cloud);
  if (cloud.store.get("cover") === "discs") drawDiscs(cloud, pen, theme, centres);
  if (cloud.store.get("cover") === "cells") drawCells(cloud, pen, theme);
  if (pen instanceof CanvasPen && !moving) drawKeptPoints(cloud, pen, w, hgt, theme);
  else {
    if (!moving) drawDensity(pen, theme, scene, w, hgt);
    drawPoints(cloud, pen, theme);
  }
  drawLandmarks(cloud, pen, theme, centres);
  drawHovered(cloud, pen, theme);
  if (!moving) cloud.labelled = drawLabels(cloud, pen, w, hgt, theme, centres);
  drawLegend(pen, theme, w, cloud.legend);
  if (cloud.mode !== "kind")
    drawKindLegend(pen, theme, w, { kinds: cloud.added.kinds, below: !cloud.legend.items });
  drawReadout(cloud, pen, hgt, theme);
  if (cloud.lasso)
    pen.path(cloud.lasso, {
      stroke: theme.accent,
      width: 1.5,
      dash: [4, 3],
      fill: `${theme.accent}1a`,
      closed: true,
    });
  if (moving) cloud.plot.redraw();
}

/**
 * Return the rows of the landmarks that are drawn.
 *
 * @type {(cloud: Cloud) => number[]}
 */
function landmarkRows(cloud) {
  const index = cloud.store.array("index");
  const rows = [];
  for (let r = 0; r < cloud.marks.k && r < cloud.marks.order.length; r += 1) {
    const i = index.length ? cloud.rowOf(cloud.marks.order[r]) : cloud.marks.order[r];
    if (i !== undefined && i < cloud.scene.count) rows.push(i);
  }
  return rows;
}

/**
 * Draw the dots from a kept picture: hovering and moving k do not draw fifty thousand dots again.
 *
 * @type {(cloud: Cloud, pen: CanvasPen, w: number, hgt: number, theme: Theme) => void}
 */
function drawKeptPoints(cloud, pen, w, hgt, theme) {
  const { scene, layer, versions } = cloud;
  const key = [
    w,
    hgt,
    pen.ratio,
    scene.scale,
    scene.pan,
    scene.spin,
    scene.dims,
    scene.started,
    versions.data,
    versions.colours,
    versions.selection,
    theme.surface,
  ].join();
  if (key !== cloud.layerKey) {
    cloud.layerKey = key;
    Object.assign(layer, {
      width: Math.round(w * pen.ratio),
      height: Math.round(hgt * pen.ratio),
    });
    const context = context2d(layer);
    context.setTransform(pen.ratio, 0, 0, pen.ratio, 0, 0);
    const own = new CanvasPen(context, theme, pen.ratio);
    drawDensity(own, theme, scene, w, hgt);
    drawPoints(cloud, own, theme);
  }
  pen.c.globalAlpha = 1;
  pen.c.drawImage(layer, 0, 0, w, hgt);
}

/** @type {(cloud: Cloud, pen: Pen, theme: Theme) => void} */
function drawPoints(cloud, pen, theme) {
  const { scene, chosen } = cloud;
  const r = scene.count > 8000 ? 1.4 : scene.count > 2500 ? 2.2 : 3;
  const faded = chosen.size > 0;
  const order =
    scene.dims === 3
      ? Array.from(scene.depth.keys()).sort((a, b) => scene.depth[a] - scene.depth[b])
      : null;
  for (let j = 0; j < scene.count; j += 1) {
    const i = order ? order[j] : j;
    const x = scene.screen[i * 2];
    const y = scene.screen[i * 2 + 1];
    const on = !faded || chosen.has(cloud.tokenOf(i));
    const size = order ? Math.round(r * (1 + 0.35 * scene.depth[i]) * 4) / 4 : r;
    const look = cloud.added.rows[i];
    if (look)
      stampMark(pen, look.shape, x, y, size + 1.5, {
        fill: look.colour,
        stroke: theme.surface,
        width: 0.8,
        alpha: on ? 0.95 : 0.45,
      });
    else
      pen.dot(
        x,
        y,
        on && faded ? size + 1 : size,
        cloud.colours[i] ?? theme.faint,
        on ? POINTS_ALPHA : 0.4,
      );
    if (on && faded) pen.circle(x, y, size + 2.5, { stroke: theme.orange, width: 1.2 });
  }
}

/** @type {(cloud: Cloud, pen: Pen, theme: Theme, rows: number[]) => void} */
function drawLandmarks(cloud, pen, theme, rows) {
  const { scene, chosen, marks } = cloud;
  const size = marks.k > 200 ? 3.4 : marks.k > 96 ? 4.2 : 5.2;
  for (const i of rows) {
    const x = scene.screen[i * 2];
    const y = scene.screen[i * 2 + 1];
    const on = !chosen.size || chosen.has(cloud.tokenOf(i));
    const alpha = on ? 1 : 0.5;
    // hollow: the points that the landmark stands for lie under it
    const rim = { stroke: theme.surface, width: 2.6, alpha: alpha * 0.7 };
    stampMark(pen, "diamond", x, y, size, rim);
    stampMark(pen, "diamond", x, y, size, { stroke: theme.ink, width: 1.4, alpha });
    if (on && chosen.size) pen.circle(x, y, size + 4, { stroke: theme.orange, width: 1.2 });
  }
}

/**
 * Draw a disc of the cover radius around every landmark. PCA shortens distances or keeps them, so
 * every token lies inside a disc.
 *
 * @type {(cloud: Cloud, pen: Pen, theme: Theme, rows: number[]) => void}
 */
function drawDiscs(cloud, pen, theme, rows) {
  const { scene } = cloud;
  if (cloud.shown !== "pca" || cloud.store.get("head") !== -1) return;
  const r = cloud.marks.radius * scene.scale;
  if (!Number.isFinite(r)) return; // sinks alone cover nothing
  const centres = rows.map((i) => [scene.screen[i * 2], scene.screen[i * 2 + 1]]);
  pen.union(centres, r, { fill: theme.accent, alpha: 0.09 });
}

/**
 * Draw a line from every token to its nearest landmark: nearest among the vectors, not on screen.
 *
 * @type {(cloud: Cloud, pen: Pen, theme: Theme) => void}
 */
function drawCells(cloud, pen, theme) {
  const { scene, marks, store } = cloud;
  const isPart = store.array("index").length > 0;
  for (let i = 0; i < scene.count; i += 1) {
    const t = cloud.tokenOf(i);
    if (t >= marks.count) continue;
    const j = isPart ? cloud.rowOf(marks.near[t]) : marks.near[t];
    if (j === undefined || j === i) continue;
    pen.line(
      scene.screen[i * 2],
      scene.screen[i * 2 + 1],
      scene.screen[j * 2],
      scene.screen[j * 2 + 1],
      { stroke: theme.soft, width: 0.7, alpha: 0.28 },
    );
  }
}

/** @type {(cloud: Cloud, pen: Pen, theme: Theme) => void} */
function drawHovered(cloud, pen, theme) {
  const i = cloud.hovered;
  if (i < 0 || i >= cloud.scene.count) return;
  const x = cloud.scene.screen[i * 2];
  const y = cloud.scene.screen[i * 2 + 1];
  pen.circle(x, y, 9, { stroke: theme.accent, width: 2 });
}

/**
 * Write below the points: k and the radius, the certificate, what the projection keeps.
 *
 * @type {(cloud: Cloud, pen: Pen, hgt: number, theme: Theme) => void}
 */
function drawReadout(cloud, pen, hgt, theme) {
  const { marks, store } = cloud;
  const facts = [
    `k = ${marks.k}`,
    `cover radius ${number(marks.radius)}`,
    `2r = ${number(2 * marks.radius)}`,
  ];
  const policy = store.get("policy");
  const always = store.data.always ?? 0;
  const early =
    marks.k <= always
      ? `sinks and recent tokens only: ${policy} chooses from k = ${always + 1} on`
      : "";
  const certificate = ["hybrid", "farthest"].includes(policy)
    ? certificateText(policy === "farthest" ? 0 : store.get("alpha"))
    : `${policy}: no certificate`;
  const shown =
    cloud.shown === "umap"
      ? "UMAP keeps neighbours, not lengths"
      : (store.data.explained?.[cloud.scene.dims - 2] ?? "");
  const words = [early || certificate, shown].filter(Boolean).join("  \u00b7  ");
  const lines =
    pen.measure(words, { size: 11 }) > cloud.plot.width - 24
      ? [shown, early || certificate]
      : [words]; // the lowest line first
  const low = hgt - 11 - 15 * lines.length;
  const wide = Math.max(...lines.map((line) => pen.measure(line, { size: 11 })), 250);
  pen.rect(4, low - 14, wide + 16, hgt - low + 12, { fill: theme.surface, alpha: 0.82, radius: 5 });
  lines.forEach((line, i) =>
    pen.text(12, hgt - 9 - 15 * i, line, { size: 11, fill: theme.soft, halo: true }),
  );
  pen.text(12, low, facts.join("   "), { size: 13, weight: 600, fill: theme.ink, halo: true });
  if (store.data.busy) pen.text(12, low - 18, store.data.busy, { size: 11, fill: theme.soft });
}
