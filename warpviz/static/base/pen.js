// Two pens with one interface: what is drawn on screen is what the SVG file holds.

import { oneLine } from "./text.js";

const SPRITES = new Map();

export class CanvasPen {
  constructor(context, theme, ratio) {
    this.c = context;
    this.theme = theme;
    this.ratio = ratio;
  }

  style({ fill, stroke, width = 1, alpha = 1, dash } = {}) {
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

  ink({ fill, stroke }) {
    if (fill) this.c.fill();
    if (stroke) this.c.stroke();
    this.c.globalAlpha = 1;
  }

  rect(x, y, w, hgt, style) {
    this.style(style);
    this.c.beginPath();
    if (style.radius) this.c.roundRect(x, y, w, hgt, style.radius);
    else this.c.rect(x, y, w, hgt);
    this.ink(style);
  }

  line(x1, y1, x2, y2, style) {
    this.path(
      [
        [x1, y1],
        [x2, y2],
      ],
      style,
    );
  }

  path(points, style) {
    if (points.length < 1) return;
    this.style(style);
    this.c.lineJoin = "round";
    this.c.beginPath();
    points.forEach(([x, y], i) => (i ? this.c.lineTo(x, y) : this.c.moveTo(x, y)));
    if (style.closed) this.c.closePath();
    this.ink(style);
  }

  circle(x, y, r, style) {
    this.style(style);
    this.c.beginPath();
    this.c.arc(x, y, r, 0, 7);
    this.ink(style);
  }

  /** The union of equal discs, filled once, so that overlaps do not darken. */
  union(centres, r, style) {
    this.style(style);
    this.c.beginPath();
    for (const [x, y] of centres) {
      this.c.moveTo(x + r, y);
      this.c.arc(x, y, r, 0, 7);
    }
    this.ink(style);
  }

  /** A filled dot, fast: one cached picture per colour and size. */
  dot(x, y, r, fill, alpha = 1) {
    this.c.globalAlpha = alpha;
    const sprite = dotSprite(fill, r, this.ratio);
    const half = sprite.width / this.ratio / 2;
    this.c.drawImage(sprite, x - half, y - half, half * 2, half * 2);
  }

  text(x, y, text, style = {}) {
    const c = this.c;
    this.style({ fill: style.fill ?? this.theme.ink, alpha: style.alpha });
    this.write(style);
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
    const [left, base] = style.rotate ? [0, 0] : [x, y];
    if (style.halo) c.strokeText(line, left, base);
    c.fillText(line, left, base);
    if (style.rotate) c.restore();
    c.globalAlpha = 1;
  }

  /** Choose the letters; a canvas looks its page's style up again whenever it is told. */
  write(style) {
    const font = `${style.weight ?? 400} ${style.size ?? 12}px ${style.mono ? this.theme.mono : this.theme.font}`;
    if (font === this.font) return;
    this.c.font = font;
    this.font = font;
  }

  measure(text, style = {}) {
    this.write(style);
    return this.c.measureText(oneLine(text)).width;
  }

  clip(x, y, w, hgt, draw) {
    const { font, dashed } = this;
    this.c.save();
    this.c.beginPath();
    this.c.rect(x, y, w, hgt);
    this.c.clip();
    draw();
    this.c.restore();
    Object.assign(this, { font, dashed });
  }
}

function dotSprite(fill, r, ratio) {
  const key = `${fill}|${r}|${ratio}`;
  let sprite = SPRITES.get(key);
  if (sprite) return sprite;
  if (SPRITES.size > 2000) SPRITES.clear();
  const size = Math.ceil((r * 2 + 2) * ratio);
  sprite = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const c = sprite.getContext("2d");
  c.fillStyle = fill;
  c.beginPath();
  c.arc(size / 2, size / 2, r * ratio, 0, 7);
  c.fill();
  SPRITES.set(key, sprite);
  return sprite;
}

export class SvgPen {
  constructor(theme, width, height) {
    Object.assign(this, { theme, width, height, parts: [], clips: 0 });
    this.canvas = document.createElement("canvas").getContext("2d");
  }

  attributes({ fill, stroke, width = 1, alpha = 1, dash }) {
    const list = [`fill="${fill ? escapeXml(fill) : "none"}"`];
    if (stroke) list.push(`stroke="${escapeXml(stroke)}" stroke-width="${width}"`);
    if (stroke && dash?.length) list.push(`stroke-dasharray="${dash.join(" ")}"`);
    if (alpha !== 1) list.push(`opacity="${short(alpha)}"`);
    return list.join(" ");
  }

  rect(x, y, w, hgt, style) {
    const radius = style.radius ? ` rx="${style.radius}"` : "";
    this.parts.push(
      `<rect x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(hgt)}"${radius} ${this.attributes(style)}/>`,
    );
  }

  line(x1, y1, x2, y2, style) {
    this.path(
      [
        [x1, y1],
        [x2, y2],
      ],
      style,
    );
  }

  path(points, style) {
    if (points.length < 1) return;
    const d = points.map(([x, y]) => `${short(x)} ${short(y)}`).join("L");
    this.parts.push(
      `<path d="M${d}${style.closed ? "Z" : ""}" stroke-linejoin="round" ${this.attributes(style)}/>`,
    );
  }

