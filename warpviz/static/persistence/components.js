// H0: all components are born at 0, so their bars stand in one column; next to it, over the same
// distances, how many components are left.

import { drawAxes, linear } from "../base/axes.js";
import { bettiAt, ends } from "./bars.js";

/**
 * @import { Scale } from "../base/axes.js"
 * @import { Box, Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Bar } from "./bars.js"
 */

const COLUMN = 64; // pixels
const GAP_OF_COLUMN = 30;
const SCALES = 160;

/**
 * Draw the axes of H0 and the numbers of components; returns where a birth and a death stand.
 *
 * @type {(pen: Pen, theme: Theme, box: Box, bars: { full: Bar[], marks: Bar[] }) =>
 *   { x: Scale, y: Scale }}
 */
export function drawComponents(pen, theme, box, { full, marks }) {
  const top = Math.max(0, ...ends(full), ...ends(marks)) * 1.06 || 1;
  const y = linear([0, top], [box.y + box.h, box.y]);
  const column = { ...box, w: COLUMN };
  const middle = box.x + COLUMN / 2;
  const x = Object.assign(() => middle, linear([0, 1], [middle, middle + 1]));
  drawAxes(pen, theme, column, { y, xTitle: "birth", yTitle: "death (distance)" });
  pen.line(middle, box.y, middle, box.y + box.h, { stroke: theme.line });
  const low = box.y + box.h + 14;
  pen.text(middle, low, "0", { size: 11, fill: theme.faint, align: "center" });
  const left = box.x + COLUMN + GAP_OF_COLUMN;
  const rest = { ...box, x: left, w: box.x + box.w - left };
  const most = Math.max(1, full.length, marks.length) + 1;
  const across = linear([0, most], [rest.x, rest.x + rest.w]);
  drawAxes(pen, theme, rest, { x: across, xTicks: 4, xTitle: "components left" });
  for (const tick of y.ticks(4))
    pen.line(rest.x, y(tick), rest.x + rest.w, y(tick), { stroke: theme.grid });
  /** @type {[Bar[], string][]} */
  const sides = [
    [full, theme.blue],
    [marks, theme.vermilion],
  ];
  for (const [bars, stroke] of sides) {
    const points = Array.from({ length: SCALES + 1 }, (_, i) => {
      const scale = (i / SCALES) * top;
      return [across(bettiAt(bars, scale) + 1), y(scale)]; // one component never ends
    });
    if (bars.length) pen.path(points, { stroke, width: 1.8 });
  }
  return { x, y };
}
