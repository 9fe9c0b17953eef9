// Labels on the cloud: groups by their telling words, then selected tokens, then landmarks. A label
// that would touch another one, the legend or the readout is left out.

import { clip, oneLine } from "../base/text.js";

/**
 * @import { Box, Pen, TextStyle } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Cloud } from "./view.js"
 *
 * @typedef {{ text: string, style: TextStyle, spots: Spots }} Wish a label and where it may stand
 * @typedef {(wide: number) => [left: number, middle: number][]} Spots
 */

const LABEL_SIZE = 11;
const GROUP_SIZE = 12;
const MOST_LANDMARKS_NAMED = 40;
const MOST_SELECTED_NAMED = 60;
const MOST_CHARACTERS = 18;
const SIDE = 8; // pixels between a point and its label

/**
 * Draw the labels that have room; returns their boxes, for tests.
 *
 * @type {(cloud: Cloud, pen: Pen, w: number, hgt: number, theme: Theme, rows: number[]) => Box[]}
 */
export function drawLabels(cloud, pen, w, hgt, theme, rows) {
  /** @type {Box[]} */
  const taken = [
    { x: w - 180, y: 0, w: 180, h: 48 },
    { x: 0, y: hgt - 46, w: Math.min(w, 640), h: 46 },
  ];
  const reserved = taken.length;
  for (const { text, style, spots } of wishes(cloud, theme, rows)) {
    const size = style.size ?? LABEL_SIZE;
    const wide = pen.measure(text, style);
    const box = spots(wide)
      .map(([left, y]) => ({ x: left - 2, y: y - size * 0.7, w: wide + 4, h: size * 1.4 }))
      .find((one) => isWithin(one, w, hgt) && !taken.some((other) => touch(one, other)));
    if (!box) continue;
    taken.push(box);
    pen.text(box.x + 2, box.y + size * 1.05, text, { ...style, halo: true });
  }
  return taken.slice(reserved);
}

/**
 * Return the labels that are wanted, the most important first.
 *
 * @type {(cloud: Cloud, theme: Theme, rows: number[]) => Wish[]}
 */
function wishes(cloud, theme, rows) {
  const { scene, chosen, store } = cloud;
  const tokens = store.data.tokens ?? [];
  /** @type {(i: number, style: TextStyle) => Wish} */
  const ofRow = (i, style) => {
    const [x, y] = scene.screen.slice(i * 2, i * 2 + 2);
    return {
      text: clip(oneLine((tokens[cloud.tokenOf(i)] ?? "").trim()), MOST_CHARACTERS),
      style: { size: LABEL_SIZE, ...style },
      spots: (wide) => [
        [x + SIDE, y],
        [x - SIDE - wide, y],
      ],
    };
  };
  const selected = [];
  for (let i = 0; i < scene.count && selected.length < MOST_SELECTED_NAMED; i += 1)
    if (chosen.has(cloud.tokenOf(i))) selected.push(ofRow(i, { weight: 600 }));
  const marks = chosen.size ? [] : rows.slice(0, MOST_LANDMARKS_NAMED);
  const landmarks = marks.map((i) => ofRow(i, { fill: theme.soft }));
  const words = landmarks.filter(({ text }) => /[\p{L}\p{N}]/u.test(text));
  const all = [...selected, ...groupLabels(cloud), ...words];
  return all.filter(({ text }) => text);
}

/**
 * Return a label per group: above its points, or below them, or on their median.
 *
 * @type {(cloud: Cloud) => Wish[]}
 */
function groupLabels(cloud) {
  const { scene, store } = cloud;
  const cluster = store.array("cluster");
  /** @type {string[]} */
  const names = store.data.cluster_names ?? [];
  if (!cluster.length) return [];
  /** @type {number[][]} */
  const members = names.map(() => []);
  for (let i = 0; i < scene.count; i += 1) members[cluster[cloud.tokenOf(i)]]?.push(i);
  const style = { size: GROUP_SIZE, weight: 650 };
  return names.flatMap((text, j) => {
    if (!members[j].length) return [];
    const at = (axis, share) => {
      const values = members[j].map((i) => scene.screen[i * 2 + axis]).sort((a, b) => a - b);
      return values[Math.floor(share * (values.length - 1))];
    };
    const heights = [at(1, 0.05) - 15, at(1, 0.95) + 15, at(1, 0.5)];
    /** @type {Spots} */
    const spots = (wide) => heights.map((y) => [at(0, 0.5) - wide / 2, y]);
    return [{ text: clip(oneLine(text), 40), style, spots }];
  });
}

/** @type {(one: Box, other: Box) => boolean} */
function touch(one, other) {
  return (
    one.x < other.x + other.w &&
    other.x < one.x + one.w &&
    one.y < other.y + other.h &&
    other.y < one.y + one.h
  );
}

/** @type {(box: Box, w: number, hgt: number) => boolean} */
function isWithin({ x, y, w: wide, h: tall }, w, hgt) {
  return x >= 0 && y >= 0 && x + wide <= w && y + tall <= hgt;
}
