// Bars as the kernel sends them: rows of an array, and what is computed from them.

/**
 * @import { Numbers, WireArray } from "../base/wire.js"
 *
 * @typedef {[birth: number, death: number]} Bar
 * @typedef {"full" | "marks"} Side the whole context, or its landmarks
 */

/** @type {WeakMap<WireArray, any[]>} */
const ROWS = new WeakMap();

/**
 * Return the rows of an array as `make(data, i)` reads them, once per array: each answer of the
 * kernel is a new one.
 *
 * @template T
 * @param {WireArray | undefined} array
 * @param {(data: Numbers, i: number) => T} make
 * @returns {T[]}
 */
export function rowsOf(array, make) {
  if (!array) return [];
  const known = ROWS.get(array);
  if (known) return known;
  const rows = Array.from({ length: array.shape[0] }, (_, i) => make(array.data, i));
  ROWS.set(array, rows);
  return rows;
}

/** @param {Bar[]} bars */
export function ends(bars) {
  return bars.map((bar) => bar[1]);
}

/** @param {Bar[]} bars */
export function starts(bars) {
  return bars.map((bar) => bar[0]);
}

/** @param {Bar[]} bars */
export function lengths(bars) {
  return bars.map(([birth, death]) => death - birth);
}

/**
 * Return how many bars are alive at a scale.
 *
 * @type {(bars: Bar[], scale: number) => number}
 */
export function bettiAt(bars, scale) {
  let alive = 0;
  for (const [birth, death] of bars) if (birth <= scale && scale < death) alive += 1;
  return alive;
}
