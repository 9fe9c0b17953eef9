// The cards of the streams that have a seat, and the crowd of all others as dots.

import { comparison } from "../base/decimals.js";
import { clip, h, number, oneLine, setText, visible } from "../base/text.js";
import { countBelow, NEVER } from "../timeline/columns.js";

/**
 * @import { Box, Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Run } from "../timeline/run.js"
 * @import { Phase, StreamCard } from "../timeline/stream_card.js"
 *
 * @typedef {object} Panel a card on the page
 * @property {HTMLElement} el
 * @property {HTMLElement} verdict
 * @property {HTMLElement} words
 * @property {number} first the first token that stands in `words`
 * @property {number} shown how many tokens have been written
 * @property {string} phase
 * @property {boolean} past
 * @property {number} slot
 */

export const LINGER_BEATS = 10; // in which a judged stream's branch fades
const CARD_HEIGHT = 58;
const SEATS = 6;
const MOST_DOTS = 400;
// More than a card's two lines hold: all of a long thought would be laid out again at every word.
const WORDS_KEPT = 120;
const WORDS_MOST = 320;
export const WORD_MS = 80; // words that come faster do not fade in
const STREAM_COLORS = ["purple", "orange", "sky", "blue"];
/** @type {Record<Phase, string>} */
const VERDICTS = {
  unborn: "",
  thinking: "",
  thought: "\u2026",
  accepted: "\u2713",
  injected: "\u2713",
  rejected: "\u2715",
  revoked: "\u21a9",
  failed: "!",
  closed: "\u25a1",
};

/**
 * Return the colour of a stream.
 *
 * @type {(card: StreamCard, theme: Theme) => string}
 */
export function streamColor(card, theme) {
  return theme.palette[STREAM_COLORS[card.stream % STREAM_COLORS.length]];
}

export class Cards {
  /**
   * @param {Run} run
   * @param {Theme} theme
   */
  constructor(run, theme) {
    this.run = run;
    this.theme = theme;
    /** @type {(StreamCard | null)[]} by seat, null for a free one */
    this.slots = [];
    /** @type {Map<StreamCard, Panel>} */
    this.panels = new Map();
    /** @type {StreamCard[]} */
    this.crowd = [];
    this.drawnAt = 0;
    this.movedAt = 0; // when a card last changed its seat
    this.list = h("div", { class: "wr-cards", role: "list", "aria-label": "Streams" });
    this.empty = h("p", {
      class: "wr-empty",
      text: "Streams branch off here when the River asks for them.",
    });
    this.crowdBox = h("div", { class: "wr-crowd" });
    this.crowdText = h("span", { class: "wr-crowd-text", "data-svg-text": "" });
    this.crowdBox.append(this.crowdText);
    this.el = h("div", { class: "wr-side" }, this.list, this.empty, this.crowdBox);
  }

  /** Return the cards that have a seat, in the order of the seats. */
  seated() {
    return this.slots.filter((card) => card !== null);
  }

  /** Seat the cards after `cursor` events: seats are kept, free ones go to the longest thoughts. */
  show(cursor) {
    const present = this.run.present(cursor, LINGER_BEATS);
    const seats = present.length > SEATS ? SEATS - 1 : SEATS;
    this.slots = Array.from({ length: seats }, (_, i) => {
      const card = this.slots[i] ?? null;
      return card && card.spawnedAt < cursor ? card : null;
    });
    const seated = new Set(this.seated());
    const isNew = seated.size === 0;
    const waiting = present.filter((card) => !seated.has(card));
    if (waiting.length > 1)
      waiting.sort((a, b) => this.interest(b, cursor) - this.interest(a, cursor));
    this.seat(waiting, present, cursor);
    const free = this.slots.filter((card) => !card).length;
    if (!waiting.length && free) this.seat(this.past(cursor, free), present, cursor);
    if (isNew) this.slots.sort((a, b) => (a?.spawnedAt ?? NEVER) - (b?.spawnedAt ?? NEVER));
    this.crowd = waiting;
    this.drawPanels(cursor);
    const num = this.crowd.length;
    const noun = num === 1 ? "stream" : "streams";
    setText(this.crowdText, num ? `and ${number(num)} more ${noun}` : "");
    this.list.classList.toggle("wr-full", this.slots.length === SEATS);
    this.empty.hidden = this.slots.some(Boolean);
  }

  /**
   * Give free seats, then those of streams judged long ago, to the cards that wait.
   *
   * @type {(waiting: StreamCard[], present: StreamCard[], cursor: number) => void}
   */
  seat(waiting, present, cursor) {
    const here = new Set(present);
    for (let i = 0; i < this.slots.length && waiting.length; i += 1)
      this.slots[i] ??= waiting.shift() ?? null;
    const old = this.seated().filter((card) => !here.has(card) && !waiting.includes(card));
    old.sort((a, b) => a.closedAt - b.closedAt);
    for (const card of old)
      if (waiting.length && waiting[0].closedAt >= cursor)
        this.slots[this.slots.indexOf(card)] = waiting.shift() ?? null;
  }

  /** Return the streams spawned last, oldest first, that have no seat. */
  past(cursor, most) {
    /** @type {StreamCard[]} */
    const found = [];
    const last = countBelow(this.run.when.spawned, cursor) - 1;
    for (let i = last; i >= 0 && found.length < most; i -= 1) {
      if (!this.slots.includes(this.run.order[i])) found.unshift(this.run.order[i]);
    }
    return found;
  }

  /**
   * Return how much a card is worth a seat: the nearer its verdict, the more.
   *
   * @type {(card: StreamCard, cursor: number) => number}
   */
  interest(card, cursor) {
    return card.closedAt < cursor
      ? -1
      : card.count(cursor) / (card.tokens.length + 1) + card.count(cursor) / 1000;
  }

