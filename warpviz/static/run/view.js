// LiveRun: the River's text, the cards of streams, the gate's axis, and the motion between them.

import { WARPVIZ } from "../base/store.js";
import { h } from "../base/text.js";
import { AskBox } from "../frame/ask.js";
import { widget } from "../frame/frame.js";
import { addHelp } from "../frame/help.js";
import { Flights } from "../motion/flights.js";
import { Frames } from "../motion/frames.js";
import { Effect } from "../river/effect.js";
import { RiverText } from "../river/river_text.js";
import { SmallCloud } from "../timeline/map.js";
import { sourceOf } from "../timeline/source.js";
import { actsOf } from "./acts.js";
import { GateAxis } from "./axis.js";
import { Beginning } from "./beginning.js";
import { Branches } from "./branches.js";
import { Cards, streamColor, WORD_MS } from "./cards.js";
import { flyRow } from "./fly.js";
import { Layers } from "./layers.js";
import { Playhead } from "./playhead.js";
import { Transport } from "./transport.js";
import { Words } from "./words.js";

/**
 * @import { Frame, Mount } from "../frame/frame.js"
 * @import { Store } from "../base/store.js"
 * @import { StreamCard } from "../timeline/stream_card.js"
 */

const SETTLE_MS = 340; // in which cards glide to their seats
const FRAME_MS = 24; // between two frames where much happens at once
const UNSEEN_MS = 500; // between two steps of a view that is out of sight
const MOST_FLYING = 600; // rows passed at once of which some may fly
const AT_WORK = ["running", "paused", "measuring"];

