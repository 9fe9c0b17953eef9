// Marks that differ in shape: circle, diamond, square, triangle, cross.

import { CanvasPen, context2d, newCanvas } from "./pen.js";

/**
 * @import { Pen, Style } from "./pen.js"
 *
 * @typedef {"circle" | "diamond" | "square" | "triangle" | "cross"} Shape
 * @typedef {(pen: Pen, shape: Shape, x: number, y: number, r: number, style: Style) => void} Draw
 */

const MOST_MARKS = 2000;

/** @type {Map<string, HTMLCanvasElement>} */
const MARKS = new Map();

/**
 * Draw one mark around (x, y).
 *
 * @type {Draw}
 */
export function drawMark(pen, shape, x, y, r, style) {
  if (shape === "circle") {
    pen.circle(x, y, r, style);
    return;
  }
  if (shape === "square") {
    pen.rect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7, style);
    return;
  }
  if (shape === "cross") {
    const bar = { ...style, stroke: style.stroke ?? style.fill, fill: undefined };
    pen.line(x - r, y - r, x + r, y + r, bar);
    pen.line(x - r, y + r, x + r, y - r, bar);
    return;
  }
  const triangle = [
    [x, y - r * 1.1],
    [x + r, y + r * 0.8],
    [x - r, y + r * 0.8],
  ];
  const diamond = [
    [x, y - r * 1.25],
    [x + r * 1.25, y],
    [x, y + r * 1.25],
    [x - r * 1.25, y],
  ];
  pen.path(shape === "triangle" ? triangle : diamond, { ...style, closed: true });
}

/**
 * Draw one of many equal marks: on a canvas from a cached picture, in a file as a mark of its own.
 *
 * @type {Draw}
 */
export function stampMark(pen, shape, x, y, r, style) {
  if (!(pen instanceof CanvasPen)) {
    drawMark(pen, shape, x, y, r, style);
    return;
  }
  const key = `${shape}|${r}|${style.fill}|${style.stroke}|${style.width}|${pen.ratio}`;
  let picture = MARKS.get(key);
  if (!picture) {
    if (MARKS.size > MOST_MARKS) MARKS.clear();
    picture = markPicture(pen, shape, r, style);
    MARKS.set(key, picture);
  }
  const half = picture.width / pen.ratio / 2;
  pen.c.globalAlpha = style.alpha ?? 1;
  pen.c.drawImage(picture, x - half, y - half, half * 2, half * 2);
  pen.c.globalAlpha = 1;
}

/** @type {(pen: CanvasPen, shape: Shape, r: number, style: Style) => HTMLCanvasElement} */
function markPicture(pen, shape, r, style) {
  const size = Math.ceil((r * 1.25 + (style.width ?? 1) + 1) * 2 * pen.ratio);
  const picture = newCanvas(size, size);
  const context = context2d(picture);
  context.scale(pen.ratio, pen.ratio);
  const middle = size / pen.ratio / 2;
  const own = new CanvasPen(context, pen.theme, pen.ratio);
  drawMark(own, shape, middle, middle, r, { ...style, alpha: 1 });
  return picture;
}
