// The River's text: one span per token, only the last stretch of it in the page, notes of accepted thoughts in its margin.

import { decimals } from "../base/decimals.js";
import { clip, h, number, oneLine, visible } from "../base/text.js";
import { motionOk } from "../base/theme.js";
import { WORD_MS } from "./cards.js";
import { countBelow } from "./fold.js";

const TEXT_WINDOW = 600; // all of it is laid out anew with every token
const TEXT_SLACK = 150;
const FRESH_MOST = 12;
const LIT_MS = 1100;
// Pixels.
const NOTE_TALL = 54;
const NOTE_SMALL = 22;
const NOTE_DRIFT = 130;

export class RiverText {
  /** `colorOf(card)` names a card's colour; `onnote(card | null)` is told which note is pointed at. */
  constructor(run, { colorOf, onnote }) {
    this.run = run;
    this.colorOf = colorOf;
    this.onnote = onnote;
    this.first = 0;
    this.end = 0;
    this.spans = [];
    this.notes = new Map();
    this.tops = new Map();
    this.window = TEXT_WINDOW;
    this.sticky = true;
    this.tinted = new Set();
    this.shownAt = 0;
    this.dyed = 0;
    this.owed = 0;
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
    this.margin = h("div", { class: "wr-notes" });
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
      this.margin,
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
    this.cursor = 0;
    this.observer = new ResizeObserver(() => this.onreflow()); // after layout: what it reads costs none
    this.observer.observe(this.text);
  }

  /** Lines have come, gone or wrapped otherwise: notes keep to their tokens, the end stays in sight. */
  onreflow() {
    this.tops.clear();
    this.placeNotes(this.cursor, true);
    if (this.sticky) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.onmoved?.();
  }

