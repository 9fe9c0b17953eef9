// The axis of similarity: accepted thoughts above it, rejected ones below, theta across it.

import { linear } from "../base/axes.js";
import { drawMark } from "../base/marks.js";
import { CanvasPen, context2d, newCanvas } from "../base/pen.js";
import { number } from "../base/text.js";
import { countBelow } from "../timeline/columns.js";
import {
  drawStrangers,
  endOfLikelihood,
  isLikelihood,
  strangersText,
  thetaText,
} from "../timeline/strangers.js";

/**
 * @import { Scale } from "../base/axes.js"
 * @import { Box, Pen, Point } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Run } from "../timeline/run.js"
 * @import { StreamCard } from "../timeline/stream_card.js"
 *
 * @typedef {{ canvas: HTMLCanvasElement, key: string, isNew: boolean }} Layer
 *
 * @typedef {object} Look
 * @property {number} cursor
 * @property {number | null} theta the run's
 * @property {number} wish the slider's theta
 * @property {Set<StreamCard>} hidden thoughts still in flight
 * @property {StreamCard | null} focus
 * @property {boolean} [onScreen]
 */

const DOT = 5; // the radius of a thought
const STEP = DOT * 2 + 1;
const EDGE_OF_AXIS = 14;
const LEAST_LOW = -0.05;

