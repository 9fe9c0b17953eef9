// The gate's pictures: a strip of beads per scorer, and the ROC curve. What theta does not change is painted once and kept.

import { fixed } from "../base/decimals.js";
import { CanvasPen, stampMark } from "../base/pen.js";
import { drawAxes, linear } from "../base/plot.js";

export const STRIP_HEIGHT = 92;
const FEW = 200; // up to here every bead that changed wears a ring

/** Return the radius of a bead among `size` of them. */
export function beadOf(size) {
  return size <= FEW ? 4 : size <= 600 ? 3 : 2.3;
}

/** Draw the strip of scorer `s`; in the active one theta stands, and the beads on its two sides differ. */
export function drawStrip(view, pen, theme, scale, s) {
  const [top, middle, active] = [s * STRIP_HEIGHT, (s + 0.52) * STRIP_HEIGHT, s === view.active];
  const cut = scale(view.theta);
  const [left, right] = scale.domain.map(scale);
  if (active) {
    pen.rect(cut, top + 4, right - cut, STRIP_HEIGHT - 8, {
      fill: theme.green,
      alpha: 0.08,
      radius: 5,
    });
    pen.rect(left, top + 4, cut - left, STRIP_HEIGHT - 8, {
      fill: theme.vermilion,
      alpha: 0.06,
      radius: 5,
    });
  }
  pen.line(left, middle, right, middle, { stroke: theme.grid });
  pen.text(4, middle - 2, view.scorers[s], {
    size: 12,
    weight: active ? 650 : 400,
    fill: active ? theme.ink : theme.soft,
  });
  const { auc } = view.gates[s];
  if (auc !== null)
    pen.text(4, middle + 13, `AUC ${fixed(auc)}`, { size: 10.5, fill: theme.faint });
  drawBeads(view, pen, theme, s, cut);
  if (!active) return;
  pen.line(cut, top + 2, cut, top + STRIP_HEIGHT - 2, { stroke: theme.ink, width: 2 });
  pen.rect(cut - 4, top + STRIP_HEIGHT / 2 - 11, 8, 22, {
    fill: theme.surface,
    stroke: theme.ink,
    width: 1.5,
    radius: 4,
  });
  pen.text(cut + 8, top + 12, `\u03b8 ${fixed(view.theta)}`, {
    size: 11.5,
    weight: 650,
    halo: true,
  });
}

function drawBeads(view, pen, theme, s, cut) {
  const each = (draw) => {
    for (let i = 0; i < view.size; i += 1) draw(i);
  };
  const bead = (i) => drawBead(view, pen, theme, { i, s, side: view.passes(i) });
  if (s !== view.active) keptBeads(view, pen, theme, s, null, [0, view.width]);
  else if (view.size <= FEW || pen.c !== view.plot.context) each(bead);
  else {
    // Beads stand in columns: whole ones on either side of theta come from two kept pictures, theta's own is drawn.
    const wide = beadOf(view.size) * 2 + 1;
    const edges = [Math.round(cut / wide) - 1.5, Math.round(cut / wide) + 1.5].map(
      (column) => column * wide,
    );
    keptBeads(view, pen, theme, s, false, [0, edges[0]]);
    keptBeads(view, pen, theme, s, true, [edges[1], view.width]);
    each((i) => {
      const x = view.swarms[s][2 * i];
      if (x > edges[0] && x < edges[1]) bead(i);
    });
  }
  const i = view.point;
  if (i !== null && Number.isFinite(view.swarms[s]?.[2 * i])) {
    pen.circle(view.swarms[s][2 * i], view.swarms[s][2 * i + 1], beadOf(view.size) + 4, {
      stroke: theme.ink,
      width: 2,
    });
  }
}

/** Draw all beads of a strip that lie between two pixels, as if `side` were every verdict (null: a strip at rest). */
function keptBeads(view, pen, theme, s, side, [from, to]) {
  const all = (target) => {
    for (let i = 0; i < view.size; i += 1) drawBead(view, target, theme, { i, s, side });
  };
  const { ratio } = pen;
  if (pen.c !== view.plot.context) {
    all(pen);
    return;
  }
  const key = [view.width, view.domain, view.size, theme.faint, theme.green, ratio].join();
  const kept = kept2d(
    view.pictures,
    `${s}${side}`,
    key,
    view.width,
    STRIP_HEIGHT,
    ratio,
    (context) => {
      context.translate(0, -s * STRIP_HEIGHT);
      all(new CanvasPen(context, theme, ratio));
    },
  );
  const [x, wide] = [Math.max(0, from), Math.min(to, view.width) - Math.max(0, from)];
  if (wide <= 0) return;
  pen.c.globalAlpha = 1;
  pen.c.drawImage(
    kept,
    x * ratio,
    0,
    wide * ratio,
    kept.height,
    x,
    s * STRIP_HEIGHT,
    wide,
    STRIP_HEIGHT,
  );
}