  drawPanels(cursor) {
    const seated = new Set(this.seated());
    for (const [card, panel] of this.panels) {
      if (seated.has(card)) continue;
      panel.el.remove();
      this.panels.delete(card);
    }
    const now = performance.now();
    const slow = now - this.drawnAt > WORD_MS;
    this.drawnAt = now;
    this.slots.forEach((card, slot) => {
      if (!card) return;
      const panel = this.panels.get(card) ?? this.makePanel(card);
      if (panel.slot !== slot) {
        panel.slot = slot;
        panel.el.style.transform = `translateY(${slot * CARD_HEIGHT}px)`;
        this.movedAt = now;
      }
      this.fillPanel(panel, card, cursor, slow);
    });
  }

  /**
   * @param {StreamCard} card
   * @returns {Panel}
   */
  makePanel(card) {
    const verdict = h("span", { class: "wr-verdict", "data-svg-text": "" });
    const words = h("div", { class: "wr-words" }); // the style keeps its end in sight
    const el = h(
      "div",
      { class: "wr-card", role: "listitem", "data-stream": card.stream },
      h(
        "div",
        { class: "wr-card-head" },
        h("span", { class: "wr-pip" }),
        h("b", { text: `#${card.stream}`, "data-svg-text": "" }),
        h("span", {
          class: "wr-task",
          text: oneLine(card.task),
          title: visible(card.why ? `${card.task}\n${card.kind}: ${card.why}` : card.task),
          "data-svg-text": "",
        }),
        verdict,
      ),
      h("div", { class: "wr-thought" }, words),
    );
    el.style.setProperty("--stream", streamColor(card, this.theme));
    const panel = { el, verdict, words, first: 0, shown: 0, phase: "", past: false, slot: -1 };
    this.panels.set(card, panel);
    this.list.append(el);
    return panel;
  }

  /**
   * Bring a panel to a moment.
   *
   * @type {(panel: Panel, card: StreamCard, cursor: number, slow: boolean) => void}
   */
  fillPanel(panel, card, cursor, slow) {
    this.fillWords(panel, card, card.count(cursor), slow);
    const phase = card.phase(cursor);
    const past =
      card.closedAt < cursor &&
      this.run.beats[card.closedAt] < this.run.beatOf(cursor) - LINGER_BEATS;
    if (past !== panel.past) {
      panel.past = past;
      panel.el.classList.toggle("wr-past", past);
    }
    if (phase === panel.phase) return;
    panel.phase = phase;
    panel.el.dataset.phase = phase;
    const judged = card.gatedAt < cursor;
    const { similarity, threshold, accepted, failure } = card;
    const ended = phase === "closed" ? ` ${oneLine(clip(card.finish, 40))}` : ""; // no thought
    const words = judged ? ` ${comparison(similarity, threshold, accepted)}` : ended;
    const verdict = `${VERDICTS[phase]}${words}`;
    setText(panel.verdict, phase === "failed" ? `! ${oneLine(clip(failure, 40))}` : verdict);
  }

  /**
   * Write the last of a card's first `count` words. Begin again where too many would stand, or too
   * few before the last.
   *
   * @type {(panel: Panel, card: StreamCard, count: number, slow: boolean) => void}
   */
  fillWords(panel, card, count, slow) {
    const standing = count - panel.first;
    if (standing > WORDS_MOST || (panel.first > 0 && standing < WORDS_KEPT / 2)) {
      panel.words.replaceChildren();
      panel.first = Math.max(0, count - WORDS_KEPT);
      panel.shown = panel.first;
    }
    while (panel.shown > count) {
      panel.words.lastChild?.remove();
      panel.shown -= 1;
    }
    const fresh = slow && count - panel.shown <= 2;
    for (; panel.shown < count; panel.shown += 1) {
      panel.words.append(
        h("span", {
          class: fresh ? "wr-word wr-fresh" : "wr-word",
          text: oneLine(card.tokens[panel.shown]),
          "data-svg-text": "",
        }),
      );
    }
  }

  /**
   * Return where a dot of the crowd stands in its box.
   *
   * @type {(index: number, width: number) => [x: number, y: number]}
   */
  crowdPlace(index, width) {
    const perRow = Math.max(1, Math.floor((width - 8) / 11));
    return [8 + (index % perRow) * 11, 26 + Math.floor(index / perRow) * 11];
  }

  /**
   * Draw the crowd: a dot per stream, larger after a new token, hollow once judged.
   *
   * @type {(pen: Pen, box: Box, cursor: number) => void}
   */
  drawCrowd(pen, box, cursor) {
    const { theme } = this;
    const beat = this.run.beatOf(cursor);
    this.crowd.slice(0, MOST_DOTS).forEach((card, i) => {
      const [x, y] = this.crowdPlace(i, box.w);
      if (y > box.h - 4) return;
      const count = card.count(cursor);
      const last = count ? this.run.beats[card.tokenAt[count - 1]] : -99;
      const isFresh = beat - last < 2;
      const verdict = card.accepted ? theme.green : theme.vermilion;
      const color = streamColor(card, theme);
      if (card.closedAt < cursor)
        pen.circle(box.x + x, box.y + y, 2.6, { stroke: verdict, width: 1.4 });
      else pen.dot(box.x + x, box.y + y, isFresh ? 4 : 3, color, isFresh ? 1 : 0.55);
    });
  }

  /** @param {Run} run */
  reset(run) {
    this.run = run;
    this.slots = [];
    this.crowd = [];
    for (const { el } of this.panels.values()) el.remove();
    this.panels.clear();
  }
}
