// GateTuner: every thought on the similarity axis of every scorer; the verdicts follow theta.

import { linear } from "../base/axes.js";
import { WARPVIZ } from "../base/store.js";
import { h } from "../base/text.js";
import { button, segmented, slider, toggle } from "../frame/controls.js";
import { widget } from "../frame/frame.js";
import { addHelp } from "../frame/help.js";
import { Plot } from "../frame/plot.js";
import { endOfLikelihood, isLikelihood, strangersText, thetaText } from "../timeline/strangers.js";
import { Facts } from "./facts.js";
import { judgedOf } from "./judged.js";
import { gatePointer } from "./pointer.js";
import { Regate, UNJUDGED } from "./regate.js";
import { drawRoc } from "./roc.js";
import { drawStrips, STRIP_FOOT, STRIP_HEIGHT } from "./strips.js";
import { ThoughtList } from "./thought_list.js";

/**
 * @import { Frame, Mount } from "../frame/frame.js"
 * @import { Store } from "../base/store.js"
 * @import { Pictures } from "./kept_pictures.js"
 */

const STRIP_LEFT = 96; // room for the scorers' names

export class GateTunerView {
  /**
   * @param {Frame} frame
   * @param {Store} store
   */
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.judged = judgedOf(store);
    /** @type {Regate[]} one per scorer */
    this.gates = [];
    /** @type {Float32Array[]} per scorer the places of its beads, x and y in turn */
    this.swarms = [];
    this.width = 0; // for which the swarms are laid out
    this.domain = ""; // for which the swarms are laid out
    /** @type {Pictures} */
    this.pictures = new Map();
    this.size = 0;
    this.labels = store.array("labels");
    /** @type {number | null} the thought pointed at */
    this.point = null;
    this.seen = ""; // what a strip shows, except for theta
    this.stale = false;
    this.pending = 0;
    this.listing = 0;
    this.scorerNames = this.scorers.join();
    this.scorer = this.scorerControl();
    this.slider = this.thetaSlider();
    this.bestButton = this.thetaButton();
    this.tune = toggle(frame, {
      label: "Engine follows \u03b8",
      value: store.get("tune_engine") !== false,
      hint: "Moving theta changes the running engine's gate",
      onchange: (on) => store.set("tune_engine", on),
    });
    this.facts = new Facts(this);
    this.list = new ThoughtList((i) => this.pointAt(i));
    const strips = h("div", { class: "wt-strips" });
    this.rocBox = h("div", { class: "wt-roc" });
    const grid = h("div", { class: "wt-grid" }, strips, this.rocBox);
    frame.body.append(grid, this.facts.el, this.list.heads, this.list.el);
    this.plot = new Plot(frame, {
      height: STRIP_HEIGHT,
      parent: strips,
      label: "Thoughts by similarity",
      focusable: true,
      draw: (pen, w, hgt, theme, band) => drawStrips(this, pen, w, hgt, theme, band),
    });
    this.roc = new Plot(frame, {
      height: 240,
      parent: this.rocBox,
      label: "ROC curve",
      draw: (pen, w, hgt, theme) => drawRoc(this, pen, w, hgt, theme),
    });
    gatePointer(this);
    this.follow();
    frame.table = () => this.table();
    this.refresh();
  }

  /** @returns {string[]} */
  get scorers() {
    return this.store.data.scorers ?? [];
  }

  get active() {
    return Math.max(0, this.scorers.indexOf(this.store.get("scorer")));
  }

  get theta() {
    return this.store.get("theta");
  }

  get gate() {
    return this.gates[this.active] ?? new Regate(new Float32Array(0), new Uint8Array(0));
  }

  scorerControl() {
    return segmented(this.frame, {
      label: "Scorer",
      options: this.scorers.map((name) => [name, name]),
      value: this.store.get("scorer"),
      onchange: (v) => this.store.set("scorer", v),
    });
  }

  /** Return the deciding scorer's similarities of strangers; none where none were measured. */
  strangers(s = this.active) {
    return this.store.data.strangers?.[this.scorers[s]] ?? [];
  }

  thetaSlider() {
    return slider(this.frame, {
      label: "threshold \u03b8",
      trait: "theta",
      min: -1,
      max: 1,
      step: 0.005,
      format: (theta) => this.thetaWords(theta),
      hint: "Accept thoughts at least this similar",
    });
  }

  /** Return theta as a number, and what it does to strangers. */
  thetaWords(theta) {
    const words = [thetaText(theta, this.scorers[this.active])];
    return [...words, strangersText(this.strangers(), theta)].filter(Boolean).join(" ");
  }

  thetaButton() {
    const { frame, store } = this;
    return button(frame, {
      label: "Best \u03b8",
      name: "best",
      hint: "The theta that separates the labels best (Youden's J)",
      onclick: () => this.gate.best !== null && store.set("theta", this.gate.best),
    });
  }

  follow() {
    const { frame, store } = this;
    frame.cleanup(
      this.judged.on("changed", () => {
        this.stale = true;
        this.later();
      }),
    );
    for (const name of ["theta", "scorer"]) {
      store.watch(name);
      frame.cleanup(store.on(`change:${name}`, () => this.retune()));
    }
    frame.cleanup(() => {
      cancelAnimationFrame(this.pending);
      cancelAnimationFrame(this.listing);
      this.list.sizes.disconnect();
    });
  }

  /** Set theta from the pointer or a key: within its range, with three decimals. */
  moveTheta(theta) {
    this.store.set("theta", Math.round(Math.max(-1, Math.min(1, theta)) * 1000) / 1000);
  }

  /** @param {number | null} thought */
  pointAt(thought) {
    this.point = thought;
    this.later();
  }

  /** The thoughts have changed: sort and lay out again, then judge. */
  refresh() {
    const { store } = this;
    this.stale = false;
    if (this.scorers.join() !== this.scorerNames) {
      this.scorerNames = this.scorers.join();
      this.scorer.el.remove();
      this.scorer = this.scorerControl();
      this.frame.controls.prepend(this.scorer.el);
    }
    const count = this.scorers.length;
    const all = store.array("similarities");
    const size = count ? Math.min(all.length / count, this.judged.thoughts.length) : 0;
    const valuesOf = (s) => Float32Array.from({ length: size }, (_, i) => all[i * count + s]);
    this.size = size;
    this.labels = store.array("labels");
    this.gates = this.scorers.map((_, s) => new Regate(valuesOf(s), this.labels));
    this.recorded = store.array("recorded");
    this.tune.el.hidden = !store.data.live || store.lost;
    this.plot.stretch(Math.max(1, count) * STRIP_HEIGHT + STRIP_FOOT);
    this.rocBox.hidden = !this.gates.some((gate) => gate.points.length);
    this.bestButton.hidden = this.rocBox.hidden;
    this.width = 0;
    this.seen = "";
    this.pictures.clear();
    this.retune();
  }

  /** Theta or the scorer has changed. */
  retune() {
    this.scorer.set(this.store.get("scorer"));
    const isOne = isLikelihood(this.scorers[this.active]);
    this.slider.input.step = isOne ? "0.001" : "0.005";
    this.slider.range(isOne ? 0 : -1, 1);
    this.later();
  }

  /** Paint at the next frame. */
  later() {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      this.frame.guard(() => this.paint());
    });
  }

  paint() {
    if (this.stale) this.refresh();
    const { active } = this;
    const seen = [
      this.domains(),
      this.plot.width,
      active,
      this.point,
      this.size,
      this.frame.theme.ink,
      this.pictures.size,
    ].join();
    // Where only theta has moved, only the active strip looks different.
    this.plot.paint(
      seen === this.seen ? [active * STRIP_HEIGHT, (active + 1) * STRIP_HEIGHT] : null,
    );
    this.seen = seen;
    if (!this.rocBox.hidden) this.roc.redrawAfter();
    this.facts.write();
    // The list scrolls, which lays out the page: that waits for a frame of its own.
    this.listing ||= requestAnimationFrame(() => {
      this.listing = 0;
      this.showList();
    });
    WARPVIZ.painted += 1;
  }

  showList() {
    const { gate, theta, labels } = this;
    const { thoughts } = this.judged;
    const cut = gate.passing(theta);
    this.list.show({ thoughts, order: gate.order, cut, values: gate.values, labels, theta });
  }

  /** Return whether a thought passes under the active scorer. */
  passes(i) {
    const value = this.gate.values[i];
    return value >= Math.fround(this.theta) && value > UNJUDGED;
  }

  /** Return the scale of a strip, from similarity to pixels: one for all, but for a likelihood. */
  scale(s = this.active) {
    const room = [STRIP_LEFT, this.plot.width - 16];
    if (isLikelihood(this.scorers[s])) {
      const theta = s === this.active ? this.theta : 0;
      const highest = this.gates[s]?.highest ?? 0;
      return linear([0, endOfLikelihood(Math.max(theta, highest, ...this.strangers(s)))], room);
    }
    const others = this.gates.filter((_, n) => !isLikelihood(this.scorers[n]));
    const theta = isLikelihood(this.scorers[this.active]) ? 0 : this.theta;
    const low = Math.min(0, theta, ...others.map((gate) => gate.lowest));
    return linear([Math.max(-1, Math.floor(low * 10 - 0.5) / 10), 1], room);
  }

  /** Return the ends of all strips' scales, as a text. */
  domains() {
    return this.scorers.map((_, s) => this.scale(s).domain.join()).join(";");
  }

  table() {
    const { gate } = this;
    const cut = gate.passing(this.theta);
    return gate.order.map((i, place) => {
      const [run, stream, step, task, thought] = this.judged.thoughts[i];
      const similarity = gate.values[i];
      const label = [null, true, false][this.labels[i]];
      return { run, stream, step, task, thought, similarity, would_accept: place < cut, label };
    });
  }
}

/** @type {Mount} */
function mountGate(frame, store) {
  addHelp(frame, "gate");
  const view = new GateTunerView(frame, store);
  Object.assign(frame.root, { gateTuner: view }); // for tests
  return () => Object.assign(frame.root, { gateTuner: undefined });
}

export default widget(mountGate);
