// Tokens as flowing text: blocks the browser may skip while they are out of sight, one span per token.

import { OWN_KEYS } from "../base/controls.js";
import { h, visible } from "../base/text.js";
import { motionOk } from "../base/theme.js";

const BLOCK_TOKENS = 2000; // a text without line breaks is broken here, or nothing could be skipped

export class Flow {
  constructor(parent) {
    this.el = h("div", {
      class: "wz-flow",
      tabindex: 0,
      role: "group",
      "aria-label": "The context as text. Arrow keys walk through the tokens, Enter selects.",
      ...OWN_KEYS,
    });
    parent.append(this.el);
    this.spans = [];
    this.num = 0;
  }

  /** Write tokens from the ones already written on; fewer than before means a new text. Returns whether it wrote. */
  write(tokens, kinds, names) {
    const before = this.spans.length;
    const fresh = tokens.length < this.num || (this.num > 0 && tokens[this.num - 1] !== this.last);
    if (fresh) {
      this.el.replaceChildren();
      this.spans = [];
      this.num = 0;
    }
    for (let t = this.num; t < tokens.length; t += 1) {
      if (
        !this.block ||
        !this.num ||
        this.size >= BLOCK_TOKENS ||
        (this.size > 40 && tokens[t - 1]?.includes("\n"))
      )
        this.newBlock();
      const span = h("span", { class: tokens[t].startsWith(" ") ? "wz-t wz-spaced" : "wz-t" }); // its mark begins at the word
      span.dataset.t = t;
      const kind = names[kinds[t]] ?? "text";
      if (kind !== "text") span.dataset.kind = kind;
      span.textContent = visible(tokens[t]);
      this.block.append(span);
      this.spans.push(span);
      this.size += 1;
      this.num = t + 1;
    }
    this.last = tokens[tokens.length - 1];
    return this.spans.length !== before || fresh;
  }

  newBlock() {
    this.block = h("div", { class: "wz-block" });
    this.size = 0;
    this.el.append(this.block);
  }

  /** Return the token under an event, or -1. */
  tokenAt(event) {
    const span = event.target.closest?.(".wz-t");
    return span ? Number(span.dataset.t) : -1;
  }

  /** Return the tokens the native text selection touches. */
  selectedRange() {
    const range = document.getSelection();
    if (!range || range.isCollapsed || !this.el.contains(range.anchorNode)) return [];
    const of = (node) =>
      Number((node.nodeType === 3 ? node.parentNode : node).closest?.(".wz-t")?.dataset.t ?? -1);
    const ends = [of(range.anchorNode), of(range.focusNode)]
      .filter((t) => t >= 0)
      .sort((a, b) => a - b);
    return ends.length === 2
      ? Array.from({ length: ends[1] - ends[0] + 1 }, (_, i) => ends[0] + i)
      : [];
  }

  /** Give a class to exactly the tokens of `next`; only what changed is touched. */
  mark(name, next, before) {
    for (const t of before) if (!next.has(t)) this.spans[t]?.classList.remove(name);
    for (const t of next) if (!before.has(t)) this.spans[t]?.classList.add(name);
    return next;
  }

  /** Bring a token into view inside the scroller, leaving the page where it is. */
  reveal(t) {
    const span = this.spans[t];
    if (!span) return;
    const [box, own] = [this.el.parentNode.getBoundingClientRect(), span.getBoundingClientRect()];
    if (own.top >= box.top && own.bottom <= box.bottom) return;
    const top = this.el.parentNode.scrollTop + own.top - box.top - box.height / 3;
    this.el.parentNode.scrollTo({ top, behavior: motionOk() ? "smooth" : "auto" });
  }
}