export class LiveRunView {
  /**
   * @param {Frame} frame
   * @param {Store} store
   */
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.source = sourceOf(store);
    this.flights = new Flights();
    /** @type {Set<StreamCard>} thoughts in flight to the gate */
    this.hidden = new Set();
    /** @type {StreamCard | null} the card whose note is pointed at */
    this.focus = null;
    this.length = 0; // rows that have been taken in
    this.beginning = new Beginning(this);
    this.isBusy = false; // whether moments follow one another too fast for small motions
    this.movedAt = 0;
    this.between = 2 * WORD_MS; // the mean time between two moves
    this.settled = 0; // when the cards will have stopped gliding
    this.frames = new Frames(
      (now) => frame.guard(() => this.step(now)),
      () => this.rest(),
    );
    this.words = new Words(this);
    this.playhead = new Playhead(this.run, (from, to, jumped) => this.moved(from, to, jumped));
    this.river = new RiverText(this.run, {
      colorOf: (card) => streamColor(card, frame.theme),
      onnote: (card) => {
        this.focus = card;
        this.repaint();
      },
      onchoose: (card) => {
        this.effect.chosen = card;
        this.repaint();
      },
      onmoved: () => this.repaint(),
    });
    this.effect = new Effect(this);
    this.cards = new Cards(this.run, frame.theme);
    this.axis = new GateAxis(this.run);
    this.cloud = new SmallCloud(store);
    frame.root.tabIndex = -1;
    this.gate = h("div", { class: "wr-gate" });
    this.cloudBox = h("div", { class: "wr-cloud", hidden: true });
    const strip = h("div", { class: "wr-strip" }, this.gate, this.cloudBox);
    const text = column(this.river.el, "The River\u2019s text", "accepted thoughts");
    text.append(this.effect.el);
    const side = column(this.cards.el, "Streams: task and thought", "verdict of the gate");
    this.stage = h("div", { class: "wr-stage" }, text, side, strip);
    frame.body.append(this.stage);
    this.layers = new Layers(this);
    this.overlay = this.layers.overlay;
    this.sky = this.layers.sky;
    this.branches = new Branches(this);
    this.transport = new Transport(frame, { playhead: this.playhead, act: actsOf(this) });
    this.box = new AskBox(this);
    frame.body.append(this.transport.canvas, this.box.el);
    this.listen();
    frame.table = () => this.table();
    this.reset();
  }

  get run() {
    return this.source.run;
  }

  /**
   * The engine's status. A run at work is lost where its kernel is gone, and in a page that was
   * written while it worked.
   *
   * @returns {string}
   */
  get status() {
    const { status = "" } = this.store.data;
    return !this.store.live && AT_WORK.includes(status) ? "lost" : status;
  }

  get isLive() {
    return this.status === "running" || this.status === "paused";
  }

  listen() {
    const { frame, store } = this;
    frame.cleanup(this.source.on("reset", () => this.reset()));
    frame.cleanup(this.source.on("grown", () => this.grown()));
    frame.cleanup(this.source.on("status", () => this.grown()));
    frame.cleanup(store.on("change:theta", () => this.repaint()));
    frame.onTheme(() => {
      this.cards.theme = frame.theme;
      this.reset();
    });
    const observer = new IntersectionObserver(
      (entries) => {
        this.beginning.see(entries[entries.length - 1].isIntersecting);
      },
      { threshold: 0.35 },
    );
    observer.observe(this.stage);
    frame.cleanup(() => {
      this.frames.close();
      this.river.observer.disconnect();
      observer.disconnect();
    });
  }

  /** Begin again with the run that is in the store now. */
  reset() {
    const { beginning, playhead } = this;
    this.flights.clear();
    this.hidden.clear();
    for (const part of [this.river, this.cards, this.axis, this.effect]) part.reset(this.run);
    playhead.run = this.run;
    this.length = this.run.length;
    playhead.live = this.isLive && !beginning.isHeld;
    playhead.seek(beginning.place);
    beginning.startCursor = playhead.cursor;
    if (playhead.live) beginning.follow();
    else beginning.begin();
    this.repaint();
  }

  /** Rows have arrived or the engine's status has changed. */
  grown() {
    const { playhead } = this;
    const wasAtEnd = playhead.cursor >= this.length;
    const willBegin = this.length === 0 && this.beginning.playsByItself;
    this.length = this.run.length;
    if (wasAtEnd && !willBegin && !playhead.playing && !this.isLive)
      playhead.move(this.run.lastBeat);
    this.endFollowing();
    this.beginning.begin();
    this.wake();
  }

  /** At the end of a run that is no longer live there is nothing to follow. */
  endFollowing() {
    const { playhead } = this;
    if (this.isLive || !playhead.live || !playhead.atEnd) return;
    playhead.live = false;
    playhead.pause();
  }

  /** Something other than the cursor has changed: paint again. */
  repaint() {
    this.layers.painted = -1;
    this.wake();
  }

  /** Ask for a frame. */
  wake() {
    this.frames.wake();
  }

  /** Whether a frame has been asked for. */
  get pending() {
    return this.frames.pending > 0;
  }

  /** Return the least time between two frames: more where much happens at the end of a live run. */
  rest() {
    return this.isBusy && this.run.lastBeat - this.playhead.beat < 2 ? FRAME_MS : 0;
  }

  step(now) {
    this.branches.forget();
    this.playhead.tick(now);
    this.beginning.catchUp();
    this.endFollowing();
    this.layers.paint(now);
    this.transport.show(this.status);
    this.box.show();
    this.effect.show();
    this.words.say(now);
    this.next(now);
    this.branches.forget(); // a painting between two frames, after a resize, reads again
  }

  /** Ask for the next frame only where it will show something else. */
  next(now) {
    const { playhead, overlay } = this;
    const isLate = playhead.playing && !playhead.atEnd;
    if (overlay.near && (isLate || this.flights.busy)) this.wake();
    else if (isLate) this.frames.wakeIn(UNSEEN_MS);
    else if (overlay.near) this.layers.next(now);
  }

  /** Where moments follow one another too fast for an eye, words and cards do not animate. */
  pace() {
    const now = performance.now();
    this.between = 0.8 * this.between + 0.2 * Math.min(now - this.movedAt, 1000);
    this.movedAt = now;
    const isBusy = this.between < WORD_MS;
    if (isBusy === this.isBusy) return;
    this.isBusy = isBusy;
    this.stage.classList.toggle("wr-busy", isBusy);
  }

  /** The cursor has moved: draw what is true now, then let new things fly. */
  moved(from, to, jumped) {
    if (jumped) {
      this.flights.clear();
      this.hidden.clear();
      this.cards.slots = [];
      this.river.notes.land();
    }
    this.pace();
    this.river.show(to);
    this.cards.show(to);
    this.branches.forget();
    this.branches.read(); // everything is read here, for one layout; what follows writes
    this.river.notes.place(to);
    if (!jumped && to - from < MOST_FLYING)
      for (let at = from; at < to; at += 1) flyRow(this, this.run.rows[at]);
    this.settled = this.cards.movedAt + SETTLE_MS;
    WARPVIZ.painted += 1;
  }

  table() {
    return this.run.order.map((card) => ({
      stream: card.stream,
      task: card.task,
      thought: card.thought,
      similarity: card.similarity,
      theta: card.threshold,
      phase: card.phase(this.run.length),
      tokens: card.tokens.length,
    }));
  }
}

/**
 * Return an element under a line that names what stands in it, on the left and on the right.
 *
 * @type {(el: Element, left: string, right: string) => HTMLElement}
 */
function column(el, left, right) {
  const names = [left, right].map((text) => h("span", { text, "data-svg-text": "" }));
  return h("div", { class: "wr-column" }, h("div", { class: "wr-heads" }, ...names), el);
}

/** @type {Mount} */
function mountRun(frame, store) {
  const view = new LiveRunView(frame, store);
  addHelp(frame, "run");
  Object.assign(frame.root, { liveRun: view }); // for tests
  return () => Object.assign(frame.root, { liveRun: undefined });
}

export default widget(mountRun);
