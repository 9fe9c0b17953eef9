// The River's text: one span per token, only its last stretch on the page, notes in its margin.

import { h, number, visible } from "../base/text.js";
import { motionOk } from "../base/theme.js";
import { WORD_MS } from "../run/cards.js";
import { MarginNotes } from "./notes.js";

/**
 * @import { Run } from "../timeline/run.js"
 * @import { StreamCard } from "../timeline/stream_card.js"
 *
 * @typedef {object} RiverOptions
 * @property {(card: StreamCard) => string} colorOf a stream's colour
 * @property {(card: StreamCard | null) => void} onnote called as the pointer enters or leaves one
 * @property {(card: StreamCard) => void} onchoose called when a note is clicked
 * @property {() => void} onmoved called when the text has moved on the page
 */

const TEXT_WINDOW = 600; // tokens on the page: all are laid out again with every new one
const TEXT_SLACK = 150; // tokens more than that before the first ones are removed
const FRESH_MOST = 12; // more new tokens at once do not fade in
const LIT_MS = 1100;
const END_REACH = 28; // pixels from the end at which the text keeps to its end

export class RiverText {
  /**
   * @param {Run} run
   * @param {RiverOptions} options
   */
  constructor(run, { colorOf, onnote, onchoose, onmoved }) {
    this.run = run;
    this.colorOf = colorOf;
    this.onnote = onnote;
    this.onchoose = onchoose;
    this.onmoved = onmoved;
    this.cursor = 0;
    this.first = 0; // the first token on the page
    this.end = 0; // the token after the last one
    /** @type {HTMLElement[]} from `first` on */
    this.spans = [];
    this.window = TEXT_WINDOW;
    this.sticky = true; // whether the end stays in sight
    this.shownAt = 0;
    /** @type {Set<HTMLElement>} the spans with a mark */
    this.markedSpans = new Set();
    /** @type {number | null} the injection pointed at */
    this.focus = null;
    this.marked = ""; // what the marks depend on
    this.markedEnd = 0;
    this.influencedTo = 0; // the token after the last one with influence
    this.numMarked = 0; // streams whose trigger is underlined
    this.incomplete = 0; // the first stream whose trigger was not complete, plus one; 0 for none
    this.more = h("button", {
      type: "button",
      class: "wr-more",
      hidden: true,
      onclick: () => {
        this.window *= 2;
        this.rebuild(this.cursor);
      },
    });
    this.text = h("div", { class: "wr-text" }, this.more);
    this.caret = h("span", { class: "wr-caret", "aria-hidden": "true" });
    this.text.append(this.caret);
    this.pointed = -1; // the word pointed at in the list of changed words
    this.notes = new MarginNotes(this);
    this.scroller = h(
      "div",
      {
        class: "wr-scroll",
        tabindex: 0,
        role: "log",
        "aria-live": "off",
        "aria-label": "River text",
      },
      this.text,
      this.notes.el,
    );
    this.back = h("button", {
      type: "button",
      class: "wr-back",
      hidden: true,
      text: "\u2193 latest",
      onclick: () => this.stick(),
    });
    this.el = h("div", { class: "wr-river" }, this.scroller, this.back);
    this.scroller.addEventListener("scroll", () => this.onscroll());
    this.observer = new ResizeObserver(() => this.onreflow()); // after layout: reading is free
    this.observer.observe(this.text);
    this.observer.observe(this.scroller);
  }

  /**
   * Outline a word of the text; -1 takes the outline off.
   *
   * @type {(index: number, reveals?: boolean) => void}
   */
  point(index, reveals = false) {
    this.span(this.pointed)?.classList.remove("wr-pointed");
    this.pointed = index;
    const span = this.span(index);
    span?.classList.add("wr-pointed");
    if (!span || !reveals) return;
    const { top, height } = this.scroller.getBoundingClientRect();
    const own = span.getBoundingClientRect();
    if (own.top < top || own.bottom > top + height)
      this.scroller.scrollTop += own.top - top - height / 3;
  }

  /** Lines have come, gone or wrapped in another way: notes follow, the end stays in sight. */
  onreflow() {
    this.notes.forget();
    this.notes.place(this.cursor);
    if (this.sticky) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.onmoved();
  }

  onscroll() {
    const s = this.scroller;
    this.sticky = s.scrollHeight - s.scrollTop - s.clientHeight < END_REACH;
    this.back.hidden = this.sticky;
    this.onmoved();
  }

