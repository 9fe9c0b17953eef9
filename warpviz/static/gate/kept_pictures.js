// Pictures kept until what they show changes.

import { context2d, newCanvas } from "../base/pen.js";

/** @typedef {Map<string, { key: string, canvas: HTMLCanvasElement }>} Pictures by name */

/**
 * Return the picture kept under a name; it is painted again only when its key has changed.
 *
 * @param {Pictures} pictures
 * @param {string} name
 * @param {string} key
 * @param {{ w: number, hgt: number, ratio: number }} size in CSS pixels, and canvas pixels per CSS
 *     pixel
 * @param {(context: CanvasRenderingContext2D) => void} paint called with CSS pixels
 */
export function keptPicture(pictures, name, key, { w, hgt, ratio }, paint) {
  const known = pictures.get(name);
  if (known?.key === key) return known.canvas;
  const canvas = newCanvas(Math.ceil(w * ratio), Math.ceil(hgt * ratio));
  const context = context2d(canvas);
  context.scale(ratio, ratio);
  paint(context);
  pictures.set(name, { key, canvas });
  return canvas;
}
