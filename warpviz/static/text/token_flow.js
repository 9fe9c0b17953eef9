// Tokens as flowing text: one span per token, in blocks that the browser skips out of sight.

import { h, visible } from "../base/text.js";
import { motionOk } from "../base/theme.js";
import { OWN_KEYS } from "../frame/controls.js";

const BLOCK_TOKENS = 2000; // also in a text without line breaks, so that it can be skipped
const LEAST_BLOCK = 40;

export class Flow {
  /** @param {HTMLElement} parent the element that scrolls */
  constructor(parent) {
    this.parent = parent;
    this.el = h("div", {
      class: "wz-flow",
      tabindex: 0,
      role: "group",
      "aria-label": "The context as text. Arrow keys walk through the tokens, Enter selects.",
      ...OWN_KEYS,
    });
    parent.append(this.el);
    /** @type {HTMLElement[]} */
    this.spans = [];
    this.num = 0; // tokens written
    this.size = 0; // tokens in the last block
    this.last = "";
    this.block = h("div"); // the first token begins a block of its own
  }

  /**
   * Write the tokens that are new; fewer than before mean a new text. Returns whether it wrote.
   *
   * @param {string[]} tokens
   * @param {ArrayLike<number>} kinds per token
   * @param {string[]} names per kind
   */
  write(tokens, kinds, names) {
    const before = this.spans.length;
    const fresh = tokens.length < this.num || (this.num > 0 && tokens[this.num - 1] !== this.last);
    if (fresh) {
      this.el.replaceChildren();
      this.spans = [];
      this.num = 0;
    }
    for (let t = this.num; t < tokens.length; t += 1) {
      const isEnd = this.size > LEAST_BLOCK && tokens[t - 1]?.includes("\n");
      if (!this.num || this.size >= BLOCK_TOKENS || isEnd) this.block = this.newBlock();
      // The mark of a token that begins with a space begins at its word.
      const span = h("span", { class: tokens[t].startsWith(" ") ? "wz-t wz-spaced" : "wz-t" });
      span.dataset.t = String(t);
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
    const block = h("div", { class: "wz-block" });
    this.size = 0;
    this.el.append(block);
    return block;
  }

  /**
   * Return the token under an event, or -1.
   *
   * @param {Event} event
   */
  tokenAt(event) {
    return tokenOf(event.target);
  }

  /** Return the tokens that the browser's own text selection touches. */
  selectedRange() {
    const range = document.getSelection();
    if (!range || range.isCollapsed || !this.el.contains(range.anchorNode)) return [];
    const ends = [tokenOf(range.anchorNode), tokenOf(range.focusNode)]
      .filter((t) => t >= 0)
      .sort((a, b) => a - b);
    return ends.length === 2
      ? Array.from({ length: ends[1] - ends[0] + 1 }, (_, i) => ends[0] + i)
      : [];
  }

  /**
   * Give a class to exactly the tokens of `next`, changing only the spans that differ.
   *
   * @param {string} name
   * @param {Set<number>} next
   * @param {Set<number>} before
   */
  mark(name, next, before) {
    for (const t of before) if (!next.has(t)) this.spans[t]?.classList.remove(name);
    for (const t of next) if (!before.has(t)) this.spans[t]?.classList.add(name);
    return next;
  }

  /** Bring a token into view inside the scroller, leaving the page where it is. */
  reveal(t) {
    const span = this.spans[t];
    if (!span) return;
    const box = this.parent.getBoundingClientRect();
    const own = span.getBoundingClientRect();
    if (own.top >= box.top && own.bottom <= box.bottom) return;
    const top = this.parent.scrollTop + own.top - box.top - box.height / 3;
    this.parent.scrollTo({ top, behavior: motionOk() ? "smooth" : "auto" });
  }
}

/**
 * Return the token of the span around a node, or -1.
 *
 * @param {EventTarget | null} node
 */
function tokenOf(node) {
  const el = node instanceof Element ? node : node instanceof Node ? node.parentElement : null;
  const span = el?.closest(".wz-t");
  return span instanceof HTMLElement ? Number(span.dataset.t) : -1;
}
