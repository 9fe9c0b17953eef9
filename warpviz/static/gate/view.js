// GateTuner: every thought on the similarity axis of every scorer; theta is a line one drags, the verdicts follow at once.

import { button, segmented, slider, toggle } from "../base/controls.js";
import { fixed } from "../base/decimals.js";
import { widget } from "../base/frame.js";
import { linear, Plot } from "../base/plot.js";
import { Emitter, WARPVIZ } from "../base/store.js";
import { clip, counted, h, number, oneLine, setText } from "../base/text.js";
import { beeswarm } from "./beeswarm.js";
import { Regate, UNJUDGED } from "./regate.js";
import { beadOf, drawRoc, drawStrip, STRIP_HEIGHT } from "./strips.js";
import { ThoughtList } from "./thought_list.js";

const STRIP_LEFT = 96;

/** Return the judged thoughts behind a store, gathered once however many views show them. */
function judgedOf(store) {
  if (store.judged) return store.judged;
  const judged = (store.judged = Object.assign(new Emitter(), {
    thoughts: [...(store.data.thoughts ?? [])],
  }));
  store.on("data", ({ changed }) => {
    if (changed.has("thoughts")) judged.thoughts = [...(store.data.thoughts ?? [])];
    judged.emit("changed");
  });
  store.on("events", (events) => {
    for (const event of events) judged.thoughts.push(...(event.thoughts ?? []));
    judged.emit("changed");
  });
  return judged;
}

class GateTunerView {
  constructor(frame, store) {
    Object.assign(this, {
      frame,
      store,
      judged: judgedOf(store),
      gates: [],
      swarms: [],
      pictures: new Map(),
      point: null,
      pending: 0,
    });
    this.build();
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
    frame.table = () => this.table();
    this.refresh();
  }

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

  build() {
    const { frame, store } = this;
    this.scorer = segmented(frame, {
      label: "Scorer",
      options: this.scorers.map((name) => [name, name]),
      value: store.get("scorer"),
      onchange: (v) => store.set("scorer", v),
    });
    this.scorerNames = this.scorers.join();
    slider(frame, {
      label: "\u03b8",
      trait: "theta",
      min: -1,
      max: 1,
      step: 0.005,
      format: fixed,
      hint: "Accept thoughts at least this similar",
    });
    this.bestButton = button(frame, {
      label: "Best \u03b8",
      name: "best",
      hint: "The theta that separates the labels best (Youden's J)",
      onclick: () => this.gate.best !== null && store.set("theta", this.gate.best),
    });
    this.tune = toggle(frame, {
      label: "Engine follows \u03b8",
      value: store.get("tune_engine") !== false,
      hint: "Moving theta changes the running engine's gate",
      onchange: (on) => store.set("tune_engine", on),
    });
    this.facts = h("div", {
      class: "wt-facts",
      role: "group",
      "aria-label": "What this theta does",
    });
    this.strips = h("div", { class: "wt-strips" });
    this.rocBox = h("div", { class: "wt-roc" });
    this.list = new ThoughtList({
      onpoint: (i) => {
        this.point = i;
        this.later();
      },
    });
    frame.body.append(
      h("div", { class: "wt-grid" }, this.strips, this.rocBox),
      this.facts,
      this.list.el,
    );
    this.plot = new Plot(frame, {
      height: STRIP_HEIGHT,
      parent: this.strips,
      label: "Thoughts by similarity",
      focusable: true,
      draw: (...args) => this.drawStrips(...args),
    });
    this.roc = new Plot(frame, {
      height: 240,
      parent: this.rocBox,
      label: "ROC curve",
      draw: (...args) => this.drawRoc(...args),
    });
    this.listen();
  }

