// PersistenceCompare: diagrams with their matching, other views of the bars, distance against k, and the numbers.

import { segmented, select, slider } from "../base/controls.js";
import { widget } from "../base/frame.js";
import { BEST, certificateFactor, Landmarks } from "../base/landmarks.js";
import { Plot } from "../base/plot.js";
import { clip, h, number, oneLine, setText } from "../base/text.js";
import { rowsOf } from "./bars.js";
import { DiagramPlot } from "./diagram.js";
import { curveRows, drawCurve } from "./distance_curve.js";
import { drawPanel } from "./panels.js";

class PersistenceView {
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.chosenBar = null;
    this.marks = new Landmarks(store);
    const left = h("div", { class: "wz-half" });
    const right = h("div", { class: "wz-half" });
    this.facts = h("div", { class: "wz-facts", role: "list" });
    frame.body.append(h("div", { class: "wz-columns" }, left, right), this.facts);
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

  get dim() {
    return Math.min(this.store.get("dim"), this.store.get("max_dim"));
  }

  /** The cover radius at the present k, outside the sinks; known for every k, so it moves with the slider. */
  get radius() {
    const radii = this.store.array("base_radii");
    return radii.length ? radii[Math.min(this.store.get("k"), radii.length) - 1] : NaN;
  }

  /** Twice the radius bounds the distance of Rips and alpha diagrams; a witness complex has no such bound here. */
  get isBounded() {
    return !this.store.get("complex").startsWith("witness");
  }

  /** That bound, NaN where there is none or the radius is not known. */
  get bound() {
    return this.isBounded ? 2 * this.radius : NaN;
  }

  bars(side) {
    return rowsOf(this.store.arrays[`${side}_h${this.dim}`], (data, i) => [
      data[i * 2],
      data[i * 2 + 1],
    ]);
  }

  matching() {
    return rowsOf(this.store.arrays[`match_h${this.dim}`], (data, i) => ({
      left: data[i * 3],
      right: data[i * 3 + 1],
      cost: data[i * 3 + 2],
    }));
  }

  /** Select the tokens of an H1 bar's loop. */
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

  /** k has moved: the curve's mark goes with it, the bars follow with the kernel's answer, or without one in a moment. */
  follow() {
    this.marks.use(this.store.get("k"));
    if (!this.store.live) {
      this.redraw();
      return;
    }
    this.curve.redrawAfter();
    this.rest();
  }

  /** Bring up to date what no hand waits for: numbers, words, the panel, the band of a k that nobody answers. */
  rest() {
    this.frame.later("rest", () => {
      if (this.diagram.k !== this.store.get("k")) this.diagram.plot.redraw();
      this.panel.redraw();
      this.describe();
    });
  }

  /** Draw and say everything again, a frame after what a moving slider shows first. */
  redraw() {
    for (const plot of [this.diagram.plot, this.curve, this.panel]) plot.redrawAfter();
    this.rest();
  }

  describe() {
    const { data } = this.store;
    const now = data.numbers?.[this.dim] ?? {};
    const row = curveRows(this.store, this.dim).reduce(
      (best, r) =>
        !best || Math.abs(r.k - this.store.get("k")) < Math.abs(best.k - this.store.get("k"))
          ? r
          : best,
      null,
    );
    const items = [
      [
        "bottleneck",
        number(now.bottleneck),
        this.isBounded ? `at most 2r = ${number(this.bound)}` : "no bound for witness complexes",
      ],
      ["cover radius r", number(this.radius), `outside the sinks; ${certificateLine(this.store)}`],
      ["Wasserstein", number(now.wasserstein, 2), "0 equal, 1 nothing in common"],
      [
        "random landmarks",
        row ? number(row.mean) : "\u2013",
        row
          ? `at k = ${row.k}, 90 % between ${number(row.low)} and ${number(row.high)}`
          : "null model",
      ],
      [
        "certified bars",
        now.bars === undefined || !Number.isFinite(this.bound)
          ? "\u2013"
          : `${now.certified} of ${now.bars}`,
        "longer than 2r",
      ],
      ["intrinsic dimension", number(data.dimension, 2), "TwoNN"],
    ];
    this.factRows ??= items.map(() =>
      h(
        "div",
        { role: "listitem" },
        h("span", { class: "wz-fact-name" }),
        h("b"),
        h("span", { class: "wz-faint" }),
      ),
    );
    if (!this.facts.children.length) this.facts.append(...this.factRows);
    items.forEach((item, i) =>
      item.forEach((text, j) => setText(this.factRows[i].children[j], text)),
    );
    setText(
      this.frame.meta,
      oneLine(
        [
          data.model,
          this.store.get("space"),
          data.num_used < data.num_tokens - 4
            ? `showing ${number(data.num_used)} of ${number(data.num_tokens)} tokens`
            : `${number(data.num_tokens)} tokens`,
        ]
          .filter(Boolean)
          .join(" \u00b7 "),
      ),
    );
    const text = `${data.summary ?? ""} H${this.dim} at k = ${this.store.get("k")}: bottleneck ${number(now.bottleneck)}, bound ${number(this.bound)}.`;
    this.frame.summary(text);
    this.diagram.plot.canvas.setAttribute("aria-label", text);
  }
}

