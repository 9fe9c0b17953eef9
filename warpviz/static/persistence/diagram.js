// Both persistence diagrams in one plot: the whole hollow, landmarks filled, matching lines, the band shorter than 2r.

import { drawMark, stampMark } from "../base/pen.js";
import { drawAxes, linear, Plot } from "../base/plot.js";
import { number } from "../base/text.js";
import { ends, lengths, starts } from "./bars.js";

const OFFSET_H0 = 5;

export class DiagramPlot {
  constructor(view, parent) {
    this.view = view;
    this.spots = [];
    this.hovered = null;
    this.plot = new Plot(view.frame, {
      height: 380,
      parent,
      focusable: true,
      draw: (...args) => this.draw(...args),
    });
    const el = this.plot.canvas;
    el.setAttribute(
      "aria-description",
      "Arrows walk through the bars, the longest first; Enter selects the tokens of an H1 bar's loop.",
    );
    el.addEventListener("pointermove", (event) => this.point(this.nearest(...this.plot.at(event))));
    el.addEventListener("pointerleave", () => this.point(null));
    el.addEventListener("click", (event) => view.choose(this.nearest(...this.plot.at(event))));
    el.addEventListener("keydown", (event) => this.key(event));
  }

  /** Return the bar nearest to a place, within a finger's width. */
  nearest(x, y) {
    let best = null;
    let least = 15 ** 2;
    for (const spot of this.spots) {
      const d = (spot.x - x) ** 2 + (spot.y - y) ** 2 - (spot.side === "marks" ? 12 : 0);
      if (d < least) {
        least = d;
        best = spot;
      }
    }
    return best;
  }

  point(spot) {
    if (spot?.side === this.hovered?.side && spot?.bar === this.hovered?.bar) return;
    this.hovered = spot;
    if (spot) this.view.frame.status(this.say(spot));
    this.plot.redraw();
  }

  say(spot) {
    const who = spot.side === "full" ? "whole context" : "landmarks";
    const length = spot.death - spot.birth;
    const sure = spot.side === "marks" && length > this.view.bound ? ", certified" : "";
    const click = this.view.dim === 1 ? "; click to select its loop" : "";
    return `${who}, H${this.view.dim} bar ${spot.bar + 1}: birth ${number(spot.birth)}, death ${number(spot.death)}, length ${number(length)}${sure}${click}`;
  }

  /** Arrows walk through the bars of both sides, the longest first; Enter selects a loop. */
  key(event) {
    if (!this.spots.length) this.plot.paint(); // it may have been out of sight until now
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

  draw(pen, w, hgt, theme) {
    const { view } = this;
    const [full, marks] = [view.bars("full"), view.bars("marks")];
    this.k = view.store.get("k");
    const box = { x: 46, y: 26, w: w - 62, h: hgt - 66 };
    const top = Math.max(0, ...ends(full), ...ends(marks)) * 1.06 || 1;
    const low =
      view.dim === 0 || !(full.length + marks.length)
        ? 0
        : Math.max(0, Math.min(top, ...starts(full), ...starts(marks)) * 0.92);
    const x = linear([low, top], [box.x, box.x + box.w]);
    const tilted = view.store.get("axes") === "length";
    const tall = Math.max(0, ...lengths(full), ...lengths(marks)) * 1.1 || 1;
    const y = linear(tilted ? [0, tall] : [low, top], [box.y + box.h, box.y]);
    this.up = tilted ? (birth, death) => y(death - birth) : (_, death) => y(death);
    drawAxes(pen, theme, box, { x, y, xTitle: "birth", yTitle: tilted ? "length" : "death" });
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
    this.legend(pen, theme, box);
    if (!full.length && !marks.length)
      pen.text(box.x + box.w / 2, box.y + box.h / 2, view.store.data.busy?.what || "no bars", {
        align: "center",
        fill: theme.faint,
      });
  }

  /** Bars shorter than 2r lie in this band: they are not evidence. */
  band(pen, theme, x, low, top, box) {
    const lift = this.view.bound;
    this.remark = "";
    if (!(lift > 0)) return;
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
    const longest = Math.max(
      0,
      ...lengths(this.view.bars("full")),
      ...lengths(this.view.bars("marks")),
    );
    this.remark =
      longest < lift
        ? `every bar is shorter than 2r = ${number(lift)}`
        : "2r: shorter bars are not evidence";
    if (y < box.y + 12 || longest < lift) return; // no room above the line: the remark goes to the corner below it
    pen.text(x(low) + 8, y, this.remark, { size: 11, fill: theme.orange });
    this.remark = "";
  }

  place(full, marks, x) {
    const shift = this.view.dim === 0 ? OFFSET_H0 : 0;
    this.spots = [];
    full.forEach(([birth, death], bar) =>
      this.spots.push({
        side: "full",
        bar,
        birth,
        death,
        x: x(birth) + shift,
        y: this.up(birth, death),
      }),
    );
    marks.forEach(([birth, death], bar) =>
      this.spots.push({
        side: "marks",
        bar,
        birth,
        death,
        x: x(birth) + 3 * shift,
        y: this.up(birth, death),
      }),
    );
    this.num = full.length;
  }

  /** Matching lines; the worst pair, which is the bottleneck distance, in its own colour. */
  lines(pen, theme) {
    const pairs = this.view.matching();
    let worst = null;
    for (const pair of pairs) {
      const [one, two] = [this.spots[pair.left], this.spots[this.num + pair.right]];
      if (!worst || pair.cost > worst.cost) worst = pair;
      if (pair.left >= 0 && pair.right >= 0 && one && two)
        pen.line(one.x, one.y, two.x, two.y, { stroke: theme.soft, width: 0.9, alpha: 0.55 });
    }
    this.worst = worst;
  }

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

  legend(pen, theme, box) {
    const items = [
      ["whole context", "circle", { stroke: theme.blue, width: 1.4 }],
      ["landmarks", "diamond", { fill: theme.vermilion }],
      ["bottleneck pair", "circle", { stroke: theme.purple, width: 1.8 }],
    ];
    if (this.remark)
      pen.text(box.x + (this.view.dim ? 8 : 34), box.y + 14, this.remark, {
        size: 11,
        fill: theme.orange,
        halo: true,
      });
    const low = this.view.store.get("axes") !== "length"; // a corner no bar can reach: under the diagonal, or the top right
    items.forEach(([text, shape, style], i) => {
      const y = low ? box.y + box.h - 16 - (items.length - 1 - i) * 17 : box.y + 30 + i * 17;
      pen.text(box.x + box.w - 8, y + 4, text, { size: 11, fill: theme.soft, align: "right" });
      drawMark(pen, shape, box.x + box.w - 18 - pen.measure(text, { size: 11 }), y, 3.6, style);
    });
  }
}
