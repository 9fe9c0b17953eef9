// Cubic curves between two points.

/**
 * @import { Point } from "../base/pen.js"
 *
 * @typedef {[from: Point, control: Point, control: Point, to: Point]} Curve
 */

/**
 * Return the point of a curve at t, from 0 to 1.
 *
 * @type {(curve: Curve, t: number) => Point}
 */
export function onCurve([a, b, c, d], t) {
  const u = 1 - t;
  /** @type {(i: 0 | 1) => number} */
  const mix = (i) => u ** 3 * a[i] + 3 * u * u * t * b[i] + 3 * u * t * t * c[i] + t ** 3 * d[i];
  return [mix(0), mix(1)];
}

/**
 * Return a curve that leaves and arrives level, or upright where the way is mostly vertical.
 *
 * @type {(from: Point, to: Point, isUpright?: boolean) => Curve}
 */
export function bend(from, to, isUpright) {
  const dx = to[0] - from[0];
  const dy = to[1] - from[1];
  if (isUpright ?? Math.abs(dx) < Math.abs(dy) * 0.6) {
    const rise = dy * 0.55;
    return [from, [from[0], from[1] + rise], [to[0], to[1] - rise], to];
  }
  const way = dx * 0.5;
  return [from, [from[0] + way, from[1]], [to[0] - way, to[1]], to];
}
