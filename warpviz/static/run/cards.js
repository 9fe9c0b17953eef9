// Lanes of the streams one can read, and the crowd of all others as dots.

import { comparison } from "../base/decimals.js";
import { clip, h, number, oneLine, setText, visible } from "../base/text.js";
import { countBelow, NEVER } from "./fold.js";

export const LINGER_BEATS = 10; // a judged stream's branch fades over these
const LANE_HEIGHT = 58;
const SEATS = 7;
// More than a card's two lines hold; all of a long thought would be laid out anew with every word.
const WORDS_KEPT = 120;
const WORDS_MOST = 320;
export const WORD_MS = 80; // words that come faster than this need not fade in
const LANE_COLORS = ["purple", "orange", "sky", "blue"];
const VERDICTS = {
  thinking: "",
  thought: "\u2026",
  accepted: "\u2713",
  injected: "\u2713",
  rejected: "\u2715",
  revoked: "\u21a9",
  failed: "!",
  closed: "\u25a1",
};

export function laneColor(lane, theme) {
  return theme[LANE_COLORS[lane.stream % LANE_COLORS.length]];
}

export class Lanes {
  constructor(run, theme) {
    Object.assign(this, {
      run,
      theme,
      slots: [],
      cards: new Map(),
      crowd: [],
      drawnAt: 0,
      movedAt: 0,
    });
    this.list = h("div", { class: "wr-lanes", role: "list", "aria-label": "Streams" });
    this.empty = h("p", {
      class: "wr-empty",
      text: "Streams branch off here when the River asks for them.",
    });
    this.crowdBox = h("div", { class: "wr-crowd" });
    this.crowdText = h("span", { class: "wr-crowd-text", "data-ink": "" });
    this.crowdBox.append(this.crowdText);
    this.el = h("div", { class: "wr-side" }, this.list, this.empty, this.crowdBox);
  }

  /** Seat the lanes after `cursor` events: who has a seat keeps it, free seats go to those furthest in thought. */
  show(cursor) {
    const present = this.run.present(cursor, LINGER_BEATS);
    const seats = present.length > SEATS ? SEATS - 1 : SEATS;
    this.slots = Array.from({ length: seats }, (_, i) =>
      this.slots[i]?.spawnedAt < cursor ? this.slots[i] : null,
    );
    const seated = new Set(this.slots.filter(Boolean));
    const isNew = seated.size === 0;
    const waiting = present.filter((lane) => !seated.has(lane));
    if (waiting.length > 1)
      waiting.sort((a, b) => this.interest(b, cursor) - this.interest(a, cursor));
    this.seat(waiting, present, cursor);
    const free = this.slots.filter((lane) => !lane).length;
    if (!waiting.length && free) this.seat(this.past(cursor, free), present, cursor);
    if (isNew) this.slots.sort((a, b) => (a?.spawnedAt ?? NEVER) - (b?.spawnedAt ?? NEVER));
    this.crowd = waiting;
    this.drawCards(cursor);
    const num = this.crowd.length;
    setText(
      this.crowdText,
      num ? `and ${number(num)} more ${num === 1 ? "stream" : "streams"}` : "",
    );
    this.list.classList.toggle("wr-full", this.slots.length === SEATS);
    this.empty.hidden = this.slots.some(Boolean);
  }

  /** Give free seats, then those of streams judged long ago, to the ones waiting. */
  seat(waiting, present, cursor) {
    const here = new Set(present);
    for (let i = 0; i < this.slots.length && waiting.length; i += 1)
      this.slots[i] ??= waiting.shift();
    const old = [...this.slots.keys()].filter(
      (i) => this.slots[i] && !here.has(this.slots[i]) && !waiting.includes(this.slots[i]),
    );
    old.sort((a, b) => this.slots[a].closedAt - this.slots[b].closedAt);
    for (const i of old)
      if (waiting.length && waiting[0].closedAt >= cursor) this.slots[i] = waiting.shift();
  }

  /** Return the streams spawned last, oldest first, that have no seat. */
  past(cursor, most) {
    const found = [];
    for (
      let i = countBelow(this.run.when.spawned, cursor) - 1;
      i >= 0 && found.length < most;
      i -= 1
    ) {
      if (!this.slots.includes(this.run.order[i])) found.unshift(this.run.order[i]);
    }
    return found;
  }

  /** Those nearest their verdict are the ones to watch. */
  interest(lane, cursor) {
    return lane.closedAt < cursor
      ? -1
      : lane.count(cursor) / (lane.tokens.length + 1) + lane.count(cursor) / 1000;
  }

