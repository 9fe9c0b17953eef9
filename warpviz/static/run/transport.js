// Play, pause, speed, and a timeline to drag, with the run's moments marked on it.

import { linear } from "../base/axes.js";
import { drawMark } from "../base/marks.js";
import { h, number, setText } from "../base/text.js";
import { button, select, toggle } from "../frame/controls.js";
import { Plot } from "../frame/plot.js";
import { SPEEDS } from "./playhead.js";

/**
 * @import { Scale } from "../base/axes.js"
 * @import { Frame } from "../frame/frame.js"
 * @import { Shape } from "../base/marks.js"
 * @import { Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Playhead } from "./playhead.js"
 *
 * @typedef {object} Acts what the controls do
 * @property {() => void} toggle plays or pauses
 * @property {(beat: number) => void} seek
 * @property {(direction: number) => void} step
 * @property {(direction: number) => void} skip
 * @property {(speed: number) => void} speed
 * @property {(on: boolean) => void} follow
 * @property {() => void} hold pauses or resumes the engine
 * @property {() => void} stop ends the run
 */

/** @type {Record<string, { color: string, row: number, shape: Shape }>} */
const MARK_STYLE = {
  spawn: { color: "purple", row: 0, shape: "triangle" },
  accept: { color: "green", row: 1, shape: "circle" },
  inject: { color: "green", row: 1, shape: "diamond" },
  reject: { color: "vermilion", row: 2, shape: "cross" },
};

const TIMELINE_MS = 60; // between two drawings while the run plays
const LIVE_MS = 250; // of a live run: every beat moves all of it, by little
const KEYS_OF_TIMELINE =
  "Space plays and pauses, \u2190 \u2192 step, with Shift from event to event. " +
  "\u25b2 a stream branches off, \u25cf accepted, \u2715 rejected.";

export class Transport {
  /**
   * @param {Frame} frame
   * @param {{ playhead: Playhead, act: Acts }} options
   */
  constructor(frame, { playhead, act }) {
    this.frame = frame;
    this.playhead = playhead;
    this.act = act;
    this.dragging = false;
    this.mode = ""; // what the buttons show
    this.shownAt = 0;
    this.drawn = ""; // what the timeline shows
    this.drawnAt = 0;
    this.play = button(frame, {
      label: "\u25b6 Play",
      name: "play",
      hint: "Space",
      onclick: act.toggle,
    });
    this.speed = select(frame, {
      label: "Speed",
      options: SPEEDS.map((v) => [v, `${v}\u00d7`]),
      value: 1,
      onchange: (v) => act.speed(Number(v)),
    });
    this.follow = toggle(frame, {
      label: "Follow live",
      value: true,
      hint: "Stay at the newest event",
      onchange: act.follow,
    });
    this.hold = button(frame, {
      label: "Pause engine",
      name: "hold",
      hint: "Hold the engine before its next step",
      onclick: act.hold,
    });
    this.stop = button(frame, {
      label: "\u25a0 Stop engine",
      name: "stop",
      hint: "End the run at its next step; the trace stays",
      onclick: act.stop,
    });
    this.time = h("span", { class: "wr-time", "data-svg-text": "" });
    frame.controls.append(this.time);
    this.plot = new Plot(frame, {
      height: 52,
      label: "Timeline",
      focusable: true,
      draw: (pen, w, hgt, theme) => this.draw(pen, w, hgt, theme),
    });
    this.canvas = this.plot.canvas;
    this.canvas.setAttribute("role", "slider");
    this.canvas.setAttribute("aria-label", "Time in steps");
    this.canvas.classList.add("wr-timeline");
    frame.status(KEYS_OF_TIMELINE);
    this.listen();
  }

  get run() {
    return this.playhead.run;
  }

  scale(width) {
    return linear([0, Math.max(1, this.run.lastBeat)], [10, width - 10]);
  }

