// Where streams leave the River and where they arrive: the curves between text, cards and gate.

import { LINGER_BEATS, streamColor } from "./cards.js";
import { bend, onCurve } from "./flights.js";

const CURVE_STEPS = 24;
const FAR_STEPS = 10; // of the faint ones behind
const MOST_THREADS = 48;

export class Branches {
  constructor({ overlay, river, cards, gate, cloudBox }) {
    this.overlay = overlay;
    this.river = river;
    this.cards = cards;
    this.gate = gate;
    this.cloudBox = cloudBox;
    this.seen = null;
  }

  /** Read where things stand, once per frame; everything below answers from this. */
  look() {
    if (this.seen) return this.seen;
    const origin = this.overlay.canvas.getBoundingClientRect();
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
    for (const card of [
      ...this.cards.slots.filter(Boolean),
      ...this.cards.crowd.slice(0, MOST_THREADS),
    ])
      this.spanBox(card);
    return this.seen;
  }

  /** Forget the frame before. */
  blink() {
    this.seen = null;
  }

  /** The rectangle of an element, in the overlay's pixels. */
  local(el) {
    return this.look().of(el);
  }

  /** The rectangle of a stream's trigger, null when the text in the page does not hold it. */
  spanBox(card) {
    const { spans, of } = this.look();
    const span = this.river.span(card.to);
    if (span && !spans.has(span)) spans.set(span, of(span));
    return span ? spans.get(span) : null;
  }

  /** Where a stream leaves the River: its trigger in the text, or the bank beside it; null when it is out of sight. */
  trigger(card, inText = false) {
    const { view, isStacked } = this.look();
    const box = this.spanBox(card);
    const y = box ? box.y + box.h / 2 : view.y;
    const seen = y >= view.y && y <= view.y + view.h;
    if (inText)
      return seen && box
        ? [box.x + box.w, y]
        : [view.x + view.w, Math.max(view.y, Math.min(y, view.y + view.h))];
    if (isStacked) return [view.x + 1, view.y + view.h]; // cards below: branches run down the left bank
    return [view.x + view.w + 2, Math.max(view.y + 2, Math.min(y, view.y + view.h - 2))];
  }

  /** Where a card receives its stream: the middle of its left edge, or a share of its width; in the crowd, its dot. */
  port(card, share = 0) {
    const { panels, crowd, places } = this.look();
    const box = panels.get(card);
    if (box) return [box.x + box.w * share, share ? box.y + box.h - 6 : box.y + box.h / 2];
    const [, y] = this.cards.crowdPlace(places.get(card) ?? 0, crowd.w);
    return [crowd.x + 1 + 8 * share, crowd.y + y];
  }

  /** Draw the branches of streams in sight; `beat` fades the judged ones, `time` moves a pulse along those that think. */
  draw(pen, theme, { run, cursor, beat, time }) {
    for (const card of this.cards.crowd.slice(0, MOST_THREADS))
      if (card.closedAt >= cursor)
        this.thread(pen, theme, card, { alpha: 0.14, width: 1, steps: FAR_STEPS });
    for (const card of this.cards.slots) {
      if (!card) continue;
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

  thread(pen, theme, card, { alpha, width, steps }) {
    const bank = this.trigger(card);
    const curve = bend(bank, this.port(card), this.look().isStacked);
    const source = this.trigger(card, true);
    if (steps === CURVE_STEPS && source[0] < bank[0] && source[1] === bank[1])
      pen.line(...source, ...bank, {
        stroke: streamColor(card, theme),
        width: 1,
        alpha: alpha * 0.45,
        dash: [2, 4],
      });
    const points = Array.from({ length: steps + 1 }, (_, i) => onCurve(curve, i / steps));
    pen.path(points, { stroke: streamColor(card, theme), width, alpha });
    return curve;
  }
}
