// What a thought changed: a legend, the words whose prediction moved most, and the River's text
// beside the one that it would have written without the thought.

import { clip, h, number, oneLine, setText, visible } from "../base/text.js";

/**
 * @import { LiveRunView } from "../run/view.js"
 * @import { StreamCard } from "../timeline/stream_card.js"
 *
 * @typedef {{ at: number, tokens: string[] }} Rewritten what was written from token `at` on
 */

const MOST_WORDS = 5;
const LEAST_KL = 0.01; // nats; a prediction that moved by less did not change
const BEFORE = 6; // tokens shown before the first one that differs
const AFTER = 12;

export class Effect {
  /** @param {LiveRunView} view */
  constructor(view) {
    this.view = view;
    /** @type {StreamCard | null} the thought whose note was clicked */
    this.chosen = null;
    this.asked = new Set();
    this.shown = ""; // what the strip shows
    this.title = h("b", { "data-svg-text": "" });
    this.most = h("span", { "data-svg-text": "" });
    this.legend = h(
      "span",
      { class: "wr-legend", title: "How far the prediction of a word moved: KL divergence, nats" },
      h("span", { text: "prediction moved: 0", "data-svg-text": "" }),
      h("i", { "aria-hidden": "true" }),
      this.most,
    );
    this.ask = h("button", {
      type: "button",
      class: "wz-button wr-without",
      text: "Write without it",
      title: "Let the River write on from here as if the thought had not entered",
      onclick: () => this.send(),
    });
    const group = { class: "wr-changed", role: "group", "aria-label": "Most changed words" };
    this.words = h("div", group);
    this.texts = h("div", { class: "wr-rewritten" });
    const head = h("div", { class: "wr-effect-head" }, this.title, this.legend, this.ask);
    this.el = h("div", { class: "wr-effect", hidden: true }, head, this.words, this.texts);
  }

  /** The thought that is shown: pointed at, clicked, or the one that changed most. */
  get card() {
    const { focus, playhead, run } = this.view;
    const seen = (card) => card && card.injection !== null && card.injectedAt < playhead.cursor;
    const wanted = [focus, this.chosen].find(seen);
    if (wanted) return wanted;
    /** @type {StreamCard | null} */
    let best = null;
    let most = -1;
    for (const [, , id, , kl] of run.influences) {
      const card = run.injections.get(id);
      const own = Math.max(0, ...kl.slice(0, -1)); // the last one is of a word not written
      if (!card || !seen(card) || own <= most) continue;
      best = card;
      most = own;
    }
    return best;
  }

  /** Ask the kernel what the River would have written. */
  send() {
    const { card } = this;
    if (card?.injection == null) return;
    this.asked.add(card.injection);
    this.view.store.send({ op: "without", injection: card.injection });
    this.show(true);
  }

  /** Show what is known at this moment; cheap when nothing has changed. */
  show(again = false) {
    const { run, playhead, store } = this.view;
    const { card } = this;
    const rewritten = card ? (store.data.without?.[String(card.injection)] ?? null) : null;
    const { canRewrite } = this;
    const parts = [card?.injection, run.influences.length, run.numTokens(playhead.cursor)];
    const key = [...parts, rewritten !== null, canRewrite].join();
    if (key === this.shown && !again) return;
    this.shown = key;
    this.el.hidden = !card || !run.influences.some(([, , id]) => id === card.injection);
    if (!card || this.el.hidden) return;
    const { tint, most } = run.influence(playhead.cursor, card.injection);
    setText(this.title, `What thought #${card.stream} changed`);
    setText(this.most, `${number(most)} nats`);
    this.showWords(tint);
    const isAsked = this.asked.has(card.injection) && canRewrite;
    this.ask.hidden = rewritten !== null || !canRewrite;
    this.ask.disabled = isAsked;
    setText(this.ask, isAsked ? "Writing\u2026" : "Write without it");
    this.showTexts(rewritten);
  }

  get canRewrite() {
    const { status, store } = this.view;
    return store.live && Boolean(store.data.rewrites) && ["done", "stopped"].includes(status);
  }

  /** @param {Map<number, number>} tint */
  showWords(tint) {
    const { run, river } = this.view;
    const moved = [...tint].filter(([, kl]) => kl >= LEAST_KL);
    moved.sort((a, b) => b[1] - a[1]);
    const chips = moved.slice(0, MOST_WORDS).map(([index, kl]) => {
      const word = oneLine(run.token(index).trim() || run.token(index));
      const chip = h(
        "button",
        { type: "button", class: "wr-chip", title: `Its prediction moved by ${number(kl)} nats` },
        h("span", { text: clip(word, 24), "data-svg-text": "" }),
        h("small", { text: number(kl), "data-svg-text": "" }),
      );
      for (const name of ["mouseenter", "focus"])
        chip.addEventListener(name, () => river.point(index, name === "focus"));
      for (const name of ["mouseleave", "blur"]) chip.addEventListener(name, () => river.point(-1));
      return chip;
    });
    if (chips.length) this.words.replaceChildren("most changed: ", ...chips);
    else
      this.words.replaceChildren(
        `no word\u2019s prediction moved by ${LEAST_KL} nats or more: it did not matter`,
      );
  }

  /** @param {Rewritten | null} rewritten */
  showTexts(rewritten) {
    this.texts.hidden = rewritten === null;
    if (!rewritten) return;
    const { run, playhead } = this.view;
    const { at, tokens } = rewritten;
    const end = run.numTokens(playhead.cursor);
    const told = Array.from({ length: Math.max(0, end - at) }, (_, i) => run.token(at + i));
    let first = 0;
    while (first < told.length && told[first] === tokens[first]) first += 1;
    if (first === told.length) {
      this.texts.replaceChildren("without it the River writes the same words");
      return;
    }
    const from = Math.max(0, first - BEFORE);
    const line = (name, words, others) => {
      const pieces = words.slice(from, first + AFTER).map((word, i) => {
        const text = visible(i ? word : word.trimStart()).replace(/\n/g, " ");
        const tag = word === others[from + i] ? "span" : "mark";
        return h(tag, { text, "data-svg-text": "" });
      });
      const label = h("span", { class: "wr-side-name", text: name, "data-svg-text": "" });
      return h("p", {}, label, h("span", {}, "\u2026 ", ...pieces, " \u2026"));
    };
    this.texts.replaceChildren(line("with", told, tokens), line("without", tokens, told));
  }

  /** Begin again with another run. */
  reset() {
    this.chosen = null;
    this.asked.clear();
    this.shown = "";
  }
}
