// Both persistence diagrams in one plot, with their matching and, where a bar is longer, 2r.

import { drawAxes, linear } from "../base/axes.js";
import { drawMark, stampMark } from "../base/marks.js";
import { number } from "../base/text.js";
import { Plot } from "../frame/plot.js";
import { ends, lengths, starts } from "./bars.js";
import { drawComponents } from "./components.js";

/**
 * @import { Scale } from "../base/axes.js"
 * @import { Shape } from "../base/marks.js"
 * @import { Box, Pen, Style } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Bar, Side } from "./bars.js"
 * @import { Match, PersistenceView } from "./view.js"
 *
 * @typedef {object} Spot a bar on the screen
 * @property {Side} side
 * @property {number} bar
 * @property {number} birth
 * @property {number} death
 * @property {number} x
 * @property {number} y
 */

const KEYS_OF_BARS =
  "Arrows walk through the bars, the longest first; Enter selects the tokens of an H1 bar's loop.";
const REACH_OF_BARS = 15; // pixels, for a finger

export class DiagramPlot {
  /**
   * @param {PersistenceView} view
   * @param {Element} parent
   */
  constructor(view, parent) {
    this.view = view;
    /** @type {Spot[]} the whole context's bars, then the landmarks' */
    this.spots = [];
    this.num = 0; // how many of them are the whole context's
    /** @type {Spot | null} */
    this.hovered = null;
    /** @type {Match | null} the pair whose cost is the bottleneck distance */
    this.worst = null;
    this.k = -1; // the k that was drawn last
    /** @type {(birth: number, death: number) => number} the height of a bar on the screen */
    this.up = () => 0;
    this.plot = new Plot(view.frame, {
      height: 380,
      parent,
      focusable: true,
      draw: (pen, w, hgt, theme) => this.draw(pen, w, hgt, theme),
    });
    const el = this.plot.canvas;
    el.setAttribute("aria-description", KEYS_OF_BARS);
    el.addEventListener("pointermove", (event) => this.point(this.nearest(...this.plot.at(event))));
    el.addEventListener("pointerleave", () => this.point(null));
    el.addEventListener("click", (event) => view.choose(this.nearest(...this.plot.at(event))));
    el.addEventListener("keydown", (event) => this.key(event));
  }

  /**
   * Return the bar nearest to a place on the screen, null where none is near.
   *
   * @type {(x: number, y: number) => Spot | null}
   */
  nearest(x, y) {
    /** @type {Spot | null} */
    let best = null;
    let least = REACH_OF_BARS ** 2;
    for (const spot of this.spots) {
      const d = (spot.x - x) ** 2 + (spot.y - y) ** 2 - (spot.side === "marks" ? 12 : 0);
      if (d < least) {
        least = d;
        best = spot;
      }
    }
    return best;
  }

  /** @param {Spot | null} spot */
  point(spot) {
    if (spot?.side === this.hovered?.side && spot?.bar === this.hovered?.bar) return;
    this.hovered = spot;
    if (spot) this.view.frame.status(this.say(spot));
    this.plot.redraw();
  }

  /** @param {Spot} spot */
  say(spot) {
    const who = spot.side === "full" ? "whole context" : "landmarks";
    const length = spot.death - spot.birth;
    const sure = spot.side === "marks" && length > this.view.bound ? ", certified" : "";
    const click = this.view.dim === 1 ? "; click to select its loop" : "";
    const numbers = [
      `birth ${number(spot.birth)}`,
      `death ${number(spot.death)}`,
      `length ${number(length)}${sure}${click}`,
    ];
    return `${who}, H${this.view.dim} bar ${spot.bar + 1}: ${numbers.join(", ")}`;
  }

