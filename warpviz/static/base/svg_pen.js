// The pen for files: it has the methods of CanvasPen and writes SVG with text as text.

import { legible } from "./contrast.js";
import { context2d, familyOf, fontOf, newCanvas } from "./pen.js";
import { oneLine } from "./text.js";

/**
 * @import { Style, TextStyle } from "./pen.js"
 * @import { Theme } from "./theme.js"
 */

const ANCHORS = { left: "start", center: "middle", right: "end" };
const SHIFTS = { alphabetic: 0, middle: 0.35, top: 0.8 }; // of the text's size
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Collects SVG elements; places and sizes are pixels. */
export class SvgPen {
  /**
   * @param {Theme} theme
   * @param {number} width
   * @param {number} height
   */
  constructor(theme, width, height) {
    this.theme = theme;
    this.width = width;
    this.height = height;
    /** @type {string[]} */
    this.parts = [];
    this.clips = 0;
    this.context = context2d(newCanvas());
  }

  /** @param {Style} style */
  attributes({ fill, stroke, width = 1, alpha = 1, dash }) {
    const list = [`fill="${fill ? escapeXml(fill) : "none"}"`];
    if (stroke) list.push(`stroke="${escapeXml(stroke)}" stroke-width="${width}"`);
    if (stroke && dash?.length) list.push(`stroke-dasharray="${dash.join(" ")}"`);
    if (alpha !== 1) list.push(`opacity="${short(alpha)}"`);
    return list.join(" ");
  }

  /** @type {(x: number, y: number, w: number, hgt: number, style: Style) => void} */
  rect(x, y, w, hgt, style) {
    const radius = style.radius ? ` rx="${style.radius}"` : "";
    this.parts.push(`<rect ${boxOf(x, y, w, hgt)}${radius} ${this.attributes(style)}/>`);
  }

  /** @type {(x1: number, y1: number, x2: number, y2: number, style: Style) => void} */
  line(x1, y1, x2, y2, style) {
    const from = [x1, y1];
    this.path([from, [x2, y2]], style);
  }

  /** @type {(points: number[][], style: Style) => void} */
  path(points, style) {
    if (points.length < 1) return;
    const d = points.map(([x, y]) => `${short(x)} ${short(y)}`).join("L");
    const end = style.closed ? "Z" : "";
    this.parts.push(`<path d="M${d}${end}" stroke-linejoin="round" ${this.attributes(style)}/>`);
  }

  /** @type {(x: number, y: number, r: number, style: Style) => void} */
  circle(x, y, r, style) {
    const place = `cx="${short(x)}" cy="${short(y)}" r="${short(r)}"`;
    this.parts.push(`<circle ${place} ${this.attributes(style)}/>`);
  }

  /** @type {(centres: number[][], r: number, style: Style) => void} */
  union(centres, r, style) {
    const arc = `a${short(r)} ${short(r)} 0 1 0 `;
    const round = `${arc}${short(2 * r)} 0${arc}${short(-2 * r)} 0Z`;
    const d = centres.map(([x, y]) => `M${short(x - r)} ${short(y)}${round}`);
    if (d.length) this.parts.push(`<path d="${d.join("")}" ${this.attributes(style)}/>`);
  }

  /** @type {(x: number, y: number, r: number, fill: string, alpha?: number) => void} */
  dot(x, y, r, fill, alpha = 1) {
    this.circle(x, y, r, { fill, alpha });
  }

  /** @type {(x: number, y: number, text: string, style?: TextStyle) => void} */
  text(x, y, text, style = {}) {
    const { theme } = this;
    const fill = legible(style.fill ?? theme.ink, theme);
    const { size = 12, weight = 400, align = "left", baseline = "alphabetic" } = style;
    const list = [
      `x="${short(x)}" y="${short(y)}" dy="${short(SHIFTS[baseline] * size)}"`,
      `font-size="${size}" font-weight="${weight}"`,
      `font-family="${escapeXml(familyOf(style, theme))}"`,
      `text-anchor="${ANCHORS[align]}" fill="${escapeXml(fill)}"`,
    ];
    if (style.fit) list.push(`textLength="${short(style.fit)}" lengthAdjust="spacingAndGlyphs"`);
    if (style.alpha !== undefined) list.push(`opacity="${short(style.alpha)}"`);
    if (style.halo)
      list.push(`paint-order="stroke" stroke="${escapeXml(theme.surface)}" stroke-width="3"`);
    if (style.rotate) {
      const degrees = short((style.rotate * 180) / Math.PI);
      list.push(`transform="rotate(${degrees} ${short(x)} ${short(y)})"`);
    }
    this.parts.push(`<text ${list.join(" ")}>${escapeXml(oneLine(text))}</text>`);
  }

  /** @type {(text: string, style?: TextStyle) => number} */
  measure(text, style = {}) {
    this.context.font = fontOf(style, this.theme);
    return this.context.measureText(oneLine(text)).width;
  }

  /** @type {(x: number, y: number, w: number, hgt: number, draw: () => void) => void} */
  clip(x, y, w, hgt, draw) {
    this.clips += 1;
    const id = `clip${this.clips}-${Math.round(x)}-${Math.round(y)}`;
    this.parts.push(`<clipPath id="${id}"><rect ${boxOf(x, y, w, hgt)}/></clipPath>`);
    this.parts.push(`<g clip-path="url(#${id})">`);
    draw();
    this.parts.push("</g>");
  }

  /** Return everything drawn so far as one group, moved by (x, y). */
  group(x, y) {
    return `<g transform="translate(${short(x)} ${short(y)})">${this.parts.join("\n")}</g>`;
  }
}

function boxOf(x, y, w, hgt) {
  return `x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(hgt)}"`;
}

/** Return a number with at most two decimals; what is not a number becomes 0. */
function short(value) {
  return Number.isFinite(value) ? String(Math.round(value * 100) / 100) : "0";
}

/** Return text for XML: markup escaped, characters that XML cannot hold left out. */
export function escapeXml(text) {
  return String(text)
    .replace(/[&<>"']/g, (char) => ENTITIES[char])
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
}