/** Return the picture kept under a name, painted again only when its key has changed. */
function kept2d(pictures, name, key, w, hgt, ratio, paint) {
  if (pictures.get(name)?.key !== key) {
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.ceil(w * ratio),
      height: Math.ceil(hgt * ratio),
    });
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    paint(context);
    pictures.set(name, { key, canvas });
  }
  return pictures.get(name).canvas;
}

/** Colour says what theta decides (in the active strip), the shape what the label says, a ring what has changed. */
function drawBead(view, pen, theme, { i, s, side }) {
  const [x, y] = [view.swarms[s][2 * i], view.swarms[s][2 * i + 1]];
  if (!Number.isFinite(x)) return;
  const bead = beadOf(view.size);
  const active = side !== null;
  const color = active ? (side ? theme.green : theme.vermilion) : theme.faint;
  const bad = view.labels[i] === 2 || (!view.labels[i] && active && !side && !view.gate.numGood);
  const alpha = active ? 0.9 : 0.5;
  if (bad)
    stampMark(pen, "cross", x, y, bead * 0.75, {
      stroke: color,
      width: bead > 3 ? 1.7 : 1.2,
      alpha,
    });
  else pen.dot(x, y, bead, color, alpha);
  if (active && view.size <= FEW && side !== (view.recorded[i] === 1))
    pen.circle(x, y, bead + 2, { stroke: theme.ink, width: 1, alpha: 0.7 });
}

export function drawRoc(view, pen, w, hgt, theme) {
  const side = Math.max(60, Math.min(w - 56, hgt - 64));
  const box = { x: 42, y: 26, w: side, h: side };
  const [x, y] = [linear([0, 1], [box.x, box.x + side]), linear([0, 1], [box.y + side, box.y])];
  const { gate, pictures } = view;
  if (pen.c === view.roc.context) {
    const key = [
      w,
      hgt,
      view.active,
      view.size,
      gate.numGood,
      gate.numBad,
      theme.ink,
      theme.accent,
      pen.ratio,
    ].join();
    const kept = kept2d(pictures, "roc", key, w, hgt, pen.ratio, (context) =>
      rocCurves(view, new CanvasPen(context, theme, pen.ratio), theme, box, x, y),
    );
    pen.c.globalAlpha = 1;
    pen.c.drawImage(kept, 0, 0, w, hgt);
  } else rocCurves(view, pen, theme, box, x, y);
  if (!gate.points.length) return;
  const { recall, fpr } = gate.outcome(view.theta);
  pen.circle(x(fpr), y(recall), 6, { fill: theme.surface, stroke: theme.ink, width: 2 });
}

function rocCurves(view, pen, theme, box, x, y) {
  drawAxes(pen, theme, box, { x, y, xTitle: "false accepts", xTicks: 4, yTicks: 4 });
  pen.text(box.x, box.y - 10, "good ones kept", { size: 11, fill: theme.soft });
  pen.line(x(0), y(0), x(1), y(1), { stroke: theme.line, dash: [3, 4] });
  const at = (point) => [x(point[0]), y(point[1])];
  view.gates.forEach((gate, s) => {
    if (s !== view.active)
      pen.path(gate.points.map(at), { stroke: theme.faint, width: 1.2, alpha: 0.7 });
  });
  const { gate } = view;
  if (!gate.points.length) return;
  pen.path([[x(0), y(0)], ...gate.points.map(at), [x(1), y(0)]], {
    fill: theme.accent,
    alpha: 0.1,
    closed: true,
  });
  pen.path(gate.points.map(at), { stroke: theme.accent, width: 2.2 });
  pen.text(box.x + box.w - 4, y(0.06), `AUC ${fixed(gate.auc)}`, {
    size: 13,
    weight: 650,
    align: "right",
  });
}
