// The thoughts by similarity with theta as a line between them; only rows in sight are in the page.

import { decimals } from "../base/decimals.js";
import { h, number, oneLine, setText, visible } from "../base/text.js";

/**
 * @import { Thought } from "./judged.js"
 *
 * @typedef {object} Shown
 * @property {Thought[]} thoughts
 * @property {number[]} order thoughts, the most similar first
 * @property {number} cut how many of them pass
 * @property {ArrayLike<number>} values similarities
 * @property {ArrayLike<number>} labels 1 good, 2 bad, 0 unknown
 * @property {number} theta
 *
 * @typedef {{ el: HTMLElement, value: HTMLElement, passes: boolean | null }} Row
 */

const THOUGHT_ROW = 26;
const SPARE_ROWS = 4;

export class ThoughtList {
  /** @param {(thought: number | null) => void} onpoint called as the pointer enters or leaves */
  constructor(onpoint) {
    /** @type {Shown} */
    this.shown = { thoughts: [], order: [], cut: 0, values: [], labels: [], theta: 0 };
    this.count = 0;
    /** @type {Map<number, Row>} by place */
    this.rows = new Map();
    this.onpoint = onpoint;
    this.held = false; // whether the pointer is on the list: then it does not scroll by itself
    this.inner = h("div", { class: "wt-inner" });
    this.line = h("div", { class: "wt-theta" });
    this.inner.append(this.line);
    this.el = h(
      "div",
      { class: "wt-list", tabindex: 0, role: "list", "aria-label": "Thoughts by similarity" },
      this.inner,
    );
    const heads = ["verdict", "similarity", "stream and thought", "task"];
    this.heads = h("div", { class: "wt-heads" }, ...heads.map((text) => h("span", { text })));
    this.el.addEventListener("scroll", () => this.fill());
    this.el.addEventListener("pointerenter", () => {
      this.held = true;
    });
    this.el.addEventListener("pointerleave", () => {
      this.held = false;
    });
    this.tall = 0; // of the list in pixels
    this.sizes = new ResizeObserver(() => {
      this.tall = this.el.clientHeight;
      this.centre();
      this.fill();
    });
    this.sizes.observe(this.el);
  }

  /**
   * Show thoughts in their order, and theta's line in sight.
   *
   * @param {Shown} shown
   */
  show(shown) {
    const { thoughts, order, cut, theta } = shown;
    const changed = order !== this.shown.order || thoughts.length !== this.count;
    this.shown = shown;
    this.count = thoughts.length; // of a list that may grow
    if (changed) {
      this.inner.style.height = `${order.length * THOUGHT_ROW + 18}px`;
      for (const { el } of this.rows.values()) el.remove();
      this.rows.clear();
    }
    this.centre(); // first of all: it makes the page lay out what was written
    this.fill();
    this.writeValues();
    this.line.style.transform = `translateY(${cut * THOUGHT_ROW}px)`;
    const counts = `${number(cut)} above, ${number(order.length - cut)} below`;
    setText(this.line, `\u03b8 ${decimals(theta)}  \u00b7  ${counts}`);
  }

  /** Write the values next to theta with as many decimals as they need to differ from theta. */
  writeValues() {
    const { order, cut, values, theta } = this.shown;
    for (let place = cut - 3; place < cut + 3; place += 1) {
      const row = this.rows.get(place);
      if (!row) continue;
      const value = values[order[place]];
      const digits = decimals(value, 3) === decimals(theta, 3) ? 5 : 3;
      setText(row.value, decimals(value, digits));
    }
  }

  /** Scroll theta's line into the middle, unless the pointer is on the list. */
  centre() {
    if (!this.held) this.el.scrollTop = this.shown.cut * THOUGHT_ROW - this.tall / 2 + 9;
  }

  /** Make the rows that are in sight, and remove the others. */
  fill() {
    const { order, cut } = this.shown;
    const first = Math.max(0, Math.floor(this.el.scrollTop / THOUGHT_ROW) - SPARE_ROWS);
    const last = Math.min(
      order.length,
      first + Math.ceil(this.tall / THOUGHT_ROW) + 2 * SPARE_ROWS,
    );
    for (const [place, row] of this.rows)
      if (place < first || place >= last) {
        row.el.remove();
        this.rows.delete(place);
      }
    /** @type {Element} */
    let before = this.line;
    for (let place = first; place < last; place += 1) {
      const row = this.rows.get(place) ?? this.make(place, before);
      before = row.el;
      const passes = place < cut;
      if (row.passes === passes) continue;
      row.passes = passes;
      row.el.style.transform = `translateY(${place * THOUGHT_ROW + (passes ? 0 : 18)}px)`;
      row.el.dataset.passes = String(passes);
    }
  }

  /**
   * Make a row and put it behind the one before it: a screen reader reads them in this order.
   *
   * @type {(place: number, before: Element) => Row}
   */
  make(place, before) {
    const { thoughts, order, values, labels } = this.shown;
    const i = order[place];
    const [run, stream, , task, thought] = thoughts[i];
    const label = ["", "good", "bad"][labels[i]] ?? "";
    const value = h("span", { class: "wt-value", text: decimals(values[i], 3) });
    const el = h(
      "div",
      {
        class: "wt-row",
        role: "listitem",
        "aria-posinset": place + 1,
        "aria-setsize": order.length,
        "data-thought": i,
      },
      h("span", { class: "wt-mark", "aria-hidden": "true" }),
      value,
      h("span", { class: "wt-label", text: label, "data-label": label }),
      h("span", { class: "wt-who", text: `${run ? `run ${run} ` : ""}#${stream}` }),
      h("span", { class: "wt-thought", text: oneLine(thought.trim()), title: visible(thought) }),
      h("span", { class: "wt-task", text: oneLine(task), title: visible(task) }),
    );
    el.addEventListener("mouseenter", () => this.onpoint(i));
    el.addEventListener("mouseleave", () => this.onpoint(null));
    /** @type {Row} */
    const row = { el, value, passes: null };
    this.rows.set(place, row);
    before.after(el);
    return row;
  }
}
