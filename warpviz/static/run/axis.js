// The axis of similarity: accepted thoughts stack above it, rejected ones hang below, theta stands across.

import { linear } from "../base/axes.js";
import { decimals } from "../base/decimals.js";
import { drawMark } from "../base/marks.js";
import { CanvasPen } from "../base/pen.js";
import { number } from "../base/text.js";
import { countBelow } from "./fold.js";

const DOT = 5;

export class GateAxis {
  constructor(run) {
    this.places = new Map();
    this.box = { x: 0, y: 0, w: 1, h: 1 };
    this.layers = {};
    this.turn = 0;
    this.reset(run);
  }

  /** The range of similarities with room for theta; grows, never shrinks while the run goes on. */
  get domain() {
    const { gated } = this.run;
    for (; this.counted < gated.length; this.counted += 1) {
      // each thought once, though every frame asks
      const { similarity } = gated[this.counted];
      if (similarity !== null && similarity > -1) this.low = Math.min(this.low, similarity - 0.03);
    }
    return [Math.max(-1, Math.floor(this.low * 10) / 10), 1];
  }

  get scale() {
    return linear(this.domain, [this.box.x + 14, this.box.x + this.box.w - 14]);
  }

  get line() {
    return this.box.y + this.box.h * 0.56;
  }

  /** Place every judged thought once: beside its neighbours, accepted upwards and rejected downwards. */
  layout() {
    const key = [this.box.w, this.box.h, this.box.x, this.box.y, this.domain].join();
    if (key !== this.key) {
      this.key = key;
      this.laid = 0;
      this.inked = 0;
      this.stacks = new Map();
      this.places.clear();
    }
    const scale = this.scale;
    const room = Math.max(1, Math.floor((this.box.h * 0.3) / (DOT * 2 + 1)));
    for (; this.laid < this.run.gated.length; this.laid += 1) {
      const card = this.run.gated[this.laid];
      const x = Math.round(scale(Math.max(card.similarity ?? -1, scale.domain[0])) / (DOT * 2 + 1));
      const column = 2 * x + (card.accepted ? 1 : 0);
      const level = this.stacks.get(column) ?? 0;
      this.stacks.set(column, level + 1);
      const rise =
        (Math.min(level, room - 1) + 1) * (DOT * 2 + 1) + (level >= room ? (level % 3) * 2 : 0);
      this.places.set(card, [x * (DOT * 2 + 1), this.line + (card.accepted ? -rise : rise)]);
    }
  }

  place(card) {
    this.layout();
    return this.places.get(card) ?? [this.box.x, this.line];
  }

  draw(pen, theme, { cursor, theta, wish, hidden, focus, onScreen = false }) {
    this.layout();
    const scale = this.scale;
    const line = this.line;
    const hgt = this.box.h;
    if (onScreen) {
      this.picture(pen, theme, "ground", theta, (brush) => this.drawGround(brush, theme, theta));
      this.blit(pen, theme, cursor, hidden);
    } else {
      this.drawGround(pen, theme, theta);
      for (const card of this.landed(0, cursor, hidden)) this.drawThought(pen, theme, card, DOT);
    }
    if (focus && focus.gatedAt < cursor) this.drawThought(pen, theme, focus, 6);
    if (theta === null) return;
    if (Math.abs(wish - theta) > 0.004)
      pen.line(scale(wish), line - hgt * 0.42, scale(wish), line + hgt * 0.3, {
        stroke: theme.accent,
        width: 1.5,
        dash: [4, 4],
      });
    pen.line(scale(theta), line - hgt * 0.46, scale(theta), line + hgt * 0.32, {
      stroke: theme.ink,
      width: 1.5,
    });
  }

  /** What does not change with the thoughts: the scale, both sides of theta, its name. */
  drawGround(pen, theme, theta) {
    const { x, w, h: hgt } = this.box;
    const scale = this.scale;
    const line = this.line;
    this.drawScale(pen, theme, scale, line);
    if (theta === null) return;
    const cut = scale(theta);
    pen.rect(cut, line - hgt * 0.42, x + w - 14 - cut, hgt * 0.42, {
      fill: theme.green,
      alpha: 0.07,
      radius: 4,
    });
    pen.rect(x + 14, line, cut - x - 14, hgt * 0.3, {
      fill: theme.vermilion,
      alpha: 0.06,
      radius: 4,
    });
    pen.text(cut + 6, line - hgt * 0.46 + 9, `\u03b8 ${decimals(theta)}`, {
      size: 11,
      weight: 600,
      halo: true,
    });
  }

  /** Return the thoughts judged before `cursor`, from the `first` of them on, that are not on their way any more. */
  landed(first, cursor, hidden) {
    return this.run.gated
      .slice(first, countBelow(this.run.gatedAt, cursor))
      .filter((card) => !hidden.has(card));
  }

  /** Show a kept picture of the axis's box, drawn anew when `key` has changed: text on a canvas lays out the page. */
  picture(pen, theme, name, key, draw) {
    const { box, layers } = this;
    const x = Math.floor(box.x);
    const y = Math.floor(box.y);
    const layer = (layers[name] ??= { canvas: document.createElement("canvas"), key: null });
    const whole = [this.key, pen.ratio, theme.surface, key].join();
    const context = layer.canvas.getContext("2d");
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

  /** Show the thoughts from a picture to which only new ones are added. */
  blit(pen, theme, cursor, hidden) {
    if (cursor < this.inkedTo || !this.inked) this.turn += 1;
    this.picture(pen, theme, "thoughts", this.turn, (brush, isNew) => {
      if (isNew) Object.assign(this, { inked: 0, late: [] });
      const fresh = [
        ...this.late,
        ...this.run.gated.slice(this.inked, countBelow(this.run.gatedAt, cursor)),
      ];
      this.late = fresh.filter((card) => hidden.has(card));
      for (const card of fresh) if (!hidden.has(card)) this.drawThought(brush, theme, card, DOT);
    });
    this.inked = countBelow(this.run.gatedAt, cursor);
    this.inkedTo = cursor;
  }

  drawScale(pen, theme, scale, line) {
    for (const tick of scale.ticks(8)) {
      pen.line(scale(tick), line - 3, scale(tick), line + 3, { stroke: theme.faint });
      pen.text(scale(tick), this.box.y + this.box.h - 4, number(tick, 2), {
        size: 10,
        fill: theme.faint,
        align: "center",
      });
    }
    pen.line(this.box.x + 14, line, this.box.x + this.box.w - 14, line, {
      stroke: theme.line,
      width: 1.2,
    });
    pen.text(this.box.x + 14, this.box.y + 12, "similarity to the River", {
      size: 11,
      fill: theme.soft,
    });
  }

  drawThought(pen, theme, card, r) {
    const [x, y] = this.place(card);
    if (card.accepted) pen.dot(x, y, r, theme.green);
    else drawMark(pen, "cross", x, y, r * 0.72, { stroke: theme.vermilion, width: 1.6 });
  }

  reset(run) {
    this.run = run;
    this.key = "";
    this.counted = 0;
    this.laid = 0;
    this.inked = 0;
    this.inkedTo = 0;
    this.late = [];
    this.low = -0.05;
  }
}