const COMPLEXES = [
  ["rips", "Rips"],
  ["witness-weak", "weak witness"],
  ["witness-strong", "strong witness"],
  ["witness-lazy", "lazy witness"],
  ["alpha", "alpha, PCA-3"],
];

function certificateLine(store) {
  const policy = store.get("policy");
  if (policy !== "hybrid" && policy !== "farthest") return "no certificate for this policy";
  const factor = certificateFactor(policy === "farthest" ? 0 : store.get("alpha"));
  return factor === null
    ? "no certificate from \u03b1 = 0.5 on"
    : `\u2264 ${number(factor)}\u00d7 ${BEST}`;
}

/** Progress of the worker with a button to cancel, and one to start again. */
function progressBar(frame, store) {
  const text = h("span", { class: "wz-faint" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Persistence of the whole context" });
  const stop = h("button", {
    type: "button",
    class: "wz-button",
    "data-name": "cancel",
    text: "Cancel",
    onclick: () => store.send({ op: "cancel" }),
  });
  const again = h("button", {
    type: "button",
    class: "wz-button",
    "data-name": "compute",
    text: "Compute",
    onclick: () => store.send({ op: "compute" }),
  });
  const el = h("div", { class: "wz-progress", hidden: true }, bar, text, stop, again);
  frame.controls.append(el);
  const show = () => {
    const { what = "", fraction = 1 } = store.data.busy ?? {};
    const cancelled = what === "cancelled";
    el.hidden = !what || !store.live;
    bar.value = fraction;
    text.textContent = oneLine(what);
    stop.hidden = cancelled;
    bar.hidden = cancelled;
    again.hidden = !cancelled;
  };
  frame.cleanup(store.on("data", show));
  show();
}

function mountPersistence(frame, store) {
  const view = new PersistenceView(frame, store);
  const most = () => Math.max(1, store.array("order").length);
  const k = slider(frame, {
    label: "k",
    trait: "k",
    min: 1,
    max: most(),
    format: (v) => String(v),
  });
  const dims = segmented(frame, {
    label: "Homology",
    options: [[0, "H0"], [1, "H1"], ...(store.get("max_dim") > 1 ? [[2, "H2"]] : [])],
    value: store.get("dim"),
    onchange: (v) => store.set("dim", v),
  });
  const axes = segmented(frame, {
    label: "Axes",
    options: [
      ["death", "Birth \u2013 death"],
      ["length", "Birth \u2013 length"],
    ],
    value: store.get("axes"),
    onchange: (v) => store.set("axes", v),
  });
  const panels = segmented(frame, {
    label: "Panel",
    options: [
      ["barcode", "Barcode"],
      ["betti", "Betti"],
      ["image", "Image"],
    ],
    value: store.get("panel"),
    onchange: (v) => store.set("panel", v),
  });
  if (store.live) {
    const complex = select(frame, { label: "complex", trait: "complex", options: COMPLEXES });
    frame.cleanup(store.on("lost", () => complex.el.remove()));
  }
  progressBar(frame, store);
  frame.cleanup(
    store.on("data", (change) => {
      k.range(1, most());
      view.refresh(change);
    }),
  );
  frame.cleanup(store.on("change:k", () => view.follow()));
  for (const name of ["alpha", "policy", "complex"])
    frame.cleanup(store.on(`change:${name}`, () => view.redraw()));
  frame.cleanup(
    store.on("change:dim", (v) => {
      dims.set(v);
      view.chosenBar = null;
      view.redraw();
    }),
  );
  frame.cleanup(
    store.on("change:axes", (v) => {
      axes.set(v);
      view.redraw();
    }),
  );
  frame.cleanup(
    store.on("change:panel", (v) => {
      panels.set(v);
      view.redraw();
    }),
  );
  frame.cleanup(
    store.on("change:selection", (tokens) => {
      if (!tokens.length) {
        view.chosenBar = null;
        view.redraw();
      }
    }),
  );
  frame.table = () =>
    ["full", "marks"].flatMap((side) =>
      view.bars(side).map(([birth, death], bar) => ({
        dim: view.dim,
        side,
        bar,
        birth,
        death,
        length: death - birth,
      })),
    );
  view.refresh({ full: true, changed: new Set() });
}

export default widget(mountPersistence);
