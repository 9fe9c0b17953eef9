// Text that is part of the page, drawn by a pen: SVG and PNG files then hold what the screen shows.

/** @import { Pen } from "./pen.js" */

/** @typedef {{ text: string, box: DOMRect }} TextLine a stretch of text on one line of the page */

const FRAMES = ".wr-scroll, .wr-thought, .wr-card, .wr-side, .wr-note-text";

/**
 * Draw every `[data-svg-text]` element below `root` that is not scrolled out of sight.
 *
 * @param {Pen} pen
 * @param {Element} root
 * @param {DOMRect} origin the box that (0, 0) of the picture is the top left corner of
 */
export function svgText(pen, root, origin) {
  for (const el of root.querySelectorAll("[data-svg-text]")) {
    const parent = el.parentElement;
    if (!parent || !el.textContent.trim()) continue;
    const style = getComputedStyle(el);
    const frame = el.closest(FRAMES)?.getBoundingClientRect();
    const isSeen = ({ box }) =>
      !frame || (box.top >= frame.top - 2 && box.bottom <= frame.bottom + 2);
    for (const box of el.getClientRects())
      if (box.width && isSeen({ box })) svgBackground(pen, style, origin, box);
    const size = parseFloat(style.fontSize);
    const face = {
      size,
      fill: style.color,
      family: style.fontFamily,
      weight: Number(style.fontWeight) || 400,
      baseline: /** @type {const} */ ("middle"),
      alpha: Number(style.opacity) * Number(getComputedStyle(parent).opacity),
    };
    const room = style.textOverflow === "ellipsis" ? el.clientWidth : Infinity;
    for (const { text, box } of linesOf(el).filter(isSeen)) {
      const fitting = fitted(pen, text, face, room);
      const fit = fitting === text ? box.width : undefined;
      const y = box.top - origin.top + box.height / 2;
      pen.text(box.left - origin.left, y, fitting, { ...face, fit });
    }
  }
}

/**
 * Return the lines on which an element's text stands, without the spaces around each.
 *
 * @param {Element} el
 * @returns {TextLine[]}
 */
function linesOf(el) {
  const node = el.firstChild;
  if (!(node instanceof Text)) return [];
  const range = document.createRange();
  /** @type {(from: number, to: number) => DOMRect[]} */
  const boxes = (from, to) => {
    range.setStart(node, from);
    range.setEnd(node, to);
    return [...range.getClientRects()].filter(({ width }) => width > 0);
  };
  const { data } = node;
  const first = data.length - data.trimStart().length;
  const whole = boxes(first, data.trimEnd().length);
  if (whole.length === 1) return [{ text: data.trim(), box: whole[0] }];
  /** @type {{ from: number, to: number, top: number }[]} */
  const stretches = [];
  let at = 0;
  for (const char of data) {
    const to = at + char.length;
    const [box] = char.trim() ? boxes(at, to) : [];
    const last = stretches[stretches.length - 1];
    if (box && last && Math.abs(last.top - box.top) < box.height / 2) last.to = to;
    else if (box) stretches.push({ from: at, to, top: box.top });
    at = to;
  }
  return stretches.map(({ from, to }) => ({ text: data.slice(from, to), box: boxes(from, to)[0] }));
}

/**
 * Return text cut to a room in pixels, with an ellipsis, as the page cuts it.
 *
 * @type {(pen: Pen, text: string, face: object, room: number) => string}
 */
function fitted(pen, text, face, room) {
  if (room === Infinity || pen.measure(text, face) <= room + 1) return text;
  const chars = Array.from(text);
  while (chars.length && pen.measure(`${chars.join("")}\u2026`, face) > room) chars.pop();
  return `${chars.join("").trimEnd()}\u2026`;
}

/**
 * Draw what a style paints behind and below a text: its background and its underline.
 *
 * @type {(pen: Pen, style: CSSStyleDeclaration, origin: DOMRect, box: DOMRect) => void}
 */
function svgBackground(pen, style, origin, box) {
  const x = box.left - origin.left;
  const y = box.top - origin.top;
  if (style.backgroundColor && !/, 0\)$|transparent|\/ 0\)$/.test(style.backgroundColor))
    pen.rect(x, y, box.width, box.height, { fill: style.backgroundColor });
  if (style.textDecorationLine.includes("underline"))
    pen.line(x, y + box.height - 2, x + box.width, y + box.height - 2, {
      stroke: style.textDecorationColor,
      width: 1.5,
    });
}
