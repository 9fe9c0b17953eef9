// Cards of the streams one can read, and the crowd of all others as dots.

import { comparison } from "../base/decimals.js";
import { clip, h, number, oneLine, setText, visible } from "../base/text.js";
import { countBelow, NEVER } from "./fold.js";

export const LINGER_BEATS = 10; // a judged stream's branch fades over these
const CARD_HEIGHT = 58;
const SEATS = 7;
// More than a panel's two lines hold; all of a long thought would be laid out anew with every word.
const WORDS_KEPT = 120;
const WORDS_MOST = 320;
export const WORD_MS = 80; // words that come faster than this need not fade in
const STREAM_COLORS = ["purple", "orange", "sky", "blue"];
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

export function streamColor(card, theme) {
  return theme[STREAM_COLORS[card.stream % STREAM_COLORS.length]];
}

export class Cards {
  constructor(run, theme) {
    this.run = run;
    this.theme = theme;
    this.slots = [];
    this.panels = new Map();
    this.crowd = [];
    this.drawnAt = 0;
    this.movedAt = 0;
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

  /** Seat the cards after `cursor` events: who has a seat keeps it, free seats go to those furthest in thought. */
  show(cursor) {
    const present = this.run.present(cursor, LINGER_BEATS);
    const seats = present.length > SEATS ? SEATS - 1 : SEATS;
    this.slots = Array.from({ length: seats }, (_, i) =>
      this.slots[i]?.spawnedAt < cursor ? this.slots[i] : null,
    );
    const seated = new Set(this.slots.filter(Boolean));
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
  interest(card, cursor) {
    return card.closedAt < cursor
      ? -1
      : card.count(cursor) / (card.tokens.length + 1) + card.count(cursor) / 1000;
  }

  drawPanels(cursor) {
    const seated = new Set(this.slots.filter(Boolean));
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

  makePanel(card) {
    const panel = { first: 0, shown: 0, phase: "" };
    panel.verdict = h("span", { class: "wr-verdict", "data-svg-text": "" });
    panel.words = h("div", { class: "wr-words" }); // its end stays in sight by itself
    panel.el = h(
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
          title: visible(card.task),
          "data-svg-text": "",
        }),
        panel.verdict,
      ),
      h("div", { class: "wr-thought" }, panel.words),
    );
    panel.el.style.setProperty("--stream", streamColor(card, this.theme));
    this.panels.set(card, panel);
    this.list.append(panel.el);
    return panel;
  }

  /** Bring a panel to this moment. */
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
    const against = judged
      ? `${VERDICTS[phase]} ${comparison(card.similarity, card.threshold, card.accepted)}`
      : VERDICTS[phase];
    setText(panel.verdict, phase === "failed" ? `! ${oneLine(clip(card.failure, 40))}` : against);
  }

  /** Write the last of a card's first `count` words; begin anew where too many stand, or too few before the last. */
  fillWords(panel, card, count, slow) {
    if (
      count - panel.first > WORDS_MOST ||
      (panel.first > 0 && count - panel.first < WORDS_KEPT / 2)
    ) {
      panel.words.replaceChildren();
      panel.first = panel.shown = Math.max(0, count - WORDS_KEPT);
    }
    while (panel.shown > count) {
      panel.words.lastChild.remove();
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

  crowdPlace(index, width) {
    const perRow = Math.max(1, Math.floor((width - 8) / 11));
    return [8 + (index % perRow) * 11, 26 + Math.floor(index / perRow) * 11];
  }

  /** Draw the crowd: one dot per stream, brighter the newer its last token, hollow once judged. */
  drawCrowd(pen, box, cursor) {
    const beat = this.run.beatOf(cursor);
    this.crowd.slice(0, 400).forEach((card, i) => {
      const [x, y] = this.crowdPlace(i, box.w);
      if (y > box.h - 4) return;
      const count = card.count(cursor);
      const last = count ? this.run.beats[card.tokenAt[count - 1]] : -99;
      const color = streamColor(card, this.theme);
      if (card.closedAt < cursor)
        pen.circle(box.x + x, box.y + y, 2.6, {
          stroke: card.accepted ? this.theme.green : this.theme.vermilion,
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
    this.panels.forEach((panel) => panel.el.remove());
    this.panels.clear();
  }
}