  listen() {
    const scrub = (event) =>
      this.act.seek(this.scale(this.plot.width).invert(this.plot.at(event)[0]));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.dragging = true;
      scrub(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (this.dragging) scrub(event);
    });
    for (const name of ["pointerup", "pointercancel"])
      this.canvas.addEventListener(name, () => {
        this.dragging = false;
      });
    this.frame.root.addEventListener("keydown", (event) => this.onkey(event));
  }

  /**
   * Space plays and pauses, arrows step, with Shift to the next event, Home and End jump.
   *
   * @param {KeyboardEvent} event
   */
  onkey(event) {
    const isWithin = (tags) => event.target instanceof Element && event.target.closest(tags);
    if (isWithin("input, select, textarea")) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && isWithin("button")) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      " ": () => this.act.toggle(),
      Home: () => this.act.seek(0),
      End: () => this.act.seek(Infinity),
      ArrowRight: () => (event.shiftKey ? this.act.skip(1) : this.act.step(1)),
      ArrowLeft: () => (event.shiftKey ? this.act.skip(-1) : this.act.step(-1)),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  }

  /**
   * Show where the run stands.
   *
   * @param {string} status the engine's, empty for a saved run
   */
  show(status) {
    const { playhead, run, canvas } = this;
    const now = performance.now();
    const live = status === "running" || status === "paused";
    const mode = [playhead.playing, playhead.live, status].join();
    if (mode !== this.mode) this.showMode(status, live);
    else if (playhead.playing && now - this.shownAt < TIMELINE_MS) return;
    this.mode = mode;
    this.shownAt = now;
    setText(this.time, `step ${number(playhead.beat)} of ${number(run.lastBeat)}`);
    canvas.setAttribute("aria-valuemin", "0");
    canvas.setAttribute("aria-valuemax", String(run.lastBeat));
    canvas.setAttribute("aria-valuenow", String(playhead.beat));
    const key = [Math.round(playhead.place * 4), run.lastBeat, run.marks.length].join();
    const wait = playhead.live && live ? LIVE_MS : TIMELINE_MS;
    if (key === this.drawn || (playhead.playing && now - this.drawnAt < wait)) return;
    this.drawn = key;
    this.drawnAt = now;
    this.plot.redraw();
  }

  /** Set the buttons for playing, following and the engine's state. */
  showMode(status, live) {
    const { playhead } = this;
    setText(this.play, playhead.playing ? "\u275a\u275a Pause" : "\u25b6 Play");
    this.play.setAttribute("aria-pressed", String(playhead.playing));
    for (const el of [this.follow.el, this.stop, this.hold]) el.hidden = !live;
    this.follow.set(playhead.live && playhead.playing);
    setText(this.hold, status === "paused" ? "Resume engine" : "Pause engine");
    this.speed.el.hidden = live && playhead.live;
  }

  /** @type {(pen: Pen, w: number, hgt: number, theme: Theme) => void} */
  draw(pen, w, hgt, theme) {
    const x = this.scale(w);
    const base = hgt - 12;
    const alive = this.run.aliveByBeat;
    const most = alive.reduce((top, num) => Math.max(top, num), 1);
    const area = [[x(0), base]];
    const stride = Math.max(1, Math.floor(alive.length / Math.max(1, w)));
    for (let beat = 0; beat < alive.length; beat += stride)
      area.push([x(beat), base - ((alive[beat] ?? 0) / most) * (hgt - 20)]);
    area.push([x(this.run.lastBeat), base]);
    pen.path(area, { fill: theme.accent, alpha: 0.13, closed: true });
    const now = x(this.playhead.place);
    pen.clip(0, 0, now, hgt, () =>
      pen.path(area, { fill: theme.accent, alpha: 0.22, closed: true }),
    );
    this.drawMarks(pen, theme, x, hgt);
    pen.line(10, base, w - 10, base, { stroke: theme.line, width: 2 });
    pen.line(10, base, now, base, { stroke: theme.accent, width: 2 });
    pen.line(now, 4, now, base, { stroke: theme.ink, width: 1.5 });
    pen.dot(now, base, 6, theme.ink);
    if (most <= 1) return;
    const style = /** @type {const} */ ({
      size: 11,
      fill: theme.faint,
      align: "right",
      halo: true,
    });
    pen.text(w - 22, hgt - 2.5, `up to ${most} at once`, style); // below every mark
  }

  /** @type {(pen: Pen, theme: Theme, x: Scale, hgt: number) => void} */
  drawMarks(pen, theme, x, hgt) {
    const seen = [-1, -1, -1]; // per row the last place with a mark: marks there are drawn once
    for (const { beat, kind } of this.run.marks) {
      const style = MARK_STYLE[kind];
      if (!style) continue;
      const spot = Math.round(x(beat) / 3);
      if (seen[style.row] === spot) continue;
      seen[style.row] = spot;
      const y = 9 + style.row * ((hgt - 26) / 2);
      const color = theme.palette[style.color];
      const paint = style.shape === "cross" ? { stroke: color, width: 1.4 } : { fill: color };
      const alpha = beat <= this.playhead.place ? 1 : 0.4;
      drawMark(pen, style.shape, x(beat), y, 3, { ...paint, alpha });
    }
  }
}
