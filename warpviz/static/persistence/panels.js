// Three other ways to see the same bars: barcodes, Betti curves, persistence images.

import { drawAxes, linear } from "../base/plot.js";
import { RAMP, ramp } from "../base/ramp.js";
import { number } from "../base/text.js";
import { bettiAt, ends, starts } from "./bars.js";

const MOST_BARS = 60;
const PIXELS = 36;

/** Draw the panel asked for into `box` = the whole canvas. */
export function drawPanel(view, pen, w, hgt, theme) {
  const kind = view.store.get("panel");
  const [full, marks] = [view.bars("full"), view.bars("marks")];
  if (!full.length && !marks.length) {
    pen.text(w / 2, hgt / 2, "no bars", { align: "center", fill: theme.faint });
    return;
  }
  ({ barcode: drawBarcode, betti: drawBetti, image: drawImages })[kind](
    view,
    pen,
    w,
    hgt,
    theme,
    full,
    marks,
  );
}

/** Both barcodes on one scale, the longest bars on top; the landmarks' certified ones are opaque. */
function drawBarcode(view, pen, w, hgt, theme, full, marks) {
  const box = { x: 12, y: 22, w: w - 24, h: hgt - 54 };
  const top = Math.max(1e-6, ...ends(full), ...ends(marks)) * 1.02;
  const x = linear([0, top], [box.x, box.x + box.w]);
  drawAxes(pen, theme, box, { x, xTitle: "scale" });
  const half = box.h / 2;
  const stack = (bars, y0, colour, sure, title) => {
    const shown = bars.slice(0, MOST_BARS);
    const step = Math.min(7, (half - 22) / Math.max(1, shown.length));
    pen.text(
      box.x,
      y0 + 2,
      `${title}: ${bars.length > shown.length ? `longest ${shown.length} of ${number(bars.length)}` : number(bars.length)}`,
      { size: 11, fill: theme.soft },
    );
    shown.forEach(([birth, death], i) => {
      pen.rect(
        x(birth),
        y0 + 8 + i * step,
        Math.max(0.8, x(death) - x(birth)),
        Math.max(0.8, step - 1.4),
        { fill: colour, alpha: sure(death - birth) ? 0.95 : 0.45 },
      );
    });
  };
  stack(full, box.y, theme.blue, () => true, "whole context");
  stack(
    marks,
    box.y + half,
    theme.vermilion,
    (length) => length > view.bound,
    view.isBounded ? "landmarks (opaque: longer than 2r, certified)" : "landmarks (none certified)",
  );
}

/** How many bars are alive at each scale, on both sides. */
function drawBetti(view, pen, w, hgt, theme, full, marks) {
  const box = { x: 40, y: 26, w: w - 56, h: hgt - 66 };
  const top = Math.max(1e-6, ...ends(full), ...ends(marks));
  const scales = Array.from({ length: 160 }, (_, i) => (i / 159) * top);
  const curves = [full, marks].map((bars) => scales.map((s) => bettiAt(bars, s)));
  const x = linear([0, top], [box.x, box.x + box.w]);
  const y = linear([0, Math.max(1, ...curves[0], ...curves[1])], [box.y + box.h, box.y]);
  drawAxes(pen, theme, box, { x, y, xTitle: "scale", yTitle: `Betti ${view.dim}` });
  [
    [curves[0], theme.blue, "whole context"],
    [curves[1], theme.vermilion, "landmarks"],
  ].forEach(([curve, colour, name], i) => {
    pen.path(
      curve.map((v, j) => [x(scales[j]), y(v)]),
      { stroke: colour, width: 1.8 },
    );
    pen.text(box.x + box.w, box.y + 4 + i * 15, name, { size: 11, fill: colour, align: "right" });
  });
}

/** Return {pixels, most}: bars smoothed in (birth, length), each weighted by its length. */
function persistenceImage(bars, first, last, longest) {
  const pixels = new Float32Array(PIXELS * PIXELS);
  const sigma = 1.4;
  const reach = 5;
  for (const [birth, death] of bars) {
    const cx = ((birth - first) / (last - first || 1)) * (PIXELS - 1);
    const cy = ((death - birth) / longest) * (PIXELS - 1);
    for (
      let i = Math.max(0, Math.floor(cx - reach));
      i <= Math.min(PIXELS - 1, cx + reach);
      i += 1
    ) {
      for (
        let j = Math.max(0, Math.floor(cy - reach));
        j <= Math.min(PIXELS - 1, cy + reach);
        j += 1
      ) {
        pixels[j * PIXELS + i] +=
          (death - birth) * Math.exp(-((i - cx) ** 2 + (j - cy) ** 2) / (2 * sigma ** 2));
      }
    }
  }
  return { pixels, most: Math.max(...pixels) || 1 };
}

/** Two persistence images on the same axes, each on its own scale of colour. */
function drawImages(view, pen, w, hgt, theme, full, marks) {
  const all = [...full, ...marks];
  const [first, last] = [Math.min(...starts(all)), Math.max(...starts(all))];
  const longest = Math.max(1e-6, ...all.map(([birth, death]) => death - birth));
  const size = Math.min((w - 60) / 2, hgt - 74);
  [
    [full, "whole context"],
    [marks, "landmarks"],
  ].forEach(([bars, name], side) => {
    const { pixels, most } = persistenceImage(bars, first, last, longest);
    const x0 = 26 + side * (size + 20);
    const cell = size / PIXELS;
    pen.rect(x0, 26, size, size, { fill: RAMP[0] });
    for (let j = 0; j < PIXELS; j += 1) {
      for (let i = 0; i < PIXELS; i += 1) {
        const v = pixels[j * PIXELS + i] / most;
        if (v > 0.015)
          pen.rect(x0 + i * cell, 26 + size - (j + 1) * cell, cell + 0.4, cell + 0.4, {
            fill: ramp(Math.sqrt(v)),
          });
      }
    }
    pen.text(x0, 16, name, { size: 11, fill: theme.soft });
    pen.text(x0 + size, 26 + size + 15, "birth", { size: 10, fill: theme.faint, align: "right" });
    pen.text(x0 - 8, 30, "length", {
      size: 10,
      fill: theme.faint,
      rotate: -Math.PI / 2,
      align: "right",
    });
  });
}