  /** Go to the end and stay there. */
  stick() {
    this.sticky = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Show the text as it was after `cursor` events. */
  show(cursor) {
    this.cursor = cursor;
    const end = this.run.numTokens(cursor);
    const start = Math.max(0, end - this.window);
    if (end < this.first || start - this.first > TEXT_SLACK || start < this.first)
      this.rebuild(cursor);
    else {
      const added = end - this.end;
      while (this.end > end) {
        this.spans.pop()?.remove();
        this.end -= 1;
      }
      const now = performance.now();
      if (added > 0) this.append(end, added <= FRESH_MOST && now - this.shownAt > WORD_MS);
      this.shownAt = now;
    }
    this.mark(cursor);
  }

  /** Write the last stretch of the text from nothing. */
  rebuild(cursor) {
    for (const span of this.spans) span.remove();
    this.spans = [];
    this.markedSpans.clear();
    this.notes.forget();
    this.marked = "";
    this.first = Math.max(0, this.run.numTokens(cursor) - this.window);
    this.end = this.first;
    this.more.hidden = this.first === 0;
    this.more.textContent = `\u25b2 ${number(this.first)} earlier tokens`;
    this.append(this.run.numTokens(cursor), false);
  }

  /** @type {(end: number, fresh: boolean) => void} */
  append(end, fresh) {
    const { length } = this.run.prompt;
    const batch = document.createDocumentFragment();
    for (; this.end < end; this.end += 1) {
      const text = this.run.token(this.end);
      const kind = this.end < length ? " wr-prompt" : fresh ? " wr-fresh" : "";
      const special = this.run.start?.special.has(this.end) ? " wr-special" : "";
      const look = `wr-tok${kind}${special}`;
      const span = h("span", { class: look, text: visible(text), "data-svg-text": "" });
      this.spans.push(span);
      batch.append(span);
    }
    this.text.insertBefore(batch, this.caret);
  }

  /** Return the span of a token, null when it is not on the page. */
  span(index) {
    return this.spans[index - this.first] ?? null;
  }

  /** Underline the triggers that have fired, tint tokens by the influence of injected thoughts. */
  mark(cursor, force = false) {
    const sum = this.run.counts(cursor);
    const key = [
      this.run.influences.length,
      this.run.influences.length ? sum.injected : 0,
      this.focus,
      this.first,
    ].join();
    const again = force || key !== this.marked || sum.spawned < this.numMarked;
    if (again) this.clearMarks();
    else if (sum.spawned === this.numMarked && !this.incomplete && this.end === this.markedEnd)
      return;
    this.marked = key;
    this.markedEnd = this.end;
    this.markTriggers(sum.spawned);
    if (this.run.influences.length && (again || this.end <= this.influencedTo))
      this.markInfluence(cursor);
  }

  /** Take all marks off the text. */
  clearMarks() {
    for (const span of this.markedSpans) {
      span.removeAttribute("style");
      span.classList.remove("wr-trigger", "wr-tint");
      span.title = "";
    }
    this.markedSpans.clear();
    this.numMarked = 0;
    this.incomplete = 0;
  }

  /** Underline the triggers of the first `count` streams that are not underlined yet. */
  markTriggers(count) {
    const from = this.incomplete ? this.incomplete - 1 : this.numMarked;
    this.incomplete = 0;
    for (let n = from; n < count; n += 1) {
      const card = this.run.order[n];
      if (card.from < 0 || card.to < this.first) continue;
      if (card.to >= this.end) this.incomplete ||= n + 1;
      for (let i = Math.max(card.from, this.first); i <= card.to && i < this.end; i += 1)
        this.markSpan(this.span(i), "wr-trigger", this.colorOf(card));
    }
    this.numMarked = count;
  }

  markInfluence(cursor) {
    const { tint, most } = this.run.influence(cursor, this.focus);
    this.influencedTo = Math.max(0, ...tint.keys()) + 1;
    for (const [index, kl] of tint) {
      const span = this.span(index);
      if (!span || kl <= 0) continue;
      this.markSpan(span, "wr-tint");
      span.style.setProperty("--kl", (Math.sqrt(kl / (most || 1)) * 0.55).toFixed(3));
      span.title = `thoughts moved the prediction of this word by ${number(kl)} nats`;
    }
  }

  /** @type {(span: HTMLElement | null, name: string, color?: string) => void} */
  markSpan(span, name, color) {
    if (!span) return;
    span.classList.add(name);
    if (color) span.style.setProperty("--stream", color);
    this.markedSpans.add(span);
  }

  /**
   * Let a trigger light up for a moment.
   *
   * @param {StreamCard} card
   */
  flash(card) {
    if (!motionOk()) return;
    for (let i = Math.max(card.from, 0); i <= card.to; i += 1) {
      const lit = { background: this.colorOf(card), color: "var(--wz-surface)" };
      this.span(i)?.animate([lit, {}], { duration: LIT_MS, easing: "ease-out" });
    }
  }

  /**
   * Show what one thought changed; null shows what all of them changed.
   *
   * @param {StreamCard | null} card
   */
  pointAt(card) {
    this.focus = card ? card.injection : null;
    this.mark(this.cursor, true);
    this.onnote(card);
  }

  /** @param {Run} run */
  reset(run) {
    this.run = run;
    this.notes.clear();
    this.rebuild(0);
  }
}