export class GateAxis {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    /** @type {Map<StreamCard, Point>} */
    this.places = new Map();
    /** @type {Map<number, number>} how many thoughts a column holds */
    this.stacks = new Map();
    this.box = { x: 0, y: 0, w: 1, h: 1 };
    /** @type {Record<string, Layer>} */
    this.layers = {};
    this.turn = 0; // the picture of thoughts is drawn from nothing when this has changed
    this.key = ""; // what the places depend on
    this.counted = 0; // thoughts whose similarity the domain has room for
    this.laid = 0; // thoughts with a place
    this.drawn = 0; // thoughts in the kept picture, or in `late`
    this.drawnTo = 0; // the cursor of the kept picture
    /** @type {StreamCard[]} thoughts still in flight when the picture was drawn */
    this.late = [];
    this.low = LEAST_LOW;
    this.high = 0; // the largest likelihood so far
  }

  /** The range of similarities; it only grows while the run goes on. */
  get domain() {
    const { gated } = this.run;
    for (; this.counted < gated.length; this.counted += 1) {
      const { similarity, threshold } = gated[this.counted];
      if (similarity === null || similarity <= -1) continue;
      this.low = Math.min(this.low, similarity - 0.03);
      this.high = Math.max(this.high, similarity, threshold ?? 0);
    }
    if (isLikelihood(this.run.scorer)) {
      const { strangers } = this.run;
      const most = strangers.length ? strangers[strangers.length - 1] : 0;
      return [0, endOfLikelihood(Math.max(this.high, most))];
    }
    return [Math.max(-1, Math.floor(this.low * 10) / 10), 1];
  }

  get scale() {
    const { x, w } = this.box;
    return linear(this.domain, [x + EDGE_OF_AXIS, x + w - EDGE_OF_AXIS]);
  }

  /** The height of the axis itself. */
  get line() {
    return this.box.y + this.box.h * 0.56;
  }

  /** Place every judged thought once: in its column, accepted ones upwards, rejected ones down. */
  layout() {
    const key = [this.box.w, this.box.h, this.box.x, this.box.y, this.domain].join();
    if (key !== this.key) {
      this.key = key;
      this.laid = 0;
      this.drawn = 0;
      this.stacks.clear();
      this.places.clear();
    }
    const scale = this.scale;
    const room = Math.max(1, Math.floor((this.box.h * 0.3) / STEP));
    for (; this.laid < this.run.gated.length; this.laid += 1) {
      const card = this.run.gated[this.laid];
      const x = Math.round(scale(Math.max(card.similarity ?? -1, scale.domain[0])) / STEP);
      const column = 2 * x + (card.accepted ? 1 : 0);
      const level = this.stacks.get(column) ?? 0;
      this.stacks.set(column, level + 1);
      const spare = level >= room ? (level % 3) * 2 : 0; // a full column gets denser
      const rise = (Math.min(level, room - 1) + 1) * STEP + spare;
      this.places.set(card, [x * STEP, this.line + (card.accepted ? -rise : rise)]);
    }
  }

  /**
   * Return where a thought stands.
   *
   * @param {StreamCard} card
   * @returns {Point}
   */
  place(card) {
    this.layout();
    return this.places.get(card) ?? [this.box.x, this.line];
  }

  /**
   * @param {Pen} pen
   * @param {Theme} theme
   * @param {Look} look
   */
  draw(pen, theme, { cursor, theta, wish, hidden, focus, onScreen = false }) {
    this.layout();
    const scale = this.scale;
    const { line } = this;
    const hgt = this.box.h;
    if (onScreen && pen instanceof CanvasPen) {
      const ground = (brush) => this.drawGround(brush, theme, theta);
      const key = [theta, this.run.measured.length].join();
      this.drawKept(pen, theme, "ground", key, ground);
      this.drawKeptThoughts(pen, theme, cursor, hidden);
    } else {
      this.drawGround(pen, theme, theta);
      for (const card of this.landed(0, cursor, hidden)) this.drawThought(pen, theme, card, DOT);
    }
    if (focus && focus.gatedAt < cursor) this.drawThought(pen, theme, focus, 6);
    if (theta === null) return;
    if (Math.abs(wish - theta) > 0.004 && wish >= scale.domain[0] && wish <= scale.domain[1]) {
      const style = { stroke: theme.accent, width: 1.5, dash: [4, 4] };
      pen.line(scale(wish), line - hgt * 0.42, scale(wish), line + hgt * 0.3, style);
    }
    const style = { stroke: theme.ink, width: 1.5 };
    const cut = scale(Math.min(Math.max(theta, scale.domain[0]), scale.domain[1]));
    pen.line(cut, line - hgt * 0.46, cut, line + hgt * 0.32, style);
  }

  /**
   * Draw what does not change with the thoughts: the scale, both sides of theta, its value.
   *
   * @type {(pen: Pen, theme: Theme, theta: number | null) => void}
   */
  drawGround(pen, theme, theta) {
    const { x, w, h: hgt } = this.box;
    const scale = this.scale;
    const line = this.line;
    const { scorer, strangers } = this.run;
    drawStrangers(pen, theme, strangers, scale, { base: line, tall: hgt * 0.3 });
    this.drawScale(pen, theme, scale, line);
    if (theta === null) return;
    const cut = scale(Math.min(Math.max(theta, scale.domain[0]), scale.domain[1]));
    const left = x + EDGE_OF_AXIS;
    const right = x + w - EDGE_OF_AXIS;
    const passing = { fill: theme.green, alpha: 0.07, radius: 4 };
    pen.rect(cut, line - hgt * 0.42, right - cut, hgt * 0.42, passing);
    const failing = { fill: theme.vermilion, alpha: 0.06, radius: 4 };
    pen.rect(left, line, cut - left, hgt * 0.3, failing);
    const text = { size: 11, weight: 600, halo: true };
    const words = [`threshold \u03b8 ${thetaText(theta, scorer)}`, strangersText(strangers, theta)];
    const isRight = strangers.length > 0 && cut > x + w / 2; // long words would leave the box
    const style = /** @type {const} */ ({ ...text, align: isRight ? "right" : "left" });
    const place = isRight ? cut - 6 : cut + 6;
    pen.text(place, line - hgt * 0.46 + 9, words.filter(Boolean).join(" "), style);
  }

  /**
   * Return the thoughts judged before `cursor`, from the `first` on, without those in flight.
   *
   * @type {(first: number, cursor: number, hidden: Set<StreamCard>) => StreamCard[]}
   */
  landed(first, cursor, hidden) {
    return this.run.gated
      .slice(first, countBelow(this.run.gatedAt, cursor))
      .filter((card) => !hidden.has(card));
  }

  /**
   * Draw a kept picture of the axis, drawn from nothing when `key` has changed: text on a canvas
   * makes the page lay out. The picture of thoughts is added to every time.
   *
   * @param {CanvasPen} pen
   * @param {Theme} theme
   * @param {string} name
   * @param {string} key
   * @param {(brush: CanvasPen, isNew: boolean) => void} draw
   */
  drawKept(pen, theme, name, key, draw) {
    const { box, layers } = this;
    const x = Math.floor(box.x);
    const y = Math.floor(box.y);
    layers[name] ??= { canvas: newCanvas(), key: "", isNew: true };
    const layer = layers[name];
    const whole = [this.key, pen.ratio, theme.surface, key].join();
    const context = context2d(layer.canvas);
    if (whole !== layer.key) {
      Object.assign(layer.canvas, {
        width: Math.ceil((box.w + 1) * pen.ratio),
        height: Math.ceil((box.h + 1) * pen.ratio),
      });
      layer.key = whole;
      layer.isNew = true;
    }
    context.setTransform(pen.ratio, 0, 0, pen.ratio, -x * pen.ratio, -y * pen.ratio);
    if (layer.isNew || name === "thoughts")
      draw(new CanvasPen(context, theme, pen.ratio), layer.isNew);
    layer.isNew = false;
    pen.c.globalAlpha = 1;
    const { width, height } = layer.canvas;
    if (width && height) pen.c.drawImage(layer.canvas, x, y, width / pen.ratio, height / pen.ratio);
  }

  /**
   * Draw the thoughts from a kept picture to which new ones are added.
   *
   * @type {(pen: CanvasPen, theme: Theme, cursor: number, hidden: Set<StreamCard>) => void}
   */
  drawKeptThoughts(pen, theme, cursor, hidden) {
    if (cursor < this.drawnTo || !this.drawn) this.turn += 1;
    const until = countBelow(this.run.gatedAt, cursor);
    this.drawKept(pen, theme, "thoughts", String(this.turn), (brush, isNew) => {
      if (isNew) {
        this.drawn = 0;
        this.late = [];
      }
      const fresh = [...this.late, ...this.run.gated.slice(this.drawn, until)];
      this.late = fresh.filter((card) => hidden.has(card));
      for (const card of fresh) if (!hidden.has(card)) this.drawThought(brush, theme, card, DOT);
    });
    this.drawn = until;
    this.drawnTo = cursor;
  }

  /** @type {(pen: Pen, theme: Theme, scale: Scale, line: number) => void} */
  drawScale(pen, theme, scale, line) {
    const { x, y, w, h: hgt } = this.box;
    const low = y + hgt - 4;
    for (const tick of scale.ticks(8)) {
      pen.line(scale(tick), line - 3, scale(tick), line + 3, { stroke: theme.faint });
      const style = /** @type {const} */ ({ size: 11, fill: theme.faint, align: "center" });
      pen.text(scale(tick), low, number(tick, 2), style);
    }
    const left = x + EDGE_OF_AXIS;
    pen.line(left, line, x + w - EDGE_OF_AXIS, line, { stroke: theme.line, width: 1.2 });
    const title = isLikelihood(this.run.scorer)
      ? "likelihood, given the River's text"
      : "similarity to the River";
    const style = { size: 11, fill: theme.soft };
    if (isLikelihood(this.run.scorer))
      pen.text(left, y + hgt - 18, title, style); // theta, often small, has its words above
    else pen.text(left, y + 12, title, style);
  }

  /** @type {(pen: Pen, theme: Theme, card: StreamCard, r: number) => void} */
  drawThought(pen, theme, card, r) {
    const [x, y] = this.place(card);
    if (card.accepted) pen.dot(x, y, r, theme.green);
    else drawMark(pen, "cross", x, y, r * 0.72, { stroke: theme.vermilion, width: 1.6 });
  }

  /** @param {Run} run */
  reset(run) {
    this.run = run;
    this.key = "";
    this.counted = 0;
    this.laid = 0;
    this.drawn = 0;
    this.drawnTo = 0;
    this.late = [];
    this.low = LEAST_LOW;
    this.high = 0;
  }
}
