// PersistenceCompare: the shape of the whole context against the shape of its landmarks.

import { Landmarks } from "../base/landmarks.js";
import { clip, h, number, oneLine, setText } from "../base/text.js";
import { widget } from "../frame/frame.js";
import { addHelp } from "../frame/help.js";
import { Plot } from "../frame/plot.js";
import { rowsOf } from "./bars.js";
import { persistenceControls } from "./controls.js";
import { DiagramPlot } from "./diagram.js";
import { drawCurve } from "./distance_curve.js";
import { factList, factsOf } from "./facts.js";
import { drawPanel } from "./panels.js";

/**
 * @import { Frame, Mount } from "../frame/frame.js"
 * @import { Store } from "../base/store.js"
 * @import { Bar, Side } from "./bars.js"
 * @import { Spot } from "./diagram.js"
 *
 * @typedef {{ left: number, right: number, cost: number }} Match two matched bars; -1 the diagonal
 */

export class PersistenceView {
  /**
   * @param {Frame} frame
   * @param {Store} store
   */
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    /** @type {Spot | null} the bar whose loop is selected */
    this.chosenBar = null;
    this.marks = new Landmarks(store);
    const left = h("div", { class: "wz-half" });
    const right = h("div", { class: "wz-half" });
    this.facts = factList();
    frame.body.append(h("div", { class: "wz-columns" }, left, right), this.facts.el);
    this.diagram = new DiagramPlot(this, left);
    this.curve = new Plot(frame, {
      height: 190,
      parent: right,
      label: "Bottleneck distance against k",
      draw: (pen, w, hgt, theme) => drawCurve(this, pen, w, hgt, theme),
    });
    this.panel = new Plot(frame, {
      height: 200,
      parent: right,
      label: "Bars of both sides",
      draw: (pen, w, hgt, theme) => drawPanel(this, pen, w, hgt, theme),
    });
  }

  /** The dimension shown. */
  get dim() {
    return Math.min(this.store.get("dim"), this.store.get("max_dim"));
  }

  /** The cover radius at the present k, outside the sinks; NaN if it is not known. */
  get radius() {
    const radii = this.store.array("base_radii");
    return radii.length ? radii[Math.min(this.store.get("k"), radii.length) - 1] : NaN;
  }

  /** Whether 2r bounds the distance: it does for Rips and alpha complexes, not for witness ones. */
  get isBounded() {
    return !this.store.get("complex").startsWith("witness");
  }

  /** The bound 2r, NaN where there is none. */
  get bound() {
    return this.isBounded ? 2 * this.radius : NaN;
  }

  /** @type {(side: Side) => Bar[]} */
  bars(side) {
    return rowsOf(this.store.arrays[`${side}_h${this.dim}`], (data, i) => {
      const [birth, death] = data.slice(i * 2, i * 2 + 2);
      return [birth, death];
    });
  }

  /** @returns {Match[]} */
  matching() {
    return rowsOf(this.store.arrays[`match_h${this.dim}`], (data, i) => ({
      left: data[i * 3],
      right: data[i * 3 + 1],
      cost: data[i * 3 + 2],
    }));
  }

  /**
   * Select the tokens of an H1 bar's loop; null clears the selection.
   *
   * @param {Spot | null} spot
   */
  choose(spot) {
    this.chosenBar = spot;
    if (!spot) {
      this.store.set("selection", []);
      this.redraw();
      return;
    }
    if (this.dim !== 1) {
      this.frame.status("Loops belong to H1: choose H1 first");
      return;
    }
    const start = this.store.array(`loop_${spot.side}_start`);
    const tokens = Array.from(
      this.store.array(`loop_${spot.side}`).slice(start[spot.bar], start[spot.bar + 1]),
    );
    if (spot.bar + 1 >= start.length || !tokens.length) {
      this.frame.status("Only the longest Rips bars carry their loops");
      return;
    }
    this.store.set(
      "selection",
      [...new Set(tokens)].sort((a, b) => a - b),
    );
    const texts = tokens.map((t) => oneLine(this.store.data.tokens?.[t] ?? "").trim() || "\u2423");
    this.frame.status(`Loop of ${tokens.length} tokens: ${clip(texts.join(" \u2192 "), 160)}`);
    this.redraw();
  }

  /** Take what the kernel sent. */
  refresh({ full, changed }) {
    if (full || changed.has("order") || changed.has("radii") || changed.has("chain_start"))
      this.marks.read();
    if (changed.has("marks_h1") && this.chosenBar?.side === "marks") this.chosenBar = null;
    this.marks.use(this.store.get("k"));
    const news = (name) => full || changed.has(`${name}_h${this.dim}`);
    if (["full", "marks", "match"].some(news)) this.diagram.plot.redraw();
    if (news("curve") || changed.has("busy")) this.curve.redrawAfter();
    this.rest();
  }

  /** k has moved: the curve's mark moves at once, the bars with the kernel's answer if it comes. */
  follow() {
    this.marks.use(this.store.get("k"));
    if (!this.store.live) {
      this.redraw();
      return;
    }
    this.curve.redrawAfter();
    this.rest();
  }

  /** Redraw a moment later what a moving slider does not need: numbers, words, panel, band. */
  rest() {
    this.frame.later("rest", () => {
      if (this.diagram.k !== this.store.get("k")) this.diagram.plot.redraw();
      this.panel.redraw();
      this.describe();
    });
  }

  /** Redraw everything, a frame after what a moving slider shows first. */
  redraw() {
    for (const plot of [this.diagram.plot, this.curve, this.panel]) plot.redrawAfter();
    this.rest();
  }

  table() {
    const { dim } = this;
    /** @type {Side[]} */
    const sides = ["full", "marks"];
    return sides.flatMap((side) =>
      this.bars(side).map(([birth, death], bar) => {
        return { dim, side, bar, birth, death, length: death - birth };
      }),
    );
  }

  /** Write the numbers, and put the view in words. */
  describe() {
    const { data } = this.store;
    const { num_used: used, num_tokens: num } = data;
    this.facts.write(factsOf(this));
    const tokens =
      used < num - 4 ? `showing ${number(used)} of ${number(num)} tokens` : `${number(num)} tokens`;
    const meta = [data.model, this.store.get("space"), tokens].filter(Boolean).join(" \u00b7 ");
    setText(this.frame.meta, oneLine(meta));
    const bottleneck = number(data.numbers?.[this.dim]?.bottleneck);
    const text =
      `${data.summary ?? ""} H${this.dim} at k = ${this.store.get("k")}: ` +
      `bottleneck ${bottleneck}, bound ${number(this.bound)}.`;
    this.frame.summary(text);
    this.diagram.plot.canvas.setAttribute("aria-label", text);
  }
}

/** @type {Mount} */
function mountPersistence(frame, store) {
  addHelp(frame, "persistence");
  const view = new PersistenceView(frame, store);
  const setMost = persistenceControls(view);
  const range = () => setMost(Math.max(1, store.array("order").length));
  range();
  frame.cleanup(
    store.on("data", (change) => {
      range();
      view.refresh(change);
    }),
  );
  frame.cleanup(store.on("change:k", () => view.follow()));
  for (const name of ["alpha", "policy", "complex"])
    frame.cleanup(store.on(`change:${name}`, () => view.redraw()));
  frame.cleanup(
    store.on("change:selection", (tokens) => {
      if (tokens.length) return;
      view.chosenBar = null;
      view.redraw();
    }),
  );
  frame.table = () => view.table();
  view.refresh({ full: true, changed: new Set() });
}

export default widget(mountPersistence);
