// TokenText: the context as text. Landmarks follow k, injected thoughts stand in the margin.

import { Landmarks } from "../base/landmarks.js";
import { quantiles } from "../base/ramp.js";
import { counted, h, number, oneLine, setText } from "../base/text.js";
import { select, slider } from "../frame/controls.js";
import { widget } from "../frame/frame.js";
import { addHelp } from "../frame/help.js";
import { textDrawing } from "./drawing.js";
import { Notes } from "./notes.js";
import { Flow } from "./token_flow.js";

/**
 * @import { Frame, Mount } from "../frame/frame.js"
 * @import { Store } from "../base/store.js"
 */

/** @type {[value: string, text: string][]} */
const TINTS = [
  ["none", "no tint"],
  ["received", "attention received"],
  ["distance", "distance to landmark"],
];

export class TokenText {
  /**
   * @param {Frame} frame
   * @param {Store} store
   */
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.marks = new Landmarks(store);
    this.scroller = h("div", { class: "wz-scroller" });
    this.scroller.style.height = `${store.get("height") ?? 460}px`;
    frame.body.append(this.scroller);
    this.flow = new Flow(this.scroller);
    this.notes = new Notes(this.flow, (note) => {
      this.flow.reveal(note.token);
      this.choose([note.token]);
    });
    this.scroller.append(this.notes.el);
    /** @type {Set<number>} the tokens marked as landmarks */
    this.kept = new Set();
    /** @type {Set<number>} the tokens selected */
    this.chosen = new Set();
    this.cursor = -1;
    this.pointed = -1;
    this.isChoosing = false; // whether the selection is being changed from here
    this.tinted = false;
    /** @type {ArrayLike<number>} the ranking that `kept` is the beginning of */
    this.shownOrder = [];
    this.listen();
  }

  listen() {
    const { el } = this.flow;
    el.addEventListener("click", (event) => this.click(event));
    el.addEventListener("mouseup", () => {
      const range = this.flow.selectedRange();
      if (range.length > 1) this.choose(range);
    });
    el.addEventListener("mouseover", (event) => this.point(this.flow.tokenAt(event)));
    el.addEventListener("keydown", (event) => this.key(event));
    const observer = new ResizeObserver(() => this.notes.place());
    observer.observe(this.scroller);
    this.frame.cleanup(() => observer.disconnect());
  }

  /** @param {MouseEvent} event */
  click(event) {
    const t = this.flow.tokenAt(event);
    if (t < 0 || this.flow.selectedRange().length > 1) return;
    this.cursor = t;
    const more = event.ctrlKey || event.metaKey;
    const next = more ? new Set(this.chosen) : new Set();
    if (this.chosen.has(t) && (more || this.chosen.size === 1)) next.delete(t);
    else next.add(t);
    this.choose([...next]);
  }

  /** @param {Iterable<number>} tokens */
  choose(tokens) {
    this.isChoosing = true;
    this.store.set(
      "selection",
      [...new Set(tokens)].sort((a, b) => a - b),
    );
    this.isChoosing = false;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 12, ArrowUp: -12 }[event.key];
    if (step) {
      this.cursor = Math.min(Math.max(this.cursor + step, 0), this.flow.num - 1);
      this.flow.reveal(this.cursor);
      this.point(this.cursor);
    } else if (event.key === "Enter" || event.key === " ") {
      const next = new Set(this.chosen);
      if (next.has(this.cursor)) next.delete(this.cursor);
      else next.add(this.cursor);
      this.choose([...next]);
    } else if (event.key === "Escape") this.choose([]);
    else return;
    event.preventDefault();
  }

  /** Point at a token (-1 for none): outline it and say what is known about it. */
  point(t) {
    if (t === this.pointed) return;
    this.flow.spans[this.pointed]?.classList.remove("wz-cursor");
    this.pointed = t;
    if (t < 0) return;
    this.flow.spans[t]?.classList.add("wz-cursor");
    const { marks, store } = this;
    const facts = [`token ${number(t)}`, `attention ${number(store.array("received")[t], 2)}`];
    if (marks.has(t)) facts.push(`landmark, pick ${marks.rank[t] + 1}`);
    else if (t < marks.count) facts.push(`${number(marks.far[t])} from landmark ${marks.near[t]}`);
    this.frame.status(`${oneLine(store.data.tokens[t] ?? "")} \u2013 ${facts.join(", ")}`);
  }

  /** Take what the kernel sent. */
  refresh({ full, changed }) {
    const { store } = this;
    if (full || changed.has("tokens")) {
      const wrote = this.flow.write(
        store.data.tokens ?? [],
        store.array("kind"),
        store.data.kind_names ?? ["text"],
      );
      if (wrote) {
        this.kept = new Set(); // new spans carry no marks yet
        this.chosen = new Set();
      }
    }
    if (full || changed.has("order") || changed.has("chain_start")) this.marks.read();
    if (full || changed.has("notes")) {
      const notes = store.data.notes ?? [];
      this.scroller.classList.toggle("wz-has-notes", notes.length > 0);
      this.notes.write(notes);
    }
    this.follow();
    this.showSelection();
  }

  /** Follow k: mark the landmarks, tint the rest. */
  follow() {
    const { store, marks } = this;
    marks.use(store.get("k"));
    if (this.shownOrder === marks.order && this.kept.size) this.moveTo(marks.k);
    else
      this.kept = this.flow.mark("wz-landmark", new Set(marks.order.slice(0, marks.k)), this.kept);
    this.shownOrder = marks.order;
    this.tint();
    this.frame.later("describe", () => this.describe());
  }

  /** Mark the first k of the same ranking: only the landmarks in between change. */
  moveTo(k) {
    const order = this.shownOrder;
    const before = this.kept.size;
    for (let r = Math.min(before, k); r < Math.max(before, k); r += 1) {
      this.flow.spans[order[r]]?.classList.toggle("wz-landmark", k > before);
      if (k > before) this.kept.add(order[r]);
      else this.kept.delete(order[r]);
    }
  }

  /** Tint the tokens by an amount, or not at all. */
  tint() {
    const mode = this.store.get("tint");
    const level =
      mode === "received"
        ? quantiles(this.store.array("received"))
        : mode === "distance"
          ? this.marks.far.map((d) => d / (this.marks.radius || 1))
          : null;
    if (!level && !this.tinted) return;
    this.tinted = Boolean(level);
    this.flow.spans.forEach((span, t) => {
      const v = level ? Math.min(Math.max(level[t] ?? 0, 0), 1) : 0;
      span.style.backgroundColor =
        v > 0.02 ? `color-mix(in srgb, var(--wz-accent) ${Math.round(v * 42)}%, transparent)` : "";
    });
  }

  showSelection() {
    const next = new Set(this.store.get("selection"));
    const fresh = [...next].find((t) => !this.chosen.has(t));
    this.chosen = this.flow.mark("wz-chosen", next, this.chosen);
    this.flow.el.classList.toggle("wz-dim", next.size > 0);
    if (!this.isChoosing && fresh !== undefined) this.flow.reveal(fresh);
    this.frame.later("describe", () => this.describe());
  }

  /** Put the view in words. */
  describe() {
    const { store, marks } = this;
    const facts = [counted(this.flow.num, "token"), counted(marks.k, "landmark")];
    if (this.chosen.size) facts.push(`${number(this.chosen.size)} selected`);
    if (store.data.notes?.length)
      facts.push(`${counted(store.data.notes.length, "thought")} in the margin`);
    setText(this.frame.meta, facts.join(" \u00b7 "));
    this.frame.summary(`${store.data.summary ?? ""} ${facts.join(", ")}.`);
  }
}

/** @type {Mount} */
function mountText(frame, store) {
  addHelp(frame, "text");
  const view = new TokenText(frame, store);
  const k = slider(frame, {
    label: "k",
    trait: "k",
    min: 1,
    max: Math.max(1, store.array("order").length),
    format: (v) => String(v),
  });
  select(frame, { label: "tint", trait: "tint", options: TINTS });
  frame.cleanup(
    store.on("data", (change) => {
      k.range(1, Math.max(1, store.array("order").length));
      view.refresh(change);
    }),
  );
  frame.cleanup(store.on("change:k", () => view.follow()));
  frame.cleanup(store.on("change:tint", () => view.tint()));
  frame.cleanup(store.on("change:selection", () => view.showSelection()));
  frame.drawings.push(textDrawing(view));
  frame.table = () =>
    (store.data.tokens ?? []).map((text, token) => ({
      token,
      text,
      landmark: view.kept.has(token),
      received: store.array("received")[token],
      selected: view.chosen.has(token),
    }));
  view.refresh({ full: true, changed: new Set() });
}

export default widget(mountText);