  /**
   * Arrows walk through the bars of both sides, the longest first; Enter selects a loop.
   *
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (!this.spots.length) this.plot.paint(); // it may not have been in sight yet
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && this.spots.length) {
      const order = [...this.spots].sort((a, b) => b.death - b.birth - (a.death - a.birth));
      const at = order.findIndex(
        (s) => s.side === this.hovered?.side && s.bar === this.hovered?.bar,
      );
      this.point(order[Math.min(Math.max(at + step, 0), order.length - 1)]);
    } else if (event.key === "Enter" || event.key === " ") this.view.choose(this.hovered);
    else if (event.key === "Escape") this.view.store.set("selection", []);
    else return;
    event.preventDefault();
  }

  /** @type {(pen: Pen, w: number, hgt: number, theme: Theme) => void} */
  draw(pen, w, hgt, theme) {
    const { view } = this;
    const full = view.bars("full");
    const marks = view.bars("marks");
    this.k = view.store.get("k");
    const box = { x: 46, y: 26, w: w - 62, h: hgt - 66 };
    if (view.dim === 0) this.drawH0(pen, theme, box, { full, marks });
    else this.drawPlane(pen, theme, box, { full, marks });
    this.legend(pen, theme, box);
    if (!full.length && !marks.length)
      pen.text(box.x + box.w / 2, box.y + box.h / 2, view.store.data.busy?.what || "no bars", {
        align: "center",
        fill: theme.faint,
      });
  }

  /** @type {(pen: Pen, theme: Theme, box: Box, bars: { full: Bar[], marks: Bar[] }) => void} */
  drawH0(pen, theme, box, { full, marks }) {
    const { x, y } = drawComponents(pen, theme, box, { full, marks });
    this.up = (_, death) => y(death);
    this.place(full, marks, x);
    this.lines(pen, theme);
    this.dots(pen, theme);
  }

  /** @type {(pen: Pen, theme: Theme, box: Box, bars: { full: Bar[], marks: Bar[] }) => void} */
  drawPlane(pen, theme, box, { full, marks }) {
    const { view } = this;
    const top = Math.max(0, ...ends(full), ...ends(marks)) * 1.06 || 1;
    const isEmpty = !(full.length + marks.length);
    const low = isEmpty ? 0 : Math.max(0, Math.min(top, ...starts(full), ...starts(marks)) * 0.92);
    const x = linear([low, top], [box.x, box.x + box.w]);
    const tilted = view.store.get("axes") === "length";
    const tall = Math.max(0, ...lengths(full), ...lengths(marks)) * 1.1 || 1;
    const y = linear(tilted ? [0, tall] : [low, top], [box.y + box.h, box.y]);
    this.up = tilted ? (birth, death) => y(death - birth) : (_, death) => y(death);
    const yTitle = tilted ? "length (distance)" : "death (distance)";
    drawAxes(pen, theme, box, { x, y, xTitle: "birth (distance)", yTitle });
    pen.clip(box.x - 8, box.y - 8, box.w + 16, box.h + 12, () => {
      this.band(pen, theme, x, low, top, box);
      pen.line(x(low), this.up(low, low), x(top), this.up(top, top), {
        stroke: theme.faint,
        width: 1,
      });
      this.place(full, marks, x);
      this.lines(pen, theme);
      this.dots(pen, theme);
    });
  }

  /**
   * Draw the band of bars shorter than 2r, which are not evidence, where a bar is longer: a bound
   * above all bars says nothing about them.
   *
   * @type {(pen: Pen, theme: Theme, x: Scale, low: number, top: number, box: Box) => void}
   */
  band(pen, theme, x, low, top, box) {
    const lift = this.view.bound;
    const longest = Math.max(
      0,
      ...lengths(this.view.bars("full")),
      ...lengths(this.view.bars("marks")),
    );
    if (!(lift > 0) || longest < lift) return;
    const corner = [
      [low, low],
      [top, top],
      [top, top + lift],
      [low, low + lift],
    ].map(([a, b]) => [x(a), this.up(a, b)]);
    pen.path(corner, { fill: theme.orange, alpha: 0.1, closed: true });
    pen.line(x(low), this.up(low, low + lift), x(top), this.up(top, top + lift), {
      stroke: theme.orange,
      width: 1,
      dash: [5, 4],
      alpha: 0.8,
    });
    const y = this.up(low, low + lift) - 6;
    const words = "2r: shorter bars are not evidence";
    const style = { size: 11, fill: theme.orange, halo: true };
    pen.text(x(low) + 8, Math.max(y, box.y + 12), words, style);
  }

