// The moment of a run in words.

import { counted, number, oneLine, setText } from "../base/text.js";

/** @import { LiveRunView } from "./view.js" */

const SAY_MS = 250; // between two changes of the words in the header
const SUMMARY_MS = 1000; // between two sentences for a screen reader
/** @type {Record<string, string>} by status of the engine */
const STATES_IN_WORDS = {
  running: "live",
  paused: "engine paused",
  stopped: "stopped",
  failed: "engine failed",
  measuring: "measuring influence",
  lost: "unfinished, no kernel",
  done: "done",
};

/**
 * Return the line in the header and the sentence for a screen reader.
 *
 * @param {LiveRunView} view
 * @returns {{ meta: string, text: string }}
 */
function wordsOf({ run, playhead, status }) {
  const { cursor, beat } = playhead;
  const sum = run.counts(cursor);
  const isOver = status === "failed" || status === "lost";
  const parts = [
    `${number(sum.alive)} ${isOver ? "unfinished" : "thinking"}`,
    `${number(sum.accepted)} accepted`,
    `${number(sum.rejected)} rejected`,
    `${number(sum.injected)} injected`,
  ];
  if (sum.failed) parts.push(`${number(sum.failed)} failed`);
  const state = STATES_IN_WORDS[status] ?? "replay";
  const meta = [...parts, state];
  if (run.start) meta.unshift(oneLine(run.start.model), `token ${number(run.numTokens(cursor))}`);
  const end = isOver ? `, ${state}` : "";
  const streams = counted(sum.spawned, "stream");
  return {
    meta: meta.join(" \u00b7 "),
    text: `Live run, step ${beat} of ${run.lastBeat}: ${streams}, ${parts.join(", ")}${end}.`,
  };
}

/** Writes the moment in words: a few times a second, for screen readers once. */
export class Words {
  /** @param {LiveRunView} view */
  constructor(view) {
    this.view = view;
    this.saidAt = -Infinity;
    this.summaryAt = 0;
    this.summary = "";
  }

  /** @param {number} now */
  say(now) {
    const { frame, frames, overlay, playhead, status } = this.view;
    frame.root.dataset.status = status || "replay";
    frame.root.dataset.empty = String(this.view.run.length === 0);
    const wait = playhead.playing ? SAY_MS : 0;
    if (now - this.saidAt < wait) {
      frames.wakeIn(wait);
      return;
    }
    this.saidAt = now;
    const { meta, text } = wordsOf(this.view);
    setText(frame.meta, meta);
    if (text === this.summary) return;
    const since = now - this.summaryAt;
    if (since < SUMMARY_MS) {
      frames.wakeIn(SUMMARY_MS - since); // the last of many sentences is written too
      return;
    }
    this.summaryAt = now;
    this.summary = text;
    frame.summary(text);
    overlay.canvas.setAttribute("aria-label", text);
  }
}
