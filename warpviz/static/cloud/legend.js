// The cloud's legend: a ramp with its two ends, or marks with their names.

import { drawMark } from "../base/marks.js";
import { ramp } from "../base/ramp.js";

/**
 * @import { Shape } from "../base/marks.js"
 * @import { Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 *
 * @typedef {[colour: string, text: string, shape?: Shape]} Item
 * @typedef {{ low: string, high: string, title: string, items?: undefined }} RampLegend
 * @typedef {RampLegend | { items: Item[] }} Legend
 */

/**
 * Draw a legend in the top right corner.
 *
 * @type {(pen: Pen, theme: Theme, width: number, legend: Legend) => void}
 */
export function drawLegend(pen, theme, width, legend) {
  if (legend.items) {
    drawItems(pen, theme, width, 18, legend.items);
    return;
  }
  const w = 120;
  const x = width - w - 12;
  for (let i = 0; i < 40; i += 1)
    pen.rect(x + (i * w) / 40, 22, w / 40 + 0.5, 6, { fill: ramp(i / 39) });
  pen.text(x + w, 15, legend.title, { size: 11, fill: theme.soft, align: "right", halo: true });
  pen.text(x, 40, legend.low, { size: 11, fill: theme.faint, halo: true });
  pen.text(x + w, 40, legend.high, { size: 11, fill: theme.faint, align: "right", halo: true });
}

/**
 * Write marks with their names from the right, in as many lines as it takes.
 *
 * @type {(pen: Pen, theme: Theme, width: number, top: number, items: Item[]) => void}
 */
export function drawItems(pen, theme, width, top, items) {
  let x = width - 12;
  let y = top;
  for (const [colour, text, shape = "circle"] of [...items].reverse()) {
    const wide = pen.measure(text, { size: 11 });
    if (x - wide < 24 && x < width - 12) {
      x = width - 12;
      y += 17;
    }
    x -= wide;
    pen.text(x, y, text, { size: 11, fill: theme.soft, halo: true });
    drawMark(pen, shape, x - 9, y - 4, 4, { fill: colour });
    x -= 24;
  }
}
