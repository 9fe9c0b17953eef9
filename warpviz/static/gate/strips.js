// A strip of beads for every scorer. Beads that theta does not change are painted once and kept.

import { decimals } from "../base/decimals.js";
import { drawMark, stampMark } from "../base/marks.js";
import { CanvasPen } from "../base/pen.js";
import { number } from "../base/text.js";
import { drawStrangers, isLikelihood, thetaText } from "../timeline/strangers.js";
import { beeswarm } from "./beeswarm.js";
import { keptPicture } from "./kept_pictures.js";

/**
 * @import { Scale } from "../base/axes.js"
 * @import { Shape } from "../base/marks.js"
 * @import { Pen } from "../base/pen.js"
 * @import { Band } from "../frame/plot.js"
 * @import { Theme } from "../base/theme.js"
 * @import { GateTunerView } from "./view.js"
 */

export const STRIP_HEIGHT = 92;
export const STRIP_FOOT = 44; // pixels below the strips, for the scale and what marks mean
const FEW = 200; // up to here every bead whose verdict changed has a ring

/**
 * Return the radius of one bead of `size`.
 *
 * @param {number} size
 */
function beadOf(size) {
  return size <= FEW ? 4 : size <= 600 ? 3 : 2.3;
}

/**
 * Draw the strips inside a band; their beads are placed first where the width or the scale is new.
 *
 * @param {GateTunerView} view
 * @param {Pen} pen
 * @param {number} w
 * @param {number} hgt
 * @param {Theme} theme
 * @param {Band} band
 */
export function drawStrips(view, pen, w, hgt, theme, [top, bottom] = [0, hgt]) {
  const domain = view.domains();
  if (w !== view.width || view.domain !== domain) {
    view.width = w;
    view.domain = domain;
    view.swarms = view.gates.map((gate, s) =>
      beeswarm(gate.values, view.scale(s), {
        radius: beadOf(view.size),
        middle: (s + 0.52) * STRIP_HEIGHT,
        half: STRIP_HEIGHT * 0.33,
      }),
    );
  }
  view.gates.forEach((_, s) => {
    if ((s + 1) * STRIP_HEIGHT > top && s * STRIP_HEIGHT < bottom)
      drawStrip(view, pen, theme, view.scale(s), s);
  });
  const shared = view.scorers.findIndex((name) => !isLikelihood(name));
  if (bottom >= hgt) drawFoot(view, pen, theme, view.scale(Math.max(0, shared)), shared, hgt);
  if (view.size) return;
  const style = /** @type {const} */ ({ fill: theme.soft, align: "center" });
  pen.text(w / 2, STRIP_HEIGHT / 2, "No thought has been judged yet", style);
}

/**
 * Draw the scale below the strips, and what shapes and colours mean.
 *
 * @type {(view: GateTunerView, pen: Pen, theme: Theme, scale: Scale, shared: number, hgt: number)
 *   => void}
 */
function drawFoot(view, pen, theme, scale, shared, hgt) {
  if (shared >= 0 || !view.size) drawTicks(pen, theme, scale, hgt - 28);
  if (!view.size) return;
  const style = { size: 11, fill: theme.soft };
  const right = /** @type {const} */ ({ ...style, align: "right" });
  pen.text(scale(scale.domain[1]), hgt - 8, "similarity", right);
  const isLabelled = view.gate.numGood + view.gate.numBad > 0;
  /** @type {[shape: Shape, colour: string, text: string][]} */
  const items = [
    ["square", theme.green, "accepted"],
    ["square", theme.vermilion, "rejected"],
    ["circle", theme.soft, isLabelled ? "good" : "thought"],
  ];
  if (isLabelled) items.push(["cross", theme.soft, "bad"]);
  let x = 8;
  for (const [shape, colour, text] of items) {
    drawMark(pen, shape, x, hgt - 12, 4, { fill: colour, stroke: colour, width: 1.4 });
    pen.text(x + 9, hgt - 8, text, style);
    x += pen.measure(text, style) + 28;
  }
}

/** @type {(pen: Pen, theme: Theme, scale: Scale, y: number) => void} */
function drawTicks(pen, theme, scale, y) {
  for (const tick of scale.ticks(9)) {
    const style = /** @type {const} */ ({ size: 11, fill: theme.faint, align: "center" });
    pen.text(scale(tick), y, number(tick, 2), style);
  }
}

/**
 * Draw the strip of scorer `s`; the active one shows theta and colours the beads by their verdict.
 *
 * @type {(view: GateTunerView, pen: Pen, theme: Theme, scale: Scale, s: number) => void}
 */
