// The text as a picture, for SVG and PNG: wrapped lines, landmarks underlined.

import { SvgPen } from "../base/svg_pen.js";
import { number, oneLine } from "../base/text.js";
import { inReadingOrder } from "./reading_order.js";

/**
 * @import { Drawing } from "../frame/frame.js"
 * @import { Pen } from "../base/pen.js"
 * @import { TokenText } from "./view.js"
 */

const SIZE = 13;
const LEADING = 20;
const WIDTH = 760;
const EDGE = 16;
const MOST_TOKENS = 4000;

/**
 * Return a view's text as a drawing.
 *
 * @param {TokenText} view
 * @returns {Drawing}
 */
export function textDrawing(view) {
  return {
    width: WIDTH,
    get height() {
      return layOutText(view, new SvgPen(view.frame.theme, WIDTH, 0), false);
    },
    draw: (pen) => layOutText(view, pen, true),
  };
}

/**
 * Wrap the text, draw it if asked to, and return its height.
 *
 * @type {(view: TokenText, pen: Pen, draws: boolean) => number}
 */
function layOutText(view, pen, draws) {
  /** @type {string[]} */
  const tokens = view.store.data.tokens ?? [];
  let x = EDGE;
  let y = EDGE + 8;
  /** @type {{ t: number, text: string, x: number, w: number }[]} */
  let line = [];
  const breakLine = () => {
    if (draws)
      for (const piece of inReadingOrder(line))
        drawToken(view, pen, piece.t, piece.text, piece.x, y, piece.w);
    line = [];
    x = EDGE;
    y += LEADING;
  };
  tokens.slice(0, MOST_TOKENS).forEach((token, t) => {
    token.split("\n").forEach((part, i) => {
      if (i) breakLine();
      for (const text of fitting(pen, oneLine(part), SIZE, WIDTH - 2 * EDGE)) {
        const w = pen.measure(text, { size: SIZE });
        if (x + w > WIDTH - EDGE) breakLine();
        line.push({ t, text, x, w });
        x += w;
      }
    });
  });
  breakLine();
  y -= LEADING;
  if (tokens.length <= MOST_TOKENS) return y + LEADING;
  const rest = `showing the first ${number(MOST_TOKENS)} of ${number(tokens.length)} tokens`;
  if (draws) pen.text(EDGE, y + 2 * LEADING, rest, { size: 11, fill: view.frame.theme.soft });
  return y + 3 * LEADING;
}

/**
 * Cut text into pieces that each fit a line: one piece, except for tokens longer than a line.
 *
 * @type {(pen: Pen, text: string, size: number, room: number) => string[]}
 */
function fitting(pen, text, size, room) {
  const width = pen.measure(text, { size });
  if (width <= room) return [text];
  const chars = Array.from(text);
  const pieces = [];
  const guess = Math.ceil((chars.length * room) / width) * 2;
  for (let from = 0, count = 1; from < chars.length; from += count) {
    count = Math.min(guess, chars.length - from);
    while (count > 1 && pen.measure(chars.slice(from, from + count).join(""), { size }) > room)
      count -= Math.ceil(count / 20);
    pieces.push(chars.slice(from, from + count).join(""));
  }
  return pieces;
}

function drawToken(view, pen, t, text, x, y, w) {
  const { theme } = view.frame;
  if (view.chosen.has(t)) pen.rect(x, y - SIZE, w, SIZE + 5, { fill: theme.yellow, alpha: 0.45 });
  pen.text(x, y, text, { size: SIZE, fill: theme.ink });
  if (view.kept.has(t)) pen.line(x, y + 3, x + w, y + 3, { stroke: theme.mark, width: 2 });
}
