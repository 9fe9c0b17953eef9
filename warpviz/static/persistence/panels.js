// Three other ways to see the same bars: barcodes, Betti curves, persistence images.

import { drawAxes, linear } from "../base/axes.js";
import { RAMP, ramp } from "../base/ramp.js";
import { number } from "../base/text.js";
import { bettiAt, ends, lengths, starts } from "./bars.js";

/**
 * @import { Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Bar } from "./bars.js"
 * @import { PersistenceView } from "./view.js"
 *
 * @typedef {{ full: Bar[], marks: Bar[] }} Both
 * @typedef {(
 *   view: PersistenceView, pen: Pen, w: number, hgt: number, theme: Theme, bars: Both
 * ) => void} DrawPanel
 */

const MOST_BARS = 60;
const PIXELS = 36; // along a side of a persistence image
const SIGMA = 1.4; // pixels
const REACH_OF_PIXELS = 5;
const FAINT = 0.015; // a pixel below this share of the largest is not drawn

/**
 * Draw the panel that the view's trait names.
 *
 * @type {(view: PersistenceView, pen: Pen, w: number, hgt: number, theme: Theme) => void}
 */
export function drawPanel(view, pen, w, hgt, theme) {
  const kind = view.store.get("panel");
  const full = view.bars("full");
  const marks = view.bars("marks");
  if (!full.length && !marks.length) {
    pen.text(w / 2, hgt / 2, "no bars", { align: "center", fill: theme.faint });
    return;
  }
  PANELS[kind](view, pen, w, hgt, theme, { full, marks });
}

/**
 * Draw both barcodes on one scale, the longest bars on top; certified bars are opaque.
 *
 * @type {DrawPanel}
 */
function drawBarcode(view, pen, w, hgt, theme, { full, marks }) {
  const box = { x: 12, y: 22, w: w - 24, h: hgt - 54 };
  const top = Math.max(1e-6, ...ends(full), ...ends(marks)) * 1.02;
  const x = linear([0, top], [box.x, box.x + box.w]);
  drawAxes(pen, theme, box, { x, xTitle: "distance" });
  const half = box.h / 2;
  /** @type {(bars: Bar[], y: number, fill: string, title: string, least?: number) => void} */
  const stack = (bars, y, fill, title, least = -1) => {
    const shown = bars.slice(0, MOST_BARS);
    const step = Math.min(7, (half - 22) / Math.max(1, shown.length));
    const part = bars.length > shown.length ? `longest ${shown.length} of ` : "";
    const words = `${title}: ${part}${number(bars.length)}`;
    pen.text(box.x, y + 2, words, { size: 11, fill: theme.soft });
    shown.forEach(([birth, death], i) => {
      const wide = Math.max(0.8, x(death) - x(birth));
      const alpha = death - birth > least ? 0.95 : 0.45;
      pen.rect(x(birth), y + 8 + i * step, wide, Math.max(0.8, step - 1.4), { fill, alpha });
    });
  };
  const isCertified = lengths(marks).some((length) => length > view.bound);
  const remark = isCertified ? "opaque: longer than 2r, certified" : "none certified";
  stack(full, box.y, theme.blue, "whole context");
  const least = isCertified ? view.bound : -1;
  stack(marks, box.y + half, theme.vermilion, `landmarks (${remark})`, least);
}

/**
 * Draw how many bars are alive at each scale, on both sides.
 *
 * @type {DrawPanel}
 */
function drawBetti(view, pen, w, hgt, theme, { full, marks }) {
  const box = { x: 40, y: 26, w: w - 56, h: hgt - 66 };
  const top = Math.max(1e-6, ...ends(full), ...ends(marks));
  const scales = Array.from({ length: 160 }, (_, i) => (i / 159) * top);
  const curves = [full, marks].map((bars) => scales.map((s) => bettiAt(bars, s)));
  const x = linear([0, top], [box.x, box.x + box.w]);
  const y = linear([0, Math.max(1, ...curves[0], ...curves[1])], [box.y + box.h, box.y]);
  drawAxes(pen, theme, box, { x, y, xTitle: "distance", yTitle: `bars of H${view.dim} alive` });
  const looks = [
    { name: "whole context", fill: theme.blue },
    { name: "landmarks", fill: theme.vermilion },
  ];
  looks.forEach(({ name, fill }, i) => {
    const points = curves[i].map((v, j) => [x(scales[j]), y(v)]);
    pen.path(points, { stroke: fill, width: 1.8 });
    pen.text(box.x + box.w, box.y + 4 + i * 15, name, { size: 11, fill, align: "right" });
  });
}

/**
 * Return the bars smoothed in (birth, length), each weighted by its length, and the largest pixel.
 *
 * @type {(bars: Bar[], first: number, last: number, longest: number) =>
 *   { pixels: Float32Array, most: number }}
 */
function persistenceImage(bars, first, last, longest) {
  const pixels = new Float32Array(PIXELS * PIXELS);
  const from = (centre) => Math.max(0, Math.floor(centre - REACH_OF_PIXELS));
  const until = (centre) => Math.min(PIXELS - 1, centre + REACH_OF_PIXELS);
  for (const [birth, death] of bars) {
    const cx = ((birth - first) / (last - first || 1)) * (PIXELS - 1);
    const cy = ((death - birth) / longest) * (PIXELS - 1);
    for (let i = from(cx); i <= until(cx); i += 1) {
      for (let j = from(cy); j <= until(cy); j += 1) {
        const far = (i - cx) ** 2 + (j - cy) ** 2;
        pixels[j * PIXELS + i] += (death - birth) * Math.exp(-far / (2 * SIGMA ** 2));
      }
    }
  }
  return { pixels, most: Math.max(...pixels) || 1 };
}

/**
 * Draw two persistence images on the same axes, each with its own scale of colour.
 *
 * @type {DrawPanel}
 */
function drawImages(_, pen, w, hgt, theme, { full, marks }) {
  const all = [...full, ...marks];
  const first = Math.min(...starts(all));
  const last = Math.max(...starts(all));
  const longest = Math.max(1e-6, ...lengths(all));
  const size = Math.min((w - 60) / 2, hgt - 74);
  const sides = [
    { bars: full, name: "whole context" },
    { bars: marks, name: "landmarks" },
  ];
  sides.forEach(({ bars, name }, side) => {
    const { pixels, most } = persistenceImage(bars, first, last, longest);
    const x0 = 26 + side * (size + 20);
    const cell = size / PIXELS;
    pen.rect(x0, 26, size, size, { fill: RAMP[0] });
    for (let j = 0; j < PIXELS; j += 1) {
      for (let i = 0; i < PIXELS; i += 1) {
        const v = pixels[j * PIXELS + i] / most;
        if (v > FAINT)
          pen.rect(x0 + i * cell, 26 + size - (j + 1) * cell, cell + 0.4, cell + 0.4, {
            fill: ramp(Math.sqrt(v)),
          });
      }
    }
    pen.text(x0, 16, name, { size: 11, fill: theme.soft });
    pen.text(x0 + size, 26 + size + 15, "birth", { size: 11, fill: theme.faint, align: "right" });
    pen.text(x0 - 8, 30, "length", {
      size: 11,
      fill: theme.faint,
      rotate: -Math.PI / 2,
      align: "right",
    });
  });
}

/** @type {Record<string, DrawPanel>} */
const PANELS = { barcode: drawBarcode, betti: drawBetti, image: drawImages };
