// Contours of the density of many points: marching squares over a smoothed histogram.

/**
 * @import { Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Scene } from "./scene.js"
 *
 * @typedef {{ grid: Float32Array, across: number, down: number }} Histogram
 */

export const DENSE = 2000; // points, from which the contours are drawn
const CELL = 9; // pixels
const PASSES = 3; // of a box of three cells: nearly a Gaussian
const SHARES = [0.25, 0.5, 0.75, 0.95]; // of the points, inside each contour

/**
 * Draw contours around the densest 25, 50, 75 and 95 % of the points.
 *
 * @type {(pen: Pen, theme: Theme, scene: Scene, w: number, hgt: number) => void}
 */
export function drawDensity(pen, theme, scene, w, hgt) {
  if (scene.count < DENSE) return;
  const found = histogram(scene, w, hgt);
  levelsOf(found, SHARES).forEach((level, i) => {
    for (const line of contour(found, level))
      pen.path(line, { stroke: theme.soft, width: 1.1, alpha: 0.75 - 0.12 * i });
  });
}

/**
 * Return how many points each cell of the canvas holds, smoothed.
 *
 * @type {(scene: Pick<Scene, "screen" | "count">, w: number, hgt: number) => Histogram}
 */
export function histogram(scene, w, hgt) {
  const across = Math.ceil(w / CELL) + 1;
  const down = Math.ceil(hgt / CELL) + 1;
  /** @type {Float32Array} */
  let grid = new Float32Array(across * down);
  for (let i = 0; i < scene.count; i += 1) {
    const x = Math.round(scene.screen[i * 2] / CELL);
    const y = Math.round(scene.screen[i * 2 + 1] / CELL);
    if (x >= 0 && y >= 0 && x < across && y < down) grid[y * across + x] += 1;
  }
  for (let pass = 0; pass < PASSES; pass += 1)
    for (const step of [1, across]) grid = blurred(grid, step, across, down);
  return { grid, across, down };
}

/** @type {(grid: Float32Array, step: number, across: number, down: number) => Float32Array} */
function blurred(grid, step, across, down) {
  const out = new Float32Array(grid.length);
  for (let y = 0; y < down; y += 1)
    for (let x = 0; x < across; x += 1) {
      const at = y * across + x;
      const isFirst = step === 1 ? x === 0 : y === 0;
      const isLast = step === 1 ? x === across - 1 : y === down - 1;
      const before = isFirst ? 0 : grid[at - step];
      const after = isLast ? 0 : grid[at + step];
      out[at] = (before + grid[at] + after) / 3;
    }
  return out;
}

/**
 * Return for each share the density above which cells hold that share of the points.
 *
 * @type {(found: Histogram, shares: number[]) => number[]}
 */
export function levelsOf({ grid }, shares) {
  const sorted = Float32Array.from(grid).sort().reverse();
  const total = sorted.reduce((sum, value) => sum + value, 0);
  const levels = [];
  let sum = 0;
  let at = 0;
  for (const share of shares) {
    while (at < sorted.length - 1 && sum < share * total) {
      sum += sorted[at];
      at += 1;
    }
    levels.push(sorted[Math.max(0, at - 1)]);
  }
  return levels;
}

/**
 * Return the segments of a level's contour, each of two points in pixels.
 *
 * @type {(found: Histogram, level: number) => number[][][]}
 */
export function contour({ grid, across, down }, level) {
  /** @type {number[][][]} */
  const lines = [];
  for (let y = 0; y + 1 < down; y += 1)
    for (let x = 0; x + 1 < across; x += 1) {
      const corners = [
        [x, y],
        [x + 1, y],
        [x + 1, y + 1],
        [x, y + 1],
      ];
      /** @type {number[][]} */
      const cuts = [];
      corners.forEach(([ax, ay], i) => {
        const [bx, by] = corners[(i + 1) % 4];
        const a = grid[ay * across + ax];
        const b = grid[by * across + bx];
        if (a >= level === b >= level) return;
        const t = (level - a) / (b - a);
        cuts.push([(ax + (bx - ax) * t) * CELL, (ay + (by - ay) * t) * CELL]);
      });
      for (let i = 0; i + 1 < cuts.length; i += 2) lines.push([cuts[i], cuts[i + 1]]);
    }
  return lines;
}
