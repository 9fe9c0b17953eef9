// Notes of accepted thoughts in the margin of the River's text.

import { decimals } from "../base/decimals.js";
import { clip, h, oneLine } from "../base/text.js";
import { countBelow } from "../timeline/columns.js";

/**
 * @import { RiverText } from "./river_text.js"
 * @import { StreamCard } from "../timeline/stream_card.js"
 *
 * @typedef {{ el: HTMLElement, look: string }} MarginNote
 */

// Pixels.
const NOTE_TALL = 54;
const NOTE_SMALL = 22;
const NOTE_GAP = 4;
const NOTE_DRIFT = 130; // a note this far above its token shrinks, at twice as far it gives way
const LEAST_TOP = 30; // above it there is no room for a note

export class MarginNotes {
  /** @param {RiverText} river */
  constructor(river) {
    this.river = river;
    this.el = h("div", { class: "wr-notes" });
    /** @type {Map<StreamCard, MarginNote>} */
    this.shown = new Map();
    /** @type {Map<StreamCard, number | null>} heights of the notes' tokens, read once per reflow */
    this.tops = new Map();
    this.placed = ""; // what the places depend on
  }

  /**
   * Return the note of a card, undefined when it has none in the margin.
   *
   * @param {StreamCard} card
   */
  get(card) {
    return this.shown.get(card)?.el;
  }

  /** The text has other lines, or begins elsewhere. */
  forget() {
    this.tops.clear();
    this.placed = "";
  }

  /** No thought is in flight to its note any more. */
  land() {
    for (const { el } of this.shown.values()) el.classList.remove("wr-coming");
  }

  /**
   * Put every note next to the token at which its thought entered, the newest first. Older notes
   * move up, shrink, then give way.
   *
   * @param {number} cursor
   */
  place(cursor) {
    const { run, first } = this.river;
    const num = countBelow(run.noteAt, cursor);
    const key = [num, first, run.counts(cursor).revoked].join();
    if (key === this.placed) return;
    this.placed = key;
    // All heights are read before the first is written: one layout, not one per note.
    /** @type {Map<StreamCard, { top: number, small: boolean }>} */
    const places = new Map();
    let limit = Infinity;
    for (let n = num - 1; n >= 0 && limit >= LEAST_TOP; n -= 1) {
      const card = run.notes[n];
      const ideal = this.topOf(card);
      if (ideal === null) break;
      const drift = ideal - (limit - NOTE_TALL);
      if (drift > NOTE_DRIFT * 2) continue;
      const small = drift > NOTE_DRIFT;
      const top = Math.min(ideal, limit - (small ? NOTE_SMALL : NOTE_TALL));
      places.set(card, { top, small });
      limit = top - NOTE_GAP;
    }
    for (const [card, { top, small }] of places) this.put(card, top, small, cursor);
    for (const [card, { el }] of this.shown)
      if (!places.has(card)) {
        el.remove();
        this.shown.delete(card);
      }
  }

  /**
   * Return where a note would stand, null if its token is above the text on the page.
   *
   * @param {StreamCard} card
   * @returns {number | null}
   */
  topOf(card) {
    const { river, tops } = this;
    if (card.noteToken < river.first) return null;
    const known = tops.get(card);
    if (known !== undefined) return known;
    const anchor = river.span(Math.min(card.noteToken, river.end) - 1);
    const top = anchor ? anchor.offsetTop + anchor.offsetHeight - 24 : null;
    tops.set(card, top);
    return top;
  }

  /** @type {(card: StreamCard, top: number, small: boolean, cursor: number) => void} */
  put(card, top, small, cursor) {
    const note = this.shown.get(card) ?? this.make(card);
    const isRevoked = card.revokedAt < cursor;
    const look = [top, small, isRevoked].join();
    if (note.look === look) return;
    note.look = look;
    note.el.style.top = `${top}px`;
    note.el.classList.toggle("wr-small", small);
    note.el.classList.toggle("wr-revoked", isRevoked);
  }

  /** @param {StreamCard} card */
  make(card) {
    const head = `\u2713 #${card.stream}  ${decimals(card.similarity)}`;
    const text = oneLine(clip(card.note.trim(), 90));
    const el = h(
      "button",
      {
        type: "button",
        class: "wr-note",
        title: "Show what this thought changed",
        onclick: () => this.river.onchoose(card),
        style: `--stream:${this.river.colorOf(card)}`,
      },
      h("span", { class: "wr-note-head", text: head, "data-svg-text": "" }),
      h("span", { class: "wr-note-text", text, "data-svg-text": "" }),
    );
    for (const name of ["mouseenter", "focus"])
      el.addEventListener(name, () => this.river.pointAt(card));
    for (const name of ["mouseleave", "blur"])
      el.addEventListener(name, () => this.river.pointAt(null));
    const note = { el, look: "" };
    this.shown.set(card, note);
    this.el.append(el);
    return note;
  }

  /** Remove every note: the run has been replaced. */
  clear() {
    this.el.replaceChildren();
    this.shown.clear();
    this.forget();
  }
}