  /** @type {(full: Bar[], marks: Bar[], x: Scale) => void} */
  place(full, marks, x) {
    /** @type {(bars: Bar[], side: Side) => Spot[]} */
    const spots = (bars, side) =>
      bars.map(([birth, death], bar) => {
        const y = this.up(birth, death);
        return { side, bar, birth, death, x: x(birth), y };
      });
    this.spots = [...spots(full, "full"), ...spots(marks, "marks")];
    this.num = full.length;
  }

  /**
   * Draw the matching, and find its worst pair.
   *
   * @type {(pen: Pen, theme: Theme) => void}
   */
  lines(pen, theme) {
    const pairs = this.view.matching();
    /** @type {Match | null} */
    let worst = null;
    for (const pair of pairs) {
      const one = this.spots[pair.left];
      const two = this.spots[this.num + pair.right];
      if (!worst || pair.cost > worst.cost) worst = pair;
      if (pair.left >= 0 && pair.right >= 0 && one && two)
        pen.line(one.x, one.y, two.x, two.y, { stroke: theme.soft, width: 0.9, alpha: 0.55 });
    }
    this.worst = worst;
  }

  /** @type {(pen: Pen, theme: Theme) => void} */
  dots(pen, theme) {
    const chosen = this.view.chosenBar;
    const worst = this.worst
      ? [
          ["full", this.worst.left],
          ["marks", this.worst.right],
        ]
      : [];
    for (const spot of this.spots) {
      const style =
        spot.side === "full"
          ? { stroke: theme.blue, width: 1.4, fill: theme.surface, alpha: 0.9 }
          : { fill: theme.vermilion, stroke: theme.surface, width: 0.8, alpha: 0.95 };
      if (spot.side === "full") stampMark(pen, "circle", spot.x, spot.y, 3.4, style);
      else stampMark(pen, "diamond", spot.x, spot.y, 4, style);
      if (worst.some(([side, bar]) => side === spot.side && bar === spot.bar))
        pen.circle(spot.x, spot.y, 8, { stroke: theme.purple, width: 1.8 });
      if (chosen && chosen.side === spot.side && chosen.bar === spot.bar)
        pen.circle(spot.x, spot.y, 9, { stroke: theme.orange, width: 2.4 });
      if (this.hovered?.side === spot.side && this.hovered?.bar === spot.bar)
        pen.circle(spot.x, spot.y, 8, { stroke: theme.ink, width: 1.4 });
    }
  }

  /** @type {(pen: Pen, theme: Theme, box: Box) => void} */
  legend(pen, theme, box) {
    /** @type {[text: string, shape: Shape, style: Style][]} */
    const items = [
      ["whole context", "circle", { stroke: theme.blue, width: 1.4 }],
      ["landmarks", "diamond", { fill: theme.vermilion }],
      ["bottleneck pair", "circle", { stroke: theme.purple, width: 1.8 }],
    ];
    // In a corner that no bar reaches: below the diagonal, or at the top right.
    const low = this.view.dim > 0 && this.view.store.get("axes") !== "length";
    items.forEach(([text, shape, style], i) => {
      const y = low ? box.y + box.h - 16 - (items.length - 1 - i) * 17 : box.y + 30 + i * 17;
      pen.text(box.x + box.w - 8, y + 4, text, { size: 11, fill: theme.soft, align: "right" });
      drawMark(pen, shape, box.x + box.w - 18 - pen.measure(text, { size: 11 }), y, 3.6, style);
    });
  }
}
