// The council's charts: bytes by owner, streams by state, and how fast River and streams write.

import { drawAxes, linear } from "../base/axes.js";
import { number } from "../base/text.js";
import { bytesText } from "./bytes.js";

/**
 * @import { Axes, Scale } from "../base/axes.js"
 * @import { Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Part } from "./bytes.js"
 * @import { Samples } from "./samples.js"
 *
 * @typedef {{ pen: Pen, theme: Theme, w: number, hgt: number }} Canvas
 * @typedef {{ x: Scale, y: Scale }} Scales
 */

/** @type {Part[]} */
const STATES = [
  { field: "accepted", name: "accepted", colour: "green" },
  { field: "rejected", name: "rejected", colour: "vermilion" },
  { field: "failed", name: "failed", colour: "yellow" },
  { field: "thinking", name: "thinking", colour: "purple" },
];
const ROOM = 1.05; // above the highest value, as a factor

/**
 * Draw the bytes of every owner over the run, stacked.
 *
 * @type {(canvas: Canvas, samples: Samples, owners: Part[]) => void}
 */
export function drawBytes(canvas, samples, owners) {
  const fields = owners.map(({ field }) => field);
  const sum = (i) => samples.sum(i, fields);
  const list = samples.shown(sum);
  const most = Math.max(1, ...list.map(sum)) * ROOM;
  const title = "bytes held";
  const scales = drawFrame(canvas, title, [lastBeat(samples), most], { yFormat: bytesText });
  stack(canvas, samples, scales, list, owners);
  drawKey(canvas, owners, title);
}

/**
 * Draw how many streams are in every state over the run, stacked.
 *
 * @type {(canvas: Canvas, samples: Samples) => void}
 */
export function drawAgents(canvas, samples) {
  const title = "streams by state";
  const fields = STATES.map(({ field }) => field);
  const list = samples.shown((i) => samples.at(i, "thinking"));
  const most = Math.max(1, ...list.map((i) => samples.sum(i, fields))) * ROOM;
  const scales = drawFrame(canvas, title, [lastBeat(samples), most], {});
  stack(canvas, samples, scales, list, STATES);
  const hasFailed = list.some((i) => samples.at(i, "failed") > 0);
  const states = STATES.filter(({ field }) => field !== "failed" || hasFailed);
  drawKey(canvas, states, title);
}

/**
 * Draw how many tokens River and streams write per second, or per step where no clock ran.
 *
 * @type {(canvas: Canvas, samples: Samples) => void}
 */
export function drawSpeed(canvas, samples) {
  const { pen, theme } = canvas;
  const clocked = samples.clockRates();
  const isClocked = clocked.river.length > 0;
  const { river, streams } = isClocked ? clocked : samples.beatRates();
  const end = Math.max(0, ...river.map(([when]) => when)) || 1;
  const most = Math.max(1, ...river.map(([, v]) => v), ...streams.map(([, v]) => v)) * 1.1;
  const title = isClocked ? "tokens per second" : "tokens per step";
  const xFormat = (v) => number(v, isClocked ? 2 : 3);
  const xTitle = isClocked ? "seconds" : "step";
  const { x, y } = drawFrame(canvas, title, [end, most], { xFormat, xTitle });
  const line = (points) => points.map(([when, v]) => [x(when), y(v)]);
  pen.path(line(streams), { stroke: theme.purple, width: 2 });
  pen.path(line(river), { stroke: theme.blue, width: 2 });
  const now = (points) => number(points.at(-1)?.[1], 2);
  drawKey(canvas, [
    { name: `streams ${now(streams)}`, colour: "purple" },
    { name: `River ${now(river)}`, colour: "blue" },
  ]);
}

/** @param {Samples} samples */
function lastBeat(samples) {
  return Math.max(1, samples.count ? samples.at(samples.count - 1, "beat") : 1);
}

/** @type {(canvas: Canvas, title: string, ends: [x: number, y: number], axes: Axes) => Scales} */
function drawFrame({ pen, theme, w, hgt }, title, [end, most], axes) {
  const box = { x: 56, y: 22, w: w - 66, h: hgt - 56 };
  const x = linear([0, end], [box.x, box.x + box.w]);
  const y = linear([0, most], [box.y + box.h, box.y]);
  drawAxes(pen, theme, box, { x, y, yTicks: 2, xTicks: 4, xTitle: "step", ...axes });
  pen.text(4, 12, title, { size: 11, fill: theme.soft, weight: 600 });
  return { x, y };
}

/**
 * Write names with a dot of their colour at the top right, as many as stay clear of the title.
 *
 * @type {(canvas: Canvas, entries: { name: string, colour: string }[], title?: string) => void}
 */
function drawKey({ pen, theme, w }, entries, title = "") {
  let left = w - 8;
  const least = pen.measure(title, { size: 11 }) * 1.12 + 14;
  for (const { name, colour } of entries) {
    const wide = pen.measure(name, { size: 11 });
    if (left - wide - 14 < least) return;
    pen.text(left, 12, name, { size: 11, fill: theme.soft, align: "right" });
    left -= wide + 8;
    pen.dot(left + 3, 8.5, 3, theme.palette[colour]);
    left -= 8;
  }
}

/**
 * Draw a stack of the parts from sample to sample.
 *
 * @type {(canvas: Canvas, samples: Samples, scales: Scales, list: number[], parts: Part[]) => void}
 */
function stack({ pen, theme }, samples, { x, y }, list, parts) {
  list.forEach((i, n) => {
    const from = x(samples.at(i, "beat"));
    const until = n + 1 < list.length ? x(samples.at(list[n + 1], "beat")) : from + 3;
    const wide = Math.max(1, until - from - 0.5);
    let base = 0;
    for (const { field, colour } of parts) {
      const value = samples.at(i, field);
      const top = y(base + value);
      const style = { fill: theme.palette[colour], alpha: 0.88 };
      if (value > 0) pen.rect(from, top, wide, y(base) - top, style);
      base += value;
    }
  });
}
