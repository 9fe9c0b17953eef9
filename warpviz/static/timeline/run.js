// A run folded from rows, as live/timeline.py folds it from events: columns that only grow.

import { countBelow, NEVER } from "./columns.js";
import { FOLDS } from "./fold.js";
import { StreamCard } from "./stream_card.js";

/**
 * @import { Strangers } from "./strangers.js"
 *
 * @typedef {any[]} Row [code, beat, ...], see live/rows.py
 * @typedef {"spawned" | "accepted" | "rejected" | "injected" | "revoked" | "failed"} Fate
 * @typedef {Record<Fate | "alive", number>} Counts
 * @typedef {{ scorer: string, theta: number, share: number, strangers: Strangers }} Measured
 * @typedef {{ model: string, prompt: string[], seed: number, theta: number | null,
 *   special: Set<number> }} Start
 */

export class Run {
  constructor() {
    /** @type {Row[]} */
    this.rows = [];
    /** @type {number[]} per row */
    this.beats = [];
    /** @type {Start | null} */
    this.start = null;
    /** @type {string[]} what the River wrote */
    this.tokens = [];
    /** @type {number[]} */
    this.tokenAt = [];
    /** @type {Map<number, StreamCard>} by stream */
    this.cards = new Map();
    /** @type {StreamCard[]} in the order of spawning */
    this.order = [];
    /** @type {StreamCard[]} in the order of judgement */
    this.gated = [];
    /** @type {number[]} */
    this.gatedAt = [];
    /** @type {Measured[]} thresholds that the gate measured */
    this.measured = [];
    /** @type {number[]} */
    this.measuredAt = [];
    /** @type {StreamCard[]} in the order of injection */
    this.notes = [];
    /** @type {number[]} */
    this.noteAt = [];
    /** @type {Row[]} */
    this.influences = [];
    /** @type {Row[]} */
    this.published = [];
    /** @type {number[]} */
    this.publishedAt = [];
    /** @type {Map<number, StreamCard>} by injection */
    this.injections = new Map();
    /** @type {Set<StreamCard>} alive after the last event */
    this.open = new Set();
    /** @type {StreamCard[]} in the order of closing, as in `when.closed` */
    this.closings = [];
    /** @type {Record<Fate | "closed", number[]>} the events that brought each fate to streams */
    this.when = {
      spawned: [],
      closed: [],
      accepted: [],
      rejected: [],
      injected: [],
      revoked: [],
      failed: [],
    };
    /** @type {{ beat: number, kind: string }[]} what the timeline shows */
    this.marks = [];
    /** @type {Map<number, number>} how many marks a beat has */
    this.drama = new Map();
    /** @type {number[]} streams alive per beat; beats without an event are holes */
    this.aliveByBeat = [0];
  }

  /** How many events there are. */
  get length() {
    return this.rows.length;
  }

  get lastBeat() {
    return this.beats.length ? this.beats[this.beats.length - 1] : 0;
  }

  get prompt() {
    return this.start?.prompt ?? [];
  }

  /** @param {Row[]} rows */
  push(rows) {
    for (const row of rows) this.add(row);
  }

  /** Return the card of a stream, made on the first call. */
  card(stream) {
    const card = this.cards.get(stream) ?? new StreamCard(stream);
    this.cards.set(stream, card);
    return card;
  }

  /** @param {Row} row */
  add(row) {
    const at = this.rows.length;
    this.rows.push(row);
    this.beats.push(row[1]);
    const wasOpen = row[2] !== null && this.cards.get(row[2])?.closedAt === NEVER;
    FOLDS[row[0]]?.(this, at, row);
    if (row[0] === "s") this.open.add(this.card(row[2]));
    else if ("gex".includes(row[0]) && wasOpen && this.open.delete(this.card(row[2]))) {
      this.closings.push(this.card(row[2]));
      this.when.closed.push(at);
    }
    this.aliveByBeat[row[1]] = this.open.size;
  }

