// The curves between text, cards and gate: where streams leave the River, where they arrive.

import { bend, onCurve } from "../motion/curves.js";
import { LINGER_BEATS, streamColor } from "./cards.js";

/**
 * @import { Box, Pen, Point } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Curve } from "../motion/curves.js"
 * @import { Run } from "../timeline/run.js"
 * @import { StreamCard } from "../timeline/stream_card.js"
 * @import { LiveRunView } from "./view.js"
 *
 * @typedef {object} Seen boxes in the overlay's pixels
 * @property {DOMRect} origin of the overlay on the page
 * @property {(el: Element) => Box} of
 * @property {Box} view the River's text
 * @property {Map<StreamCard, Box>} panels
 * @property {Map<StreamCard, number>} places in the crowd
 * @property {Box} crowd
 * @property {Box} gate
 * @property {Box} cloud
 * @property {Map<Element, Box>} spans
 * @property {boolean} isStacked whether the cards are below the text
 */

const CURVE_STEPS = 24;
const FAR_STEPS = 10; // of a curve to the crowd
const MOST_THREADS = 48;

export class Branches {
  /** @param {LiveRunView} view */
  constructor({ overlay, river, cards, gate, cloudBox }) {
    this.overlay = overlay;
    this.river = river;
    this.cards = cards;
    this.gate = gate;
    this.cloudBox = cloudBox;
    /** @type {Seen | null} */
    this.seen = null;
  }

  /**
   * Read where things stand on the page, once per frame.
   *
   * @returns {Seen}
   */
  read() {
    if (this.seen) return this.seen;
    const origin = this.overlay.canvas.getBoundingClientRect();
    /** @type {(el: Element) => Box} */
    const of = (el) => {
      const box = el.getBoundingClientRect();
      return { x: box.left - origin.left, y: box.top - origin.top, w: box.width, h: box.height };
    };
    const view = of(this.river.scroller);
    const side = of(this.cards.el);
    const panels = new Map([...this.cards.panels].map(([card, panel]) => [card, of(panel.el)]));
    const places = new Map(this.cards.crowd.map((card, i) => [card, i]));
    this.seen = {
      origin,
      of,
      view,
      panels,
      places,
      crowd: of(this.cards.crowdBox),
      gate: of(this.gate),
      cloud: of(this.cloudBox),
      spans: new Map(),
      isStacked: side.y >= view.y + view.h,
    };
    for (const card of this.cards.seated()) this.spanBox(card);
    for (const card of this.cards.crowd.slice(0, MOST_THREADS)) this.spanBox(card);
    return this.seen;
  }

  /** Forget what was read: the page may have changed. */
  forget() {
    this.seen = null;
  }

  /**
   * Return the box of an element.
   *
   * @param {Element} el
   */
  local(el) {
    return this.read().of(el);
  }

  /**
   * Return the box of a stream's trigger, null when it is not in the text on the page.
   *
   * @param {StreamCard} card
   * @returns {Box | null}
   */
  spanBox(card) {
    const { spans, of } = this.read();
    const span = this.river.span(card.to);
    if (!span) return null;
    const box = spans.get(span) ?? of(span);
    spans.set(span, box);
    return box;
  }

  /**
   * Return where a stream leaves the River: its trigger in the text, or the edge of the text at the
   * same height.
   *
   * @type {(card: StreamCard, inText?: boolean) => Point}
   */
  trigger(card, inText = false) {
    const { view, isStacked } = this.read();
    const box = this.spanBox(card);
    const y = box ? box.y + box.h / 2 : view.y;
    const seen = y >= view.y && y <= view.y + view.h;
    const low = view.y + view.h;
    if (inText && seen && box) return [box.x + box.w, y];
    if (inText) return [view.x + view.w, Math.max(view.y, Math.min(y, low))];
    if (isStacked) return [view.x + 1, low]; // cards below: branches run down along the left edge
    return [view.x + view.w + 2, Math.max(view.y + 2, Math.min(y, low - 2))];
  }

  /**
   * Return where a card receives its stream: the middle of its left edge, or with a share of its
   * width at its lower edge; in the crowd its dot.
   *
   * @type {(card: StreamCard, share?: number) => Point}
   */
  port(card, share = 0) {
    const { panels, crowd, places } = this.read();
    const box = panels.get(card);
    if (box) return [box.x + box.w * share, share ? box.y + box.h - 6 : box.y + box.h / 2];
    const [, y] = this.cards.crowdPlace(places.get(card) ?? 0, crowd.w);
    return [crowd.x + 1 + 8 * share, crowd.y + y];
  }

  /**
   * Draw the branches of streams in sight. Judged ones fade with the beat; a pulse moves with the
   * time along those that think (null: no pulse).
   *
   * @param {Pen} pen
   * @param {Theme} theme
   * @param {{ run: Run, cursor: number, beat: number, time: number | null }} moment
   */
  draw(pen, theme, { run, cursor, beat, time }) {
    for (const card of this.cards.crowd.slice(0, MOST_THREADS))
      if (card.closedAt >= cursor)
        this.thread(pen, theme, card, { alpha: 0.14, width: 1, steps: FAR_STEPS });
    for (const card of this.cards.seated()) {
      const age = card.closedAt < cursor ? (beat - run.beats[card.closedAt]) / LINGER_BEATS : 0;
      if (age >= 1) continue;
      const curve = this.thread(pen, theme, card, {
        alpha: 0.75 * (1 - age),
        width: 2,
        steps: CURVE_STEPS,
      });
      if (time === null || card.phase(cursor) !== "thinking") continue;
      const [x, y] = onCurve(curve, (time / 1300 + card.stream * 0.37) % 1);
      pen.dot(x, y, 3, streamColor(card, theme), 0.9);
    }
  }

  /**
   * Draw the branch of one stream; returns its curve.
   *
   * @param {Pen} pen
   * @param {Theme} theme
   * @param {StreamCard} card
   * @param {{ alpha: number, width: number, steps: number }} look
   * @returns {Curve}
   */
  thread(pen, theme, card, { alpha, width, steps }) {
    const stroke = streamColor(card, theme);
    const bank = this.trigger(card);
    const curve = bend(bank, this.port(card), this.read().isStacked);
    const source = this.trigger(card, true);
    if (steps === CURVE_STEPS && source[0] < bank[0] && source[1] === bank[1])
      pen.line(...source, ...bank, { stroke, width: 1, alpha: alpha * 0.45, dash: [2, 4] });
    const points = Array.from({ length: steps + 1 }, (_, i) => onCurve(curve, i / steps));
    pen.path(points, { stroke, width, alpha });
    return curve;
  }
}