  drawCards(cursor) {
    const seated = new Set(this.slots.filter(Boolean));
    for (const [lane, card] of this.cards) {
      if (seated.has(lane)) continue;
      card.el.remove();
      this.cards.delete(lane);
    }
    const now = performance.now();
    const slow = now - this.drawnAt > WORD_MS;
    this.drawnAt = now;
    this.slots.forEach((lane, slot) => {
      if (!lane) return;
      const card = this.cards.get(lane) ?? this.makeCard(lane);
      if (card.slot !== slot) {
        card.slot = slot;
        card.el.style.transform = `translateY(${slot * LANE_HEIGHT}px)`;
        this.movedAt = now;
      }
      this.fillCard(card, lane, cursor, slow);
    });
  }

  makeCard(lane) {
    const card = { first: 0, shown: 0, phase: "" };
    card.verdict = h("span", { class: "wr-verdict", "data-ink": "" });
    card.words = h("div", { class: "wr-words" }); // its end stays in sight by itself
    card.el = h(
      "div",
      { class: "wr-lane", role: "listitem", "data-stream": lane.stream },
      h(
        "div",
        { class: "wr-lane-head" },
        h("span", { class: "wr-pip" }),
        h("b", { text: `#${lane.stream}`, "data-ink": "" }),
        h("span", {
          class: "wr-task",
          text: oneLine(lane.task),
          title: visible(lane.task),
          "data-ink": "",
        }),
        card.verdict,
      ),
      h("div", { class: "wr-thought" }, card.words),
    );
    card.el.style.setProperty("--lane", laneColor(lane, this.theme));
    this.cards.set(lane, card);
    this.list.append(card.el);
    return card;
  }

  /** Bring a card to this moment. */
  fillCard(card, lane, cursor, slow) {
    this.fillWords(card, lane, lane.count(cursor), slow);
    const phase = lane.phase(cursor);
    const past =
      lane.closedAt < cursor &&
      this.run.beats[lane.closedAt] < this.run.beatOf(cursor) - LINGER_BEATS;
    if (past !== card.past) {
      card.past = past;
      card.el.classList.toggle("wr-past", past);
    }
    if (phase === card.phase) return;
    card.phase = phase;
    card.el.dataset.phase = phase;
    const judged = lane.gatedAt < cursor;
    const against = judged
      ? `${VERDICTS[phase]} ${comparison(lane.similarity, lane.threshold, lane.accepted)}`
      : VERDICTS[phase];
    setText(card.verdict, phase === "failed" ? `! ${oneLine(clip(lane.failure, 40))}` : against);
  }

  /** Write the last of a lane's first `count` words; begin anew where too many stand, or too few before the last. */
  fillWords(card, lane, count, slow) {
    if (
      count - card.first > WORDS_MOST ||
      (card.first > 0 && count - card.first < WORDS_KEPT / 2)
    ) {
      card.words.replaceChildren();
      card.first = card.shown = Math.max(0, count - WORDS_KEPT);
    }
    while (card.shown > count) {
      card.words.lastChild.remove();
      card.shown -= 1;
    }
    const fresh = slow && count - card.shown <= 2;
    for (; card.shown < count; card.shown += 1) {
      card.words.append(
        h("span", {
          class: fresh ? "wr-word wr-fresh" : "wr-word",
          text: oneLine(lane.tokens[card.shown]),
          "data-ink": "",
        }),
      );
    }
  }

  crowdPlace(index, width) {
    const perRow = Math.max(1, Math.floor((width - 8) / 11));
    return [8 + (index % perRow) * 11, 26 + Math.floor(index / perRow) * 11];
  }

  /** Draw the crowd: one dot per stream, brighter the newer its last token, hollow once judged. */
  drawCrowd(pen, box, cursor) {
    const beat = this.run.beatOf(cursor);
    this.crowd.slice(0, 400).forEach((lane, i) => {
      const [x, y] = this.crowdPlace(i, box.w);
      if (y > box.h - 4) return;
      const count = lane.count(cursor);
      const last = count ? this.run.beats[lane.tokenAt[count - 1]] : -99;
      const color = laneColor(lane, this.theme);
      if (lane.closedAt < cursor)
        pen.circle(box.x + x, box.y + y, 2.6, {
          stroke: lane.accepted ? this.theme.green : this.theme.vermilion,
          width: 1.4,
        });
      else
        pen.dot(box.x + x, box.y + y, beat - last < 2 ? 4 : 3, color, beat - last < 2 ? 1 : 0.55);
    });
  }

  reset(run) {
    this.run = run;
    this.slots = [];
    this.crowd = [];
    this.cards.forEach((card) => card.el.remove());
    this.cards.clear();
  }
}