  listen() {
    const { canvas } = this.plot;
    canvas.classList.add("wt-canvas");
    const move = (event) => {
      const [x, y] = this.plot.at(event);
      const strip = Math.floor(y / STRIP_HEIGHT);
      if (event.type === "pointerdown" && this.scorers[strip])
        this.store.set("scorer", this.scorers[strip]);
      this.store.set("theta", round3(Math.max(-1, Math.min(1, this.scale().invert(x)))));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.dragging = true;
      move(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.dragging) move(event);
      else this.hover(event);
    });
    canvas.addEventListener("pointerleave", () => {
      this.point = null;
      this.later();
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, () => {
        this.dragging = false;
      });
    canvas.addEventListener("keydown", (event) => {
      const step = {
        ArrowRight: 0.01,
        ArrowUp: 0.01,
        ArrowLeft: -0.01,
        ArrowDown: -0.01,
        PageUp: 0.1,
        PageDown: -0.1,
      }[event.key];
      if (!step) return;
      event.preventDefault();
      this.store.set(
        "theta",
        round3(Math.max(-1, Math.min(1, this.theta + step * (event.shiftKey ? 5 : 1)))),
      );
    });
  }

  hover(event) {
    const [x, y] = this.plot.at(event);
    const places = this.swarms[Math.floor(y / STRIP_HEIGHT)] ?? [];
    let [near, best] = [null, 64];
    for (let i = 0; i < places.length / 2; i += 1) {
      const far = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
      if (far < best) [near, best] = [i, far];
    }
    if (near === this.point) return;
    this.point = near;
    if (near !== null)
      this.frame.status(
        `#${this.judged.thoughts[near][1]} ${oneLine(clip(this.judged.thoughts[near][4].trim(), 140))}`,
      );
    this.later();
  }

  /** The thoughts have changed: sort and lay out again, then judge. */
  refresh() {
    this.stale = false;
    if (this.scorers.join() !== this.scorerNames) {
      this.scorerNames = this.scorers.join();
      this.scorer.el.remove();
      this.scorer = segmented(this.frame, {
        label: "Scorer",
        options: this.scorers.map((name) => [name, name]),
        value: this.store.get("scorer"),
        onchange: (v) => this.store.set("scorer", v),
      });
      this.frame.controls.prepend(this.scorer.el);
    }
    const count = this.scorers.length;
    const all = this.store.array("similarities");
    this.labels = this.store.array("labels");
    const size = count ? Math.min(all.length / count, this.judged.thoughts.length) : 0;
    this.size = size;
    this.gates = this.scorers.map(
      (_, s) =>
        new Regate(
          Float32Array.from({ length: size }, (__, i) => all[i * count + s]),
          this.labels,
        ),
    );
    this.recorded = this.store.array("recorded");
    this.tune.el.hidden = !this.store.data.live || this.store.lost;
    this.plot.stretch(Math.max(1, count) * STRIP_HEIGHT + 24);
    this.rocBox.hidden = !this.gates.some((gate) => gate.points.length);
    this.bestButton.hidden = this.rocBox.hidden;
    [this.width, this.seen] = [0, null];
    this.pictures.clear();
    this.retune();
  }

  retune() {
    this.scorer.set(this.store.get("scorer"));
    this.later();
  }