  /** Set a mark on the timeline at the row's beat. */
  mark(row, kind) {
    this.marks.push({ beat: row[1], kind });
    this.drama.set(row[1], (this.drama.get(row[1]) ?? 0) + 1);
  }

  /** Return how many events have happened by the end of a beat. */
  cursorOf(beat) {
    return countBelow(this.beats, Math.floor(beat) + 1);
  }

  /** Return the beat of the last of `cursor` events. */
  beatOf(cursor) {
    return cursor > 0 ? this.beats[Math.min(cursor, this.length) - 1] : 0;
  }

  /** Return how many visible tokens there are: the prompt's, and those the River wrote. */
  numTokens(cursor) {
    return (cursor > 0 ? this.prompt.length : 0) + countBelow(this.tokenAt, cursor);
  }

  /** Return the text of a visible token. */
  token(index) {
    return index < this.prompt.length
      ? this.prompt[index]
      : this.tokens[index - this.prompt.length];
  }

  /** Return the cards alive now or until `linger` beats ago, in the order of spawning. */
  present(cursor, linger) {
    const first = countBelow(this.when.closed, this.cursorOf(this.beatOf(cursor) - linger - 1));
    const list = [...this.open];
    for (let i = first; i < this.closings.length; i += 1) list.push(this.closings[i]);
    return list.filter((card) => card.spawnedAt < cursor).sort((a, b) => a.spawnedAt - b.spawnedAt);
  }

  /**
   * Return how many streams met each fate: one search per column, however long the run is.
   *
   * @param {number} cursor
   * @returns {Counts}
   */
  counts(cursor) {
    const { when } = this;
    const spawned = countBelow(when.spawned, cursor);
    return {
      spawned,
      alive: spawned - countBelow(when.closed, cursor),
      accepted: countBelow(when.accepted, cursor),
      rejected: countBelow(when.rejected, cursor),
      injected: countBelow(when.injected, cursor),
      revoked: countBelow(when.revoked, cursor),
      failed: countBelow(when.failed, cursor),
    };
  }

  /** Return the gate's theta, null before the run has begun. */
  theta(cursor) {
    const count = countBelow(this.gatedAt, cursor);
    if (count) return this.gated[count - 1].threshold;
    const measured = countBelow(this.measuredAt, cursor);
    if (measured) return this.measured[measured - 1].theta;
    return (cursor > 0 ? this.start?.theta : null) ?? null;
  }

  /** The scorer that decides; empty before anything is known of it. */
  get scorer() {
    return this.measured[this.measured.length - 1]?.scorer ?? this.gated[0]?.scorer ?? "";
  }

  /**
   * The deciding scorer's similarities of strangers, sorted.
   *
   * @returns {number[]}
   */
  get strangers() {
    const last = this.measured[this.measured.length - 1];
    return last ? (last.strangers[last.scorer] ?? []) : [];
  }

  /** Return the tokens published last. */
  landmarks(cursor) {
    const count = countBelow(this.publishedAt, cursor);
    return count ? this.published[count - 1][5] : [];
  }

  /**
   * Return the influence per visible token, of all injections the strongest or of one, and its
   * maximum. It counts from the injection on, though it was measured later. A divergence measured
   * after a token is of the prediction of the next one: that word it belongs to.
   *
   * @param {number} cursor
   * @param {number | null} injection
   */
  influence(cursor, injection = null) {
    /** @type {Map<number, number>} */
    const tint = new Map();
    let most = 0;
    for (const [, , id, first, kl] of this.influences) {
      const since = this.injections.get(id)?.injectedAt ?? NEVER;
      if ((injection !== null && id !== injection) || since >= cursor) continue;
      kl.forEach((value, i) => {
        const word = first + i + 1;
        tint.set(word, Math.max(value ?? 0, tint.get(word) ?? 0));
      });
    }
    const end = this.numTokens(cursor); // the word after the last one was never written
    for (const word of tint.keys()) if (word >= end) tint.delete(word);
    for (const value of tint.values()) most = Math.max(most, value);
    return { tint, most };
  }
}
