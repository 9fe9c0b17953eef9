// The ROC curve of every scorer. The curves do not change with theta and are painted once.

import { drawAxes, linear } from "../base/axes.js";
import { decimals } from "../base/decimals.js";
import { CanvasPen } from "../base/pen.js";
import { keptPicture } from "./kept_pictures.js";

/**
 * @import { Scale } from "../base/axes.js"
 * @import { Box, Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { GateTunerView } from "./view.js"
 */

/**
 * Draw the curves, and theta as a point on the active one.
 *
 * @type {(view: GateTunerView, pen: Pen, w: number, hgt: number, theme: Theme) => void}
 */
export function drawRoc(view, pen, w, hgt, theme) {
  const side = Math.max(60, Math.min(w - 56, hgt - 64));
  const box = { x: 42, y: 26, w: side, h: side };
  const x = linear([0, 1], [box.x, box.x + side]);
  const y = linear([0, 1], [box.y + side, box.y]);
  const { gate, pictures } = view;
  if (pen instanceof CanvasPen && pen.c === view.roc.context) {
    const { ratio } = pen;
    const key = [
      w,
      hgt,
      view.active,
      view.size,
      gate.numGood,
      gate.numBad,
      theme.ink,
      theme.accent,
      ratio,
    ].join();
    const kept = keptPicture(pictures, "roc", key, { w, hgt, ratio }, (context) =>
      drawCurves(view, new CanvasPen(context, theme, ratio), theme, box, x, y),
    );
    pen.c.globalAlpha = 1;
    pen.c.drawImage(kept, 0, 0, w, hgt);
  } else drawCurves(view, pen, theme, box, x, y);
  if (!gate.points.length) return;
  const { recall, fpr } = gate.outcome(view.theta);
  if (fpr === null || recall === null) return;
  pen.circle(x(fpr), y(recall), 6, { fill: theme.surface, stroke: theme.ink, width: 2 });
}

/** @type {(view: GateTunerView, pen: Pen, theme: Theme, box: Box, x: Scale, y: Scale) => void} */
function drawCurves(view, pen, theme, box, x, y) {
  drawAxes(pen, theme, box, { x, y, xTitle: "bad ones accepted", xTicks: 4, yTicks: 4 });
  pen.text(box.x, box.y - 10, "good ones accepted (share)", { size: 11, fill: theme.soft });
  pen.line(x(0), y(0), x(1), y(1), { stroke: theme.line, dash: [3, 4] });
  const at = (point) => [x(point[0]), y(point[1])];
  view.gates.forEach((gate, s) => {
    if (s !== view.active)
      pen.path(gate.points.map(at), { stroke: theme.faint, width: 1.2, alpha: 0.7 });
  });
  const { gate } = view;
  if (!gate.points.length) return;
  const end = [x(1), y(0)];
  pen.path([[x(0), y(0)], ...gate.points.map(at), end], {
    fill: theme.accent,
    alpha: 0.1,
    closed: true,
  });
  pen.path(gate.points.map(at), { stroke: theme.accent, width: 2.2 });
  pen.text(box.x + box.w - 4, y(0.06), `AUC ${decimals(gate.auc)}`, {
    size: 13,
    weight: 650,
    align: "right",
  });
}