  onscroll() {
    const s = this.scroller;
    this.sticky = s.scrollHeight - s.scrollTop - s.clientHeight < 28;
    this.back.hidden = this.sticky;
    this.onmoved?.();
  }

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
        this.spans.pop().remove();
        this.end -= 1;
      }
      const now = performance.now();
      if (added > 0) this.append(end, added <= FRESH_MOST && now - this.shownAt > WORD_MS);
      this.shownAt = now;
    }
    this.mark(cursor);
  }

  rebuild(cursor) {
    this.spans.forEach((span) => span.remove());
    this.spans = [];
    this.tinted.clear();
    this.tops.clear();
    this.marked = this.noted = null;
    this.first = this.end = Math.max(0, this.run.numTokens(cursor) - this.window);
    this.more.hidden = this.first === 0;
    this.more.textContent = `\u25b2 ${number(this.first)} earlier tokens`;
    this.append(this.run.numTokens(cursor), false);
  }

  append(end, fresh) {
    const batch = document.createDocumentFragment();
    for (; this.end < end; this.end += 1) {
      const text = this.run.token(this.end);
      const kind =
        this.end < this.run.prompt.length
          ? "wr-tok wr-prompt"
          : fresh
            ? "wr-tok wr-fresh"
            : "wr-tok";
      const span = h("span", { class: kind, text: visible(text), "data-svg-text": "" });
      this.spans.push(span);
      batch.append(span);
    }
    this.text.insertBefore(batch, this.caret);
  }

  span(index) {
    return this.spans[index - this.first] ?? null;
  }

  /** Underline the triggers that have fired and tint tokens by the influence of injected thoughts. */
  mark(cursor, force = false) {
    const sum = this.run.counts(cursor);
    const key = [
      this.run.influences.length,
      this.run.influences.length ? sum.injected : 0,
      this.focus,
      this.first,
    ].join();
    const anew = force || key !== this.marked || sum.spawned < this.dyed;
    if (anew) this.wash();
    else if (sum.spawned === this.dyed && !this.owed && this.end === this.markedEnd) return;
    this.marked = key;
    this.markedEnd = this.end;
    this.dyeTriggers(sum.spawned);
    if (this.run.influences.length && (anew || this.end <= this.tintedTo))
      this.dyeInfluence(cursor);
  }

  /** Take all marks off the text. */
  wash() {
    for (const span of this.tinted) {
      span.removeAttribute("style");
      span.classList.remove("wr-trigger", "wr-tint");
      span.title = "";
    }
    this.tinted.clear();
    this.dyed = 0;
    this.owed = 0;
  }

  /** Underline the triggers of the first `count` streams, from where the last call ended or a token was missing. */
  dyeTriggers(count) {
    const from = this.owed ? this.owed - 1 : this.dyed;
    this.owed = 0;
    for (let n = from; n < count; n += 1) {
      const card = this.run.order[n];
      if (card.from < 0 || card.to < this.first) continue;
      if (card.to >= this.end) this.owed ||= n + 1;
      for (let i = Math.max(card.from, this.first); i <= card.to && i < this.end; i += 1)
        this.dye(this.span(i), "wr-trigger", this.colorOf(card));
    }
    this.dyed = count;
  }

  dyeInfluence(cursor) {
    const { tint, most } = this.run.influence(cursor, this.focus ?? null);
    this.tintedTo = Math.max(0, ...tint.keys()) + 1;
    for (const [index, kl] of tint) {
      const span = this.span(index);
      if (!span || kl <= 0) continue;
      this.dye(span, "wr-tint");
      span.style.setProperty("--kl", (Math.sqrt(kl / (most || 1)) * 0.55).toFixed(3));
      span.title = `KL ${number(kl)} nats`;
    }
  }

  dye(span, name, color) {
    if (!span) return;
    span.classList.add(name);
    if (color) span.style.setProperty("--stream", color);
    this.tinted.add(span);
  }

  /** Let a trigger light up for a moment. */
  flash(card) {
    if (!motionOk()) return;
    for (let i = Math.max(card.from, 0); i <= card.to; i += 1) {
      this.span(i)?.animate([{ background: this.colorOf(card), color: "var(--wz-surface)" }, {}], {
        duration: LIT_MS,
        easing: "ease-out",
      });
    }
  }

  /** Lay the notes beside the token their thought entered at: newest first, older ones move up, shrink, then give way. */
  placeNotes(cursor, force = false) {
    const num = countBelow(this.run.noteAt, cursor);
    const key = [num, this.first, this.run.counts(cursor).revoked].join();
    if (key === this.noted && !force) return;
    this.noted = key;
    const places = new Map(); // all read before the first is written: one layout, not one per note
    let limit = Infinity;
    for (let n = num - 1; n >= 0 && limit >= 30; n -= 1) {
      const card = this.run.notes[n];
      const ideal = this.topOf(card);
      if (ideal === null) break;
      const drift = ideal - (limit - NOTE_TALL);
      if (drift > NOTE_DRIFT * 2) continue;
      const small = drift > NOTE_DRIFT;
      const top = Math.min(ideal, limit - (small ? NOTE_SMALL : NOTE_TALL));
      places.set(card, { top, small });
      limit = top - 4;
    }
    for (const [card, place] of places) this.placeNote(card, place, cursor);
    for (const [card, note] of this.notes)
      if (!places.has(card)) {
        note.remove();
        this.notes.delete(card);
      }
  }

  /** Return where a card's note would stand, null above the text in the page. Asked once per reflow. */
  topOf(card) {
    if (card.noteToken < this.first) return null;
    if (!this.tops.has(card)) {
      const anchor = this.span(Math.min(card.noteToken, this.end) - 1);
      this.tops.set(card, anchor ? anchor.offsetTop + anchor.offsetHeight - 24 : null);
    }
    return this.tops.get(card);
  }

  placeNote(card, { top, small }, cursor) {
    const note = this.notes.get(card) ?? this.makeNote(card);
    const look = [top, small, card.revokedAt < cursor].join();
    if (note.look === look) return;
    note.look = look;
    note.style.top = `${top}px`;
    note.classList.toggle("wr-small", small);
    note.classList.toggle("wr-revoked", card.revokedAt < cursor);
  }

  makeNote(card) {
    const note = h(
      "button",
      {
        type: "button",
        class: "wr-note",
        title: "Show what this thought changed",
        style: `--stream:${this.colorOf(card)}`,
      },
      h("span", {
        class: "wr-note-head",
        text: `\u2713 #${card.stream}  ${decimals(card.similarity)}`,
        "data-svg-text": "",
      }),
      h("span", {
        class: "wr-note-text",
        text: oneLine(clip(card.note.trim(), 90)),
        "data-svg-text": "",
      }),
    );
    const point = (on) => () => {
      this.focus = on ? card.injection : null;
      this.mark(this.cursor, true);
      this.onnote(on ? card : null);
    };
    for (const [name, on] of [
      ["mouseenter", true],
      ["focus", true],
      ["mouseleave", false],
      ["blur", false],
    ])
      note.addEventListener(name, point(on));
    this.notes.set(card, note);
    this.margin.append(note);
    return note;
  }

  /** Forget everything drawn; the run has been replaced. */
  reset(run) {
    this.run = run;
    this.notes.forEach((note) => note.remove());
    this.notes.clear();
    this.rebuild(0);
  }
}