  circle(x, y, r, style) {
    this.parts.push(
      `<circle cx="${short(x)}" cy="${short(y)}" r="${short(r)}" ${this.attributes(style)}/>`,
    );
  }

  union(centres, r, style) {
    const s = short(r);
    const d = centres.map(
      ([x, y]) =>
        `M${short(x - r)} ${short(y)}a${s} ${s} 0 1 0 ${short(2 * r)} 0a${s} ${s} 0 1 0 ${short(-2 * r)} 0Z`,
    );
    if (d.length) this.parts.push(`<path d="${d.join("")}" ${this.attributes(style)}/>`);
  }

  dot(x, y, r, fill, alpha = 1) {
    this.circle(x, y, r, { fill, alpha });
  }

  text(x, y, text, style = {}) {
    const anchor = { center: "middle", right: "end", end: "end" }[style.align] ?? "start";
    const shift = { middle: 0.35, top: 0.8, hanging: 0.8 }[style.baseline] ?? 0;
    const size = style.size ?? 12;
    const turn = style.rotate
      ? ` transform="rotate(${short((style.rotate * 180) / Math.PI)} ${short(x)} ${short(y)})"`
      : "";
    const family = escapeXml(style.mono ? this.theme.mono : this.theme.font);
    const halo = style.halo
      ? ` paint-order="stroke" stroke="${escapeXml(this.theme.surface)}" stroke-width="3"`
      : "";
    const look = `font-size="${size}" font-weight="${style.weight ?? 400}" font-family="${family}" text-anchor="${anchor}"`;
    const paint = `fill="${escapeXml(style.fill ?? this.theme.ink)}"${style.alpha === undefined ? "" : ` opacity="${short(style.alpha)}"`}`;
    this.parts.push(
      `<text x="${short(x)}" y="${short(y)}" dy="${short(shift * size)}" ${look} ${paint}${halo}${turn}>${escapeXml(oneLine(text))}</text>`,
    );
  }

  measure(text, style = {}) {
    this.canvas.font = `${style.weight ?? 400} ${style.size ?? 12}px ${style.mono ? this.theme.mono : this.theme.font}`;
    return this.canvas.measureText(oneLine(text)).width;
  }

  clip(x, y, w, hgt, draw) {
    this.clips += 1;
    const id = `clip${this.clips}-${Math.round(x)}-${Math.round(y)}`;
    this.parts.push(
      `<clipPath id="${id}"><rect x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(hgt)}"/></clipPath><g clip-path="url(#${id})">`,
    );
    draw();
    this.parts.push("</g>");
  }

  /** Return what was drawn, to be placed at an offset. */
  group(x, y) {
    return `<g transform="translate(${short(x)} ${short(y)})">${this.parts.join("\n")}</g>`;
  }
}

/** Every pen can draw marks told apart by shape: circle, diamond, square, triangle, cross. */
export function drawMark(pen, shape, x, y, r, style) {
  if (shape === "circle") {
    pen.circle(x, y, r, style);
    return;
  }
  if (shape === "square") {
    pen.rect(x - r * 0.85, y - r * 0.85, r * 1.7, r * 1.7, style);
    return;
  }
  if (shape === "cross") {
    const bar = { ...style, stroke: style.stroke ?? style.fill, fill: undefined };
    pen.line(x - r, y - r, x + r, y + r, bar);
    pen.line(x - r, y + r, x + r, y - r, bar);
    return;
  }
  const corners =
    shape === "triangle"
      ? [
          [x, y - r * 1.1],
          [x + r, y + r * 0.8],
          [x - r, y + r * 0.8],
        ]
      : [
          [x, y - r * 1.25],
          [x + r * 1.25, y],
          [x, y + r * 1.25],
          [x - r * 1.25, y],
        ];
  pen.path(corners, { ...style, closed: true });
}

const MARKS = new Map();

/** Draw one of many equal marks: on a canvas a cached picture per look, in a file the mark itself. */
export function stampMark(pen, shape, x, y, r, style) {
  if (!pen.c) {
    drawMark(pen, shape, x, y, r, style);
    return;
  }
  const key = `${shape}|${r}|${style.fill}|${style.stroke}|${style.width}|${pen.ratio}`;
  let picture = MARKS.get(key);
  if (!picture) {
    if (MARKS.size > 2000) MARKS.clear();
    picture = markPicture(pen, shape, r, style);
    MARKS.set(key, picture);
  }
  const half = picture.width / pen.ratio / 2;
  pen.c.globalAlpha = style.alpha ?? 1;
  pen.c.drawImage(picture, x - half, y - half, half * 2, half * 2);
  pen.c.globalAlpha = 1;
}

function markPicture(pen, shape, r, style) {
  const size = Math.ceil((r * 1.25 + (style.width ?? 1) + 1) * 2 * pen.ratio);
  const picture = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const context = picture.getContext("2d");
  context.scale(pen.ratio, pen.ratio);
  const middle = size / pen.ratio / 2;
  drawMark(new CanvasPen(context, pen.theme, pen.ratio), shape, middle, middle, r, {
    ...style,
    alpha: 1,
  });
  return picture;
}

function short(value) {
  return Number.isFinite(value) ? String(Math.round(value * 100) / 100) : "0";
}

export function escapeXml(text) {
  const marks = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text)
    .replace(/[&<>"']/g, (char) => marks[char])
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
}
