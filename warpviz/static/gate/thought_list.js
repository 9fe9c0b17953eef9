// The thoughts in order of similarity, theta as a line between them; only the rows in sight are in the page.

import { fixed } from "../base/decimals.js";
import { h, number, oneLine, setText, visible } from "../base/text.js";

const THOUGHT_ROW = 26;
const SPARE_ROWS = 4;

export class ThoughtList {
  /** `onpoint(index | null)` is told which thought is pointed at. */
  constructor({ onpoint }) {
    Object.assign(this, { order: [], cut: 0, thoughts: [], rows: new Map(), onpoint });
    this.inner = h("div", { class: "wt-inner" });
    this.line = h("div", { class: "wt-theta" });
    this.inner.append(this.line);
    this.el = h(
      "div",
      { class: "wt-list", tabindex: 0, role: "list", "aria-label": "Thoughts by similarity" },
      this.inner,
    );
    this.el.addEventListener("scroll", () => this.fill());
    this.el.addEventListener("pointerenter", () => {
      this.held = true;
    });
    this.el.addEventListener("pointerleave", () => {
      this.held = false;
    });
    this.tall = 0;
    this.sizes = new ResizeObserver(() => {
      this.tall = this.el.clientHeight;
      this.centre();
      this.fill();
    });
    this.sizes.observe(this.el);
  }

  /** Show thoughts in `order`; the first `cut` of them pass. Keeps theta's place in sight unless the user scrolls. */
  show({ thoughts, order, cut, values, labels, theta }) {
    const changed = order !== this.order || thoughts.length !== this.count;
    Object.assign(this, { thoughts, order, cut, values, labels, count: thoughts.length });
    if (changed) {
      this.inner.style.height = `${order.length * THOUGHT_ROW + 18}px`;
      for (const row of this.rows.values()) row.remove();
      this.rows.clear();
    }
    this.centre(); // before anything is written: it lays out
    this.fill();
    this.tell(cut, theta);
    this.line.style.transform = `translateY(${cut * THOUGHT_ROW}px)`;
    setText(
      this.line,
      `\u03b8 ${fixed(theta)}  \u00b7  ${number(cut)} above, ${number(order.length - cut)} below`,
    );
  }

  /** Values beside theta get as many decimals as it takes to tell them from it. */
  tell(cut, theta) {
    for (let place = cut - 3; place < cut + 3; place += 1) {
      const value = this.values[this.order[place]];
      const digits = fixed(value, 3) === fixed(theta, 3) ? 5 : 3;
      if (this.rows.has(place)) setText(this.rows.get(place).children[1], fixed(value, digits));
    }
  }

  /** Keep theta's place in sight, unless somebody reads. */
  centre() {
    if (!this.held) this.el.scrollTop = this.cut * THOUGHT_ROW - this.tall / 2 + 9;
  }

  fill() {
    const first = Math.max(0, Math.floor(this.el.scrollTop / THOUGHT_ROW) - SPARE_ROWS);
    const last = Math.min(
      this.order.length,
      first + Math.ceil(this.tall / THOUGHT_ROW) + 2 * SPARE_ROWS,
    );
    for (const [place, row] of this.rows)
      if (place < first || place >= last) {
        row.remove();
        this.rows.delete(place);
      }
    let before = this.line;
    for (let place = first; place < last; place += 1) {
      const row = this.rows.get(place) ?? this.make(place, before);
      before = row;
      const passes = place < this.cut;
      if (row.passes === passes) continue;
      row.passes = passes;
      row.style.transform = `translateY(${place * THOUGHT_ROW + (passes ? 0 : 18)}px)`;
      row.dataset.passes = String(passes);
    }
  }

  /** Make a row and put it behind the one before it: read aloud, the order in the page is the order of the thoughts. */
  make(place, before) {
    const i = this.order[place];
    const [run, stream, , task, thought] = this.thoughts[i];
    const label = { 1: "good", 2: "bad" }[this.labels[i]] ?? "";
    const row = h(
      "div",
      {
        class: "wt-row",
        role: "listitem",
        "aria-posinset": place + 1,
        "aria-setsize": this.order.length,
        "data-thought": i,
      },
      h("span", { class: "wt-mark", "aria-hidden": "true" }),
      h("span", { class: "wt-value", text: fixed(this.values[i], 3) }),
      h("span", { class: "wt-label", text: label, "data-label": label }),
      h("span", { class: "wt-who", text: `${run ? `run ${run} ` : ""}#${stream}` }),
      h("span", { class: "wt-thought", text: oneLine(thought.trim()), title: visible(thought) }),
      h("span", { class: "wt-task", text: oneLine(task), title: visible(task) }),
    );
    row.addEventListener("mouseenter", () => this.onpoint(i));
    row.addEventListener("mouseleave", () => this.onpoint(null));
    this.rows.set(place, row);
    before.after(row);
    return row;
  }
}