function drawStrip(view, pen, theme, scale, s) {
  const top = s * STRIP_HEIGHT;
  const middle = (s + 0.52) * STRIP_HEIGHT;
  const active = s === view.active;
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
  const room = { base: middle, tall: STRIP_HEIGHT * 0.4 };
  drawStrangers(pen, theme, view.strangers(s), scale, room);
  pen.line(left, middle, right, middle, { stroke: theme.grid });
  if (isLikelihood(view.scorers[s])) drawTicks(pen, theme, scale, top + STRIP_HEIGHT - 2);
  pen.text(4, middle - 2, view.scorers[s], {
    size: 12,
    weight: active ? 650 : 400,
    fill: active ? theme.ink : theme.soft,
  });
  const { auc } = view.gates[s];
  if (auc !== null)
    pen.text(4, middle + 13, `AUC ${decimals(auc)}`, { size: 11.5, fill: theme.faint });
  drawBeads(view, pen, theme, s, cut);
  if (!active) return;
  pen.line(cut, top + 2, cut, top + STRIP_HEIGHT - 2, { stroke: theme.ink, width: 2 });
  pen.rect(cut - 4, top + STRIP_HEIGHT / 2 - 11, 8, 22, {
    fill: theme.surface,
    stroke: theme.ink,
    width: 1.5,
    radius: 4,
  });
  pen.text(cut + 8, top + 12, `\u03b8 ${thetaText(view.theta, view.scorers[s])}`, {
    size: 11.5,
    weight: 650,
    halo: true,
  });
}

/** @type {(view: GateTunerView, pen: Pen, theme: Theme, s: number, cut: number) => void} */
function drawBeads(view, pen, theme, s, cut) {
  const each = (draw) => {
    for (let i = 0; i < view.size; i += 1) draw(i);
  };
  const bead = (i) => drawBead(view, pen, theme, { i, s, side: view.passes(i) });
  if (s !== view.active) keptBeads(view, pen, theme, s, null, [0, view.width]);
  else if (view.size <= FEW || !("c" in pen) || pen.c !== view.plot.context) each(bead);
  else {
    // Beads stand in columns. Columns on either side of theta come from two kept pictures; theta's
    // own column is drawn.
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

/**
 * Draw the beads between two pixels of a strip from a kept picture, in which `side` is the verdict
 * of every bead (null: a strip that is not active).
 *
 * @param {GateTunerView} view
 * @param {Pen} pen
 * @param {Theme} theme
 * @param {number} s
 * @param {boolean | null} side
 * @param {[from: number, to: number]} pixels
 */
function keptBeads(view, pen, theme, s, side, [left, right]) {
  const all = (target) => {
    for (let i = 0; i < view.size; i += 1) drawBead(view, target, theme, { i, s, side });
  };
  if (!(pen instanceof CanvasPen) || pen.c !== view.plot.context) {
    all(pen);
    return;
  }
  const { ratio } = pen;
  const key = [view.width, view.domain, view.size, theme.faint, theme.green, ratio].join();
  const size = { w: view.width, hgt: STRIP_HEIGHT, ratio };
  const kept = keptPicture(view.pictures, `${s}${side}`, key, size, (context) => {
    context.translate(0, -s * STRIP_HEIGHT);
    all(new CanvasPen(context, theme, ratio));
  });
  const x = Math.max(0, left);
  const wide = Math.min(right, view.width) - x;
  if (wide <= 0) return;
  pen.c.globalAlpha = 1;
  const from = /** @type {const} */ ([x * ratio, 0, wide * ratio, kept.height]);
  pen.c.drawImage(kept, ...from, x, s * STRIP_HEIGHT, wide, STRIP_HEIGHT);
}

/**
 * Draw a bead: the colour is the verdict (grey where the strip is not active), the shape the label;
 * a ring marks a verdict that differs from the run's.
 *
 * @param {GateTunerView} view
 * @param {Pen} pen
 * @param {Theme} theme
 * @param {{ i: number, s: number, side: boolean | null }} bead
 */
function drawBead(view, pen, theme, { i, s, side }) {
  const x = view.swarms[s][2 * i];
  const y = view.swarms[s][2 * i + 1];
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
  if (active && view.size <= FEW && side !== (view.recorded?.[i] === 1))
    pen.circle(x, y, bead + 2, { stroke: theme.ink, width: 1, alpha: 0.7 });
}