  later() {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      this.frame.guard(() => this.paint());
    });
  }

  paint() {
    if (this.stale) this.refresh();
    const seen = [
      this.scale().domain,
      this.plot.width,
      this.active,
      this.point,
      this.size,
      this.frame.theme.ink,
      this.pictures.size,
    ].join();
    this.plot.paint(
      seen === this.seen ? [this.active * STRIP_HEIGHT, (this.active + 1) * STRIP_HEIGHT] : null,
    ); // only theta moved
    this.seen = seen;
    if (!this.rocBox.hidden) this.roc.redrawAfter();
    this.tellFacts();
    this.listing ||= requestAnimationFrame(() => {
      this.listing = 0;
      this.showList();
    }); // it scrolls: a layout of its own
    WARPVIZ.painted += 1;
  }

  showList() {
    const { gate } = this;
    this.list.show({
      thoughts: this.judged.thoughts,
      order: gate.order,
      cut: gate.passing(this.theta),
      values: gate.values,
      labels: this.labels,
      theta: this.theta,
    });
  }

  /** Say what this theta does, and what it changes against the run. */
  tellFacts() {
    const { gate, theta } = this;
    const { accepted, rejected, precision, recall, fpr } = gate.outcome(theta);
    let changed = 0;
    for (let i = 0; i < this.size; i += 1)
      changed += this.passes(i) !== (this.recorded[i] === 1) ? 1 : 0;
    const share = (value) => (value === null ? "\u2013" : `${(value * 100).toFixed(0)} %`);
    const f1 = precision && recall ? (2 * precision * recall) / (precision + recall) : null;
    const facts = [
      ["accepted", number(accepted)],
      ["rejected", number(rejected)],
      ["changed", number(changed)],
    ];
    if (gate.numGood + gate.numBad)
      facts.push(
        ["precision", share(precision)],
        ["recall", share(recall)],
        ["false accepts", share(fpr)],
        ["F1", fixed(f1)],
        ["AUC", fixed(gate.auc)],
      );
    if (this.facts.children.length !== facts.length) {
      this.facts.replaceChildren(
        ...facts.map(([name]) =>
          h("div", { class: "wt-fact", "data-fact": name }, h("b"), h("span", { text: name })),
        ),
      );
    }
    facts.forEach(([, value], i) => setText(this.facts.children[i].firstChild, value));
    const words = facts.map(([name, value]) => `${name} ${value}`).join(", ");
    this.frame.later("describe", () => {
      this.frame.summary(
        `Gate at theta ${fixed(theta)} under ${this.scorers[this.active] ?? "no scorer"}: ${words}.`,
      );
      setText(this.frame.meta, counted(this.size, "thought"));
    });
  }

  passes(i) {
    const value = this.gate.values[i];
    return value >= Math.fround(this.theta) && value > UNJUDGED;
  }

  scale() {
    const low = Math.min(0, ...this.gates.map((gate) => gate.lowest));
    return linear(
      [Math.max(-1, Math.floor(Math.min(low, this.theta) * 10 - 0.5) / 10), 1],
      [STRIP_LEFT, this.plot.width - 16],
    );
  }

  drawStrips(pen, w, hgt, theme, [top, bottom] = [0, hgt]) {
    const scale = this.scale();
    if (w !== this.width || this.domain !== scale.domain.join()) {
      [this.width, this.domain] = [w, scale.domain.join()];
      this.swarms = this.gates.map((gate, s) =>
        beeswarm(gate.values, scale, {
          radius: beadOf(this.size),
          middle: (s + 0.52) * STRIP_HEIGHT,
          half: STRIP_HEIGHT * 0.33,
        }),
      );
    }
    this.gates.forEach((_, s) => {
      if ((s + 1) * STRIP_HEIGHT > top && s * STRIP_HEIGHT < bottom)
        drawStrip(this, pen, theme, scale, s);
    });
    for (const tick of scale.ticks(9))
      pen.text(scale(tick), hgt - 8, number(tick, 2), {
        size: 10,
        fill: theme.faint,
        align: "center",
      });
    if (!this.size)
      pen.text(w / 2, STRIP_HEIGHT / 2, "No thought has been judged yet", {
        fill: theme.soft,
        align: "center",
      });
  }

  drawRoc(pen, w, hgt, theme) {
    drawRoc(this, pen, w, hgt, theme);
  }

  table() {
    const gate = this.gate;
    return gate.order.map((i, place) => {
      const [run, stream, step, task, thought] = this.judged.thoughts[i];
      return {
        run,
        stream,
        step,
        task,
        thought,
        similarity: gate.values[i],
        would_accept: place < gate.passing(this.theta),
        label: [null, true, false][this.labels[i]],
      };
    });
  }
}

function round3(value) {
  return Math.round(value * 1000) / 1000;
}

function mountGate(frame, store) {
  frame.root.gateTuner = new GateTunerView(frame, store);
  return () => {
    delete frame.root.gateTuner;
  };
}

export default widget(mountGate);
