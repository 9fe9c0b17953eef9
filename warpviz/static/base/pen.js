// The pen for the screen. SvgPen has the same methods: a file shows what the screen shows.

import { legible } from "./contrast.js";
import { oneLine } from "./text.js";

/**
 * @import { SvgPen } from "./svg_pen.js"
 * @import { Theme } from "./theme.js"
 *
 * @typedef {CanvasPen | SvgPen} Pen
 * @typedef {[x: number, y: number]} Point in CSS pixels
 * @typedef {{ x: number, y: number, w: number, h: number }} Box in CSS pixels
 *
 * @typedef {object} Style
 * @property {string} [fill] a CSS colour
 * @property {string} [stroke] a CSS colour
 * @property {number} [width] of the stroke
 * @property {number} [alpha] opacity, 0 to 1
 * @property {number[]} [dash] lengths of strokes and gaps
 * @property {number} [radius] of a rectangle's corners
 * @property {boolean} [closed] whether a path returns to its start
 *
 * @typedef {object} TextStyle
 * @property {string} [fill]
 * @property {number} [alpha]
 * @property {number} [size] in pixels, 12 by default
 * @property {number} [weight] 400 by default
 * @property {"left" | "center" | "right"} [align]
 * @property {"alphabetic" | "middle" | "top"} [baseline]
 * @property {number} [rotate] in radians, around the text's place
 * @property {boolean} [halo] a rim in the colour of the surface
 * @property {boolean} [mono]
 * @property {string} [family] the fonts, instead of the theme's
 * @property {number} [fit] the width that a file's text takes, whatever font its reader has
 */

const MOST_SPRITES = 2000;
const FULL_TURN = 7; // more than 2 pi closes a circle

/** @type {Map<string, HTMLCanvasElement>} */
const SPRITES = new Map();

