// Scales, and the quiet axes around a picture.

import { number } from "./text.js";

/**
 * @import { Box, Pen } from "./pen.js"
 * @import { Theme } from "./theme.js"
 *
 * @typedef {ReturnType<typeof linear>} Scale
 *
 * @typedef {object} Axes
 * @property {Scale} [x] without it there are no ticks along x
 * @property {Scale} [y]
 * @property {string} [xTitle]
 * @property {string} [yTitle]
 * @property {number} [xTicks] about how many
 * @property {number} [yTicks]
 * @property {(value: number) => string} [xFormat]
 * @property {(value: number) => string} [yFormat]
 */

/**
 * Return a linear scale from a domain to a range, with its inverse and about `count` round ticks.
 *
 * @param {number[]} domain its two ends
 * @param {number[]} range its two ends
 */
export function linear([d0, d1], [r0, r1]) {
  const span = d1 - d0 || 1;
  /** @type {(value: number) => number} */
  const scale = (value) => r0 + ((value - d0) / span) * (r1 - r0);
  /** @type {(pixel: number) => number} */
  const invert = (pixel) => d0 + ((pixel - r0) / (r1 - r0 || 1)) * span;
  const ticks = (count = 5) => {
    const raw = span / count;
    const power = 10 ** Math.floor(Math.log10(Math.abs(raw) || 1));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw) ?? raw;
    const list = [];
    for (let v = Math.ceil(d0 / step) * step; v <= d1 + step * 1e-6; v += step)
      list.push(Math.abs(v) < step * 1e-6 ? 0 : v);
    return list;
  };
  return Object.assign(scale, { invert, ticks, domain: [d0, d1] });
}

/**
 * Draw the axes of a box: grid lines, tick labels, titles.
 *
 * @param {Pen} pen
 * @param {Theme} theme
 * @param {Box} box
 * @param {Axes} axes
 */
export function drawAxes(pen, theme, box, axes) {
  const right = box.x + box.w;
  const low = box.y + box.h;
  drawYTicks(pen, theme, box, axes);
  drawXTicks(pen, theme, box, axes);
  pen.line(box.x, low, right, low, { stroke: theme.line });
  const title = { size: 11, fill: theme.soft };
  if (axes.xTitle) pen.text(right, low + 28, axes.xTitle, { ...title, align: "right" });
  if (axes.yTitle) pen.text(box.x, box.y - 8, axes.yTitle, title);
}

/** @type {(pen: Pen, theme: Theme, box: Box, axes: Axes) => void} */
function drawYTicks(pen, theme, box, { y, yTicks = 4, yFormat = number }) {
  if (!y) return;
  for (const tick of y.ticks(yTicks)) {
    pen.line(box.x, y(tick), box.x + box.w, y(tick), { stroke: theme.grid });
    pen.text(box.x - 6, y(tick), yFormat(tick), {
      size: 11,
      fill: theme.faint,
      align: "right",
      baseline: "middle",
    });
  }
}

/** @type {(pen: Pen, theme: Theme, box: Box, axes: Axes) => void} */
function drawXTicks(pen, theme, box, { x, xTicks = 5, xFormat = number }) {
  if (!x) return;
  const low = box.y + box.h;
  for (const tick of x.ticks(xTicks)) {
    pen.line(x(tick), box.y, x(tick), low, { stroke: theme.grid });
    pen.text(x(tick), low + 14, xFormat(tick), { size: 11, fill: theme.faint, align: "center" });
  }
}
