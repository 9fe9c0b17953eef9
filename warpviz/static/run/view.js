// LiveRun: the River's text on the left, streams on the right, the gate below, and motion between them.

import { widget } from "../base/frame.js";
import { Plot } from "../base/plot.js";
import { WARPVIZ } from "../base/store.js";
import { svgText } from "../base/svg_text.js";
import { counted, h, number, oneLine, setText } from "../base/text.js";
import { motionOk } from "../base/theme.js";
import { GateAxis } from "./axis.js";
import { Branches } from "./branches.js";
import { Cards, streamColor, WORD_MS } from "./cards.js";
import { Flights, flyRow } from "./flights.js";
import { runOf } from "./fold.js";
import { SmallCloud } from "./map.js";
import { Playhead } from "./playhead.js";
import { RiverText } from "./river_text.js";
import { Transport } from "./transport.js";

const SETTLE_MS = 340; // cards glide to their seats a little longer than the run moves
const PAINT_MS = 40; // pulses and gliding cards need no more; a later moment of the run is painted at once
const FRAME_MS = 24; // where much happens at once, half of the frames are enough for all of it
const SAY_MS = 250;
const AT_WORK = ["running", "paused", "measuring"];
const UNSEEN_MS = 500; // out of sight, the view follows at this pace

class LiveRunView {
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.source = runOf(store);
    this.flights = new Flights();
    this.hidden = new Set();
    this.focus = null;
    this.pending = 0;
    this.told = 0;
    this.painted = -1;
    this.paintedAt = 0;
    this.playhead = new Playhead(this.run, (from, to, jumped) => this.moved(from, to, jumped));
    this.river = new RiverText(this.run, {
      colorOf: (card) => streamColor(card, frame.theme),
      onnote: (card) => {
        this.focus = card;
        this.stir();
      },
    });
    this.cards = new Cards(this.run, frame.theme);
    this.axis = new GateAxis(this.run);
    this.cloud = new SmallCloud(store);
    this.build();
    this.river.onmoved = () => this.stir();
    frame.cleanup(this.source.on("reset", () => this.reset()));
    frame.cleanup(this.source.on("grown", () => this.grown()));
    frame.cleanup(this.source.on("status", () => this.grown()));
    frame.cleanup(store.on("change:theta", () => this.stir()));
    frame.cleanup(() => {
      this.closed = true;
      cancelAnimationFrame(this.pending);
      clearTimeout(this.later);
      this.river.observer.disconnect();
    });
    frame.onTheme(() => {
      this.cards.theme = frame.theme;
      this.reset();
    });
    frame.table = () => this.table();
    this.reset();
  }

  get run() {
    return this.source.run;
  }
  /** The engine's status; a run at work is out of reach where its kernel is gone, and in a page written meanwhile. */
  get status() {
    const {
      data: { status = "" },
      live,
    } = this.store;
    return !live && AT_WORK.includes(status) ? "lost" : status;
  }

  get isLive() {
    return this.status === "running" || this.status === "paused";
  }

  build() {
    const { frame } = this;
    frame.root.tabIndex = -1;
    this.gate = h("div", { class: "wr-gate" });
    this.cloudBox = h("div", { class: "wr-cloud", hidden: true });
    this.stage = h(
      "div",
      { class: "wr-stage" },
      this.river.el,
      this.cards.el,
      h("div", { class: "wr-strip" }, this.gate, this.cloudBox),
    );
    frame.body.append(this.stage);
    this.overlay = new Plot(frame, {
      height: 0,
      parent: this.stage,
      label: "Streams between text, gate and margin",
      draw: (...args) => this.draw(...args),
    });
    this.sky = new Plot(frame, {
      height: 0,
      parent: this.stage,
      draw: (pen) => {
        if (pen.c === this.sky.context) this.flights.draw(pen, this.now ?? 0);
      },
    });
    for (const [plot, name] of [
      [this.overlay, "wr-overlay"],
      [this.sky, "wr-sky"],
    ]) {
      plot.canvas.classList.add(name);
      plot.canvas.style.height = "";
    }
    this.sky.canvas.setAttribute("aria-hidden", "true");
    this.branches = new Branches(this);
    const { playhead } = this;
    const then =
      (fn) =>
      (...args) => {
        fn(...args);
        this.stir();
      };
    this.transport = new Transport(frame, {
      playhead,
      act: {
        toggle: then(() => (playhead.playing ? playhead.pause() : playhead.play())),
        seek: then((beat) => {
          playhead.pause();
          playhead.seek(beat);
        }),
        step: then((n) => playhead.step(n)),
        skip: then((n) => playhead.skip(n)),
        speed: then((v) => {
          playhead.speed = v;
        }),
        follow: then((on) => {
          playhead.live = on;
          if (on) {
            playhead.seek(Infinity);
            playhead.play();
            this.river.stick();
          } else playhead.pause();
        }),
        hold: () => this.store.send({ op: this.status === "paused" ? "resume" : "pause" }),
        stop: () => this.store.send({ op: "stop" }),
      },
    });
    frame.body.append(this.transport.canvas);
    this.watchVisible();
  }

  watchVisible() {
    const observer = new IntersectionObserver(
      (entries) => {
        this.isSeen = entries.at(-1).isIntersecting;
        this.begin();
      },
      { threshold: 0.35 },
    );
    observer.observe(this.stage);
    this.frame.cleanup(() => observer.disconnect());
  }

  /** A saved run plays by itself the first time it is seen, if the page asks for it and motion is welcome; its rows may come later. */
  begin() {
    if (this.begun || !this.isSeen || !this.run.length || this.isLive) return;
    this.begun = true;
    if (this.store.data.autoplay && motionOk() && this.playhead.cursor === this.startCursor) {
      this.playhead.play();
      this.stir();
    }
  }

  /** Begin again with the run as it is in the store. */
  reset() {
    const { playhead } = this;
    const place = playhead.place;
    this.flights.clear();
    this.hidden.clear();
    for (const part of [this.river, this.cards, this.axis]) part.reset(this.run);
    playhead.run = this.run;
    this.length = this.run.length;
    playhead.live = this.isLive;
    const rest = this.store.data.autoplay && motionOk() ? 0 : Infinity;
    playhead.seek(this.isLive ? Infinity : place || rest);
    if (this.isLive) {
      playhead.play();
      this.begun = true;
    }
    this.startCursor = playhead.cursor;
    this.begin();
    this.stir();
  }

  /** Rows have arrived or the engine's status has changed. */
  grown() {
    const { playhead } = this;
    const wasAtEnd = playhead.cursor >= this.length;
    const willBegin = this.length === 0 && this.store.data.autoplay && motionOk();
    this.length = this.run.length;
    if (this.isLive && !playhead.live && playhead.cursor === 0) {
      playhead.live = this.begun = true;
      playhead.play();
    }
    if (wasAtEnd && !willBegin && !playhead.playing && !this.isLive)
      playhead.move(this.run.lastBeat);
    if (!this.isLive && playhead.live && playhead.atEnd) {
      playhead.live = false;
      playhead.pause();
    }
    this.begin();
    this.wake();
  }

  /** Something but the cursor has changed: paint again. */
  stir() {
    this.painted = -1;
    this.wake();
  }

  wake() {
    if (this.pending || this.closed) return;
    const rest =
      this.isBusy && this.run.lastBeat - this.playhead.beat < 2
        ? FRAME_MS - (performance.now() - this.now)
        : 0;
    if (rest > 1) {
      this.wakeIn(rest);
      return;
    }
    clearTimeout(this.later);
    this.later = 0;
    this.pending = requestAnimationFrame((now) => this.loop(now));
  }

  wakeIn(ms) {
    const due = performance.now() + ms;
    if (this.later && this.due <= due) return;
    clearTimeout(this.later);
    this.due = due;
    this.later = setTimeout(() => {
      this.later = 0;
      this.wake();
    }, ms);
  }

  loop(now) {
    this.pending = 0;
    this.now = now;
    this.frame.guard(() => {
      const { playhead } = this;
      this.branches.blink();
      playhead.tick(now);
      if (!this.isLive && playhead.live && playhead.atEnd) {
        playhead.live = false;
        playhead.pause();
      }
      this.paint(now);
      this.transport.show(this.status);
      this.say(now);
      this.next(now);
      this.branches.blink(); // whoever paints between two frames, after a resize, looks again
    });
  }

  paint(now) {
    const stale = now - this.paintedAt >= PAINT_MS && (this.pulses || now < this.settled);
    this.overlay.missed ||= !this.overlay.near; // painted when it comes near
    if (this.overlay.near && (this.painted !== this.playhead.cursor || stale)) {
      this.painted = this.playhead.cursor;
      this.paintedAt = now;
      this.overlay.paint();
    }
    if (this.flights.busy || this.isFlying) this.sky.paint();
    this.isFlying = this.flights.busy;
  }

  /** Whether something moves on the branches though the cursor stands. */
  get pulses() {
    return (
      this.playhead.playing &&
      motionOk() &&
      this.cards.slots.some((card) => card && card.phase(this.playhead.cursor) === "thinking")
    );
  }

  /** Ask for the next frame only where it will show something else. */
  next(now) {
    const { playhead } = this;
    const isLate = playhead.playing && !playhead.atEnd;
    if (this.overlay.near && (isLate || this.flights.busy)) this.wake();
    else if (isLate) this.wakeIn(UNSEEN_MS);
    else if (this.overlay.near && (this.pulses || now < this.settled)) this.wakeIn(PAINT_MS);
  }

  /** Where moments follow one another faster than an eye, words and cards do without their small motions. */
  pace() {
    const now = performance.now();
    this.between =
      0.8 * (this.between ?? WORD_MS * 2) + 0.2 * Math.min(now - (this.movedAt ?? 0), 1000);
    this.movedAt = now;
    const isBusy = this.between < WORD_MS;
    if (isBusy !== this.isBusy) {
      this.isBusy = isBusy;
      this.stage.classList.toggle("wr-busy", isBusy);
    }
  }

  /** The cursor has moved: draw what is true now, then let what is new fly. */
  moved(from, to, jumped) {
    if (jumped) {
      this.flights.clear();
      this.hidden.clear();
      this.cards.slots = [];
      for (const note of this.river.notes.values()) note.classList.remove("wr-coming");
    }
    this.pace();
    this.river.show(to);
    this.cards.show(to);
    this.branches.blink();
    this.branches.look(); // all is read here, at the price of one layout; what follows writes
    this.river.placeNotes(to);
    if (!jumped && to - from < 600)
      for (let at = from; at < to; at += 1) flyRow(this, this.run.rows[at]);
    this.settled = this.cards.movedAt + SETTLE_MS;
    WARPVIZ.painted += 1;
  }

  draw(pen, w, hgt, theme) {
    const onScreen = pen.c === this.overlay.context;
    const { branches, playhead } = this;
    const { cursor } = playhead;
    if (this.cloudBox.hidden !== (this.cloud.size === 0))
      this.cloudBox.hidden = this.cloud.size === 0;
    const { gate, cloud } = branches.look();
    this.axis.box = gate;
    if (!onScreen) svgText(pen, this.stage, branches.look().origin, theme);
    branches.draw(pen, theme, {
      run: this.run,
      cursor,
      beat: playhead.place,
      time: onScreen && playhead.playing && motionOk() ? (this.now ?? 0) : null,
    });
    this.cards.drawCrowd(pen, branches.look().crowd, cursor);
    this.axis.draw(pen, theme, {
      cursor,
      theta: this.run.theta(cursor),
      wish: this.store.get("theta"),
      hidden: this.hidden,
      focus: this.focus,
      onScreen,
    });
    this.cloud.draw(pen, theme, { run: this.run, cursor, box: cloud });
  }

  /** Put the moment in words: a few times a second, for screen readers once. */
  say(now) {
    this.frame.root.dataset.status = this.status || "replay";
    const words = this.playhead.playing ? SAY_MS : 0;
    if (now - this.toldAt < words) {
      this.wakeIn(words);
      return;
    }
    this.toldAt = now;
    const { cursor } = this.playhead;
    const sum = this.run.counts(cursor);
    const isOver = ["failed", "lost"].includes(this.status);
    const parts = [
      `${number(sum.alive)} ${isOver ? "unfinished" : "thinking"}`,
      `${number(sum.accepted)} accepted`,
      `${number(sum.rejected)} rejected`,
      `${number(sum.injected)} injected`,
    ];
    if (sum.failed) parts.push(`${number(sum.failed)} failed`);
    const model = this.run.start
      ? `${oneLine(this.run.start.model)} \u00b7 token ${number(this.run.numTokens(cursor))} \u00b7 `
      : "";
    const state =
      {
        running: "live",
        paused: "engine paused",
        stopped: "stopped",
        failed: "engine failed",
        measuring: "measuring influence",
        lost: "cut off",
        done: "done",
      }[this.status] ?? "replay";
    setText(this.frame.meta, `${model}${parts.join(" \u00b7 ")} \u00b7 ${state}`);
    const text = `Live run, beat ${this.playhead.beat} of ${this.run.lastBeat}: ${counted(sum.spawned, "stream")}, ${parts.join(", ")}${isOver ? `, ${state}` : ""}.`;
    if (text === this.saidText) return;
    if (now - this.told < 1000) {
      this.wakeIn(1000 - (now - this.told));
      return;
    } // the last word of a burst is said too
    this.told = now;
    this.saidText = text;
    this.frame.summary(text);
    this.overlay.canvas.setAttribute("aria-label", text);
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

function mountRun(frame, store) {
  const view = new LiveRunView(frame, store);
  frame.root.liveRun = view; // what tests and the curious may look at
  return () => {
    delete frame.root.liveRun;
  };
}

export default widget(mountRun);