/** Draws on a canvas; places and sizes are CSS pixels. */
export class CanvasPen {
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Theme} theme
   * @param {number} ratio canvas pixels per CSS pixel
   */
  constructor(context, theme, ratio) {
    this.c = context;
    this.theme = theme;
    this.ratio = ratio;
    this.font = "";
    this.dashed = false;
  }

  /** @param {Style} style */
  style({ fill, stroke, width = 1, alpha = 1, dash }) {
    const c = this.c;
    c.globalAlpha = alpha;
    if (dash || this.dashed) {
      c.setLineDash(dash ?? []);
      this.dashed = Boolean(dash);
    }
    c.lineWidth = width;
    if (fill) c.fillStyle = fill;
    if (stroke) c.strokeStyle = stroke;
  }

  /**
   * Fill and stroke the path, as far as the style has colours for it.
   *
   * @param {Style} style
   */
  finish({ fill, stroke }) {
    if (fill) this.c.fill();
    if (stroke) this.c.stroke();
    this.c.globalAlpha = 1;
  }

  /** @type {(x: number, y: number, w: number, hgt: number, style: Style) => void} */
  rect(x, y, w, hgt, style) {
    this.style(style);
    this.c.beginPath();
    if (style.radius) this.c.roundRect(x, y, w, hgt, style.radius);
    else this.c.rect(x, y, w, hgt);
    this.finish(style);
  }

  /** @type {(x1: number, y1: number, x2: number, y2: number, style: Style) => void} */
  line(x1, y1, x2, y2, style) {
    this.style(style);
    this.c.beginPath();
    this.c.moveTo(x1, y1);
    this.c.lineTo(x2, y2);
    this.finish(style);
  }

  /** @type {(points: number[][], style: Style) => void} */
  path(points, style) {
    if (points.length < 1) return;
    this.style(style);
    this.c.lineJoin = "round";
    this.c.beginPath();
    points.forEach(([x, y], i) => (i ? this.c.lineTo(x, y) : this.c.moveTo(x, y)));
    if (style.closed) this.c.closePath();
    this.finish(style);
  }

  /** @type {(x: number, y: number, r: number, style: Style) => void} */
  circle(x, y, r, style) {
    this.style(style);
    this.c.beginPath();
    this.c.arc(x, y, r, 0, FULL_TURN);
    this.finish(style);
  }

  /**
   * Draw the union of equal discs as one shape: overlaps do not darken.
   *
   * @type {(centres: number[][], r: number, style: Style) => void}
   */
  union(centres, r, style) {
    this.style(style);
    this.c.beginPath();
    for (const [x, y] of centres) {
      this.c.moveTo(x + r, y);
      this.c.arc(x, y, r, 0, FULL_TURN);
    }
    this.finish(style);
  }

  /**
   * Draw a filled dot fast: from one cached picture per colour and size.
   *
   * @type {(x: number, y: number, r: number, fill: string, alpha?: number) => void}
   */
  dot(x, y, r, fill, alpha = 1) {
    this.c.globalAlpha = alpha;
    const sprite = dotSprite(fill, r, this.ratio);
    const half = sprite.width / this.ratio / 2;
    this.c.drawImage(sprite, x - half, y - half, half * 2, half * 2);
  }

  /** @type {(x: number, y: number, text: string, style?: TextStyle) => void} */
  text(x, y, text, style = {}) {
    const c = this.c;
    const fill = legible(style.fill ?? this.theme.ink, this.theme);
    this.style({ fill, alpha: style.alpha });
    this.setFont(style);
    c.textAlign = style.align ?? "left";
    c.textBaseline = style.baseline ?? "alphabetic";
    const line = oneLine(text);
    if (style.halo) {
      c.lineWidth = 3;
      c.lineJoin = "round";
      c.strokeStyle = this.theme.surface;
    }
    if (style.rotate) {
      c.save();
      c.translate(x, y);
      c.rotate(style.rotate);
    }
    const left = style.rotate ? 0 : x;
    const base = style.rotate ? 0 : y;
    if (style.halo) c.strokeText(line, left, base);
    c.fillText(line, left, base);
    if (style.rotate) c.restore();
    c.globalAlpha = 1;
  }

  /**
   * Set the font if it changes: setting one makes a canvas look up the style of its page.
   *
   * @param {TextStyle} style
   */
  setFont(style) {
    const font = fontOf(style, this.theme);
    if (font === this.font) return;
    this.c.font = font;
    this.font = font;
  }

  /** @type {(text: string, style?: TextStyle) => number} */
  measure(text, style = {}) {
    this.setFont(style);
    return this.c.measureText(oneLine(text)).width;
  }

  /**
   * Draw inside a rectangle only.
   *
   * @type {(x: number, y: number, w: number, hgt: number, draw: () => void) => void}
   */
  clip(x, y, w, hgt, draw) {
    const { font, dashed } = this;
    this.c.save();
    this.c.beginPath();
    this.c.rect(x, y, w, hgt);
    this.c.clip();
    draw();
    this.c.restore();
    this.font = font;
    this.dashed = dashed;
  }
}

/**
 * Return a text style as a CSS font.
 *
 * @param {TextStyle} style
 * @param {Theme} theme
 */
export function fontOf({ weight = 400, size = 12, ...style }, theme) {
  return `${weight} ${size}px ${familyOf(style, theme)}`;
}

/**
 * Return the fonts of a text style.
 *
 * @type {(style: TextStyle, theme: Theme) => string}
 */
export function familyOf({ family, mono = false }, theme) {
  return family ?? (mono ? theme.mono : theme.font);
}

/** Return a canvas of a size in canvas pixels that is not part of the page. */
export function newCanvas(width = 1, height = 1) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

/**
 * Return the context of a canvas; throws where the browser has none.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function context2d(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser does not draw on a canvas");
  return context;
}

/** @type {(fill: string, r: number, ratio: number) => HTMLCanvasElement} */
function dotSprite(fill, r, ratio) {
  const key = `${fill}|${r}|${ratio}`;
  const known = SPRITES.get(key);
  if (known) return known;
  if (SPRITES.size > MOST_SPRITES) SPRITES.clear();
  const size = Math.ceil((r * 2 + 2) * ratio);
  const sprite = newCanvas(size, size);
  const c = context2d(sprite);
  c.fillStyle = fill;
  c.beginPath();
  c.arc(size / 2, size / 2, r * ratio, 0, FULL_TURN);
  c.fill();
  SPRITES.set(key, sprite);
  return sprite;
}
