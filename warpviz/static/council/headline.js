// What the paper is about: the bytes that one more agent costs, against a copy of the cache each.

import { number } from "../base/text.js";
import { bytesText } from "./bytes.js";

/**
 * @import { Canvas } from "./charts.js"
 *
 * @typedef {Record<string, number>} Moment the fields of one sample
 */

const LABEL = 176; // pixels
const VALUE = 150;

/**
 * Return the bytes of one more agent, of its own and with a copy of the River's cache; null where
 * no stream has thought.
 *
 * @param {Moment | null | undefined} busiest
 */
export function costOf(busiest) {
  if (!busiest?.thinking) return null;
  const own = busiest.private_kv_bytes / busiest.thinking;
  return { own, copy: own + busiest.river_kv_bytes, agents: busiest.thinking };
}

/**
 * Draw both costs as bars on one scale, with their quotient in words.
 *
 * @type {(canvas: Canvas, busiest: Moment | null | undefined) => void}
 */
export function drawHeadline({ pen, theme, w }, busiest) {
  const cost = costOf(busiest);
  if (!cost) {
    pen.text(4, 22, "one more agent: no stream has thought yet", { size: 15, fill: theme.soft });
    return;
  }
  const { own, copy, agents } = cost;
  const times = own > 0 ? `, ${number(copy / own, 2)} times less than a copy each` : "";
  const title = `One more agent costs ${bytesText(own)}${times}`;
  const isLong = pen.measure(title, { size: 16, weight: 650 }) > w - 8;
  const lines = isLong ? title.split(", ") : [title];
  lines.forEach((line, i) =>
    pen.text(4, 16 + 18 * i, line, { size: isLong ? 14 : 16, weight: 650 }),
  );
  /** @type {[string, number, string][]} */
  const bars = [
    ["own bytes, landmarks shared", own, theme.purple],
    ["a copy of the cache each", copy, theme.faint],
  ];
  const room = Math.max(20, w - LABEL - VALUE);
  bars.forEach(([name, value, fill], i) => {
    const y = 12 + 18 * lines.length + i * 19;
    const wide = Math.max(1.5, (value / copy) * room);
    pen.text(LABEL - 8, y + 10, name, { size: 11, fill: theme.soft, align: "right" });
    pen.rect(LABEL, y, wide, 13, { fill, radius: 2 });
    pen.text(LABEL + wide + 6, y + 10, `${bytesText(value)} per agent`, { size: 11, weight: 600 });
  });
  const when = `measured when most streams thought: ${number(agents)} at once`;
  pen.text(4, 62 + 18 * lines.length, when, { size: 11, fill: theme.soft });
}
