// One stream as a view sees it: facts that only grow, as in live/stream_card.py.

import { countBelow, NEVER } from "./columns.js";

/**
 * @typedef {"unborn" | "thinking" | "thought" | "accepted" | "rejected" | "injected" | "revoked"
 *   | "failed" | "closed"} Phase
 */

export class StreamCard {
  /** @param {number} stream */
  constructor(stream) {
    this.stream = stream;
    this.task = "";
    this.kind = "";
    this.why = ""; // what made it fire, where the text alone does not say so
    this.from = -1; // the first and the last token of its trigger
    this.to = -1;
    this.version = -1; // of the snapshot it reads
    /** @type {string[]} */
    this.tokens = [];
    /** @type {number[]} */
    this.tokenAt = [];
    this.thought = "";
    this.reason = "";
    this.accepted = false;
    /** @type {number | null} */
    this.similarity = null;
    /** @type {number | null} */
    this.threshold = null;
    this.scorer = "";
    /** @type {Record<string, number | null>} by scorer */
    this.scores = {};
    this.injection = -1;
    this.note = "";
    this.noteToken = -1; // how many tokens the text had when the thought entered it
    this.failure = "";
    this.finish = "";
    this.spawnedAt = NEVER;
    this.thoughtAt = NEVER;
    this.gatedAt = NEVER;
    this.injectedAt = NEVER;
    this.revokedAt = NEVER;
    this.failedAt = NEVER;
    this.finishedAt = NEVER;
  }

  /** When the stream stopped being alive. */
  get closedAt() {
    return Math.min(this.gatedAt, this.failedAt, this.finishedAt);
  }

  /** Return how many tokens there are after `cursor` events. */
  count(cursor) {
    return countBelow(this.tokenAt, cursor);
  }

  /**
   * Return what the stream is after `cursor` events.
   *
   * @param {number} cursor
   * @returns {Phase}
   */
  phase(cursor) {
    if (this.spawnedAt >= cursor) return "unborn";
    if (this.revokedAt < cursor) return "revoked";
    if (this.failedAt < cursor) return "failed";
    if (this.injectedAt < cursor) return "injected";
    if (this.gatedAt < cursor) return this.accepted ? "accepted" : "rejected";
    if (this.finishedAt < cursor) return "closed";
    return this.thoughtAt < cursor ? "thought" : "thinking";
  }
}
