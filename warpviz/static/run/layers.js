// Two canvases over the stage: one for curves, crowd, axis and map, one for flights.

import { CanvasPen } from "../base/pen.js";
import { svgText } from "../base/svg_text.js";
import { motionOk } from "../base/theme.js";
import { Plot } from "../frame/plot.js";

/**
 * @import { Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 * @import { LiveRunView } from "./view.js"
 */

const PAINT_MS = 40; // between two paintings of pulses and gliding cards

export class Layers {
  /** @param {LiveRunView} view */
  constructor(view) {
    this.view = view;
    const { frame, stage } = view;
    this.overlay = new Plot(frame, {
      height: 0,
      parent: stage,
      label: "Streams between text, gate and margin",
      draw: (pen, _, __, theme) => this.draw(pen, theme),
    });
    this.sky = new Plot(frame, {
      height: 0,
      parent: stage,
      draw: (pen) => this.drawFlights(pen),
    });
    for (const { canvas } of [this.overlay, this.sky]) canvas.style.height = "";
    this.overlay.canvas.classList.add("wr-overlay");
    this.sky.canvas.classList.add("wr-sky");
    this.sky.canvas.setAttribute("aria-hidden", "true");
    this.painted = -1; // the cursor that was painted, -1 for none
    this.paintedAt = 0;
    this.isFlying = false; // whether the sky has something on it
  }

  /** Paint what has changed since the last frame. */
  paint(now) {
    const { overlay, sky, view } = this;
    const { flights, playhead } = view;
    const isStale = now - this.paintedAt >= PAINT_MS && this.moves(now);
    if (!overlay.near)
      overlay.missed = true; // painted when it comes near
    else if (this.painted !== playhead.cursor || isStale) {
      this.painted = playhead.cursor;
      this.paintedAt = now;
      overlay.paint();
    }
    if (flights.busy || this.isFlying) sky.paint();
    this.isFlying = flights.busy;
  }

  /** Ask for the next frame if it will show something while the cursor stands still. */
  next(now) {
    if (this.moves(now)) this.view.frames.wakeIn(PAINT_MS);
  }

  /** Return whether pulses or gliding cards move though the cursor stands still. */
  moves(now) {
    const { cards, playhead, settled } = this.view;
    if (now < settled) return true;
    if (!playhead.playing || !motionOk()) return false;
    return cards.seated().some((card) => card.phase(playhead.cursor) === "thinking");
  }

  /** @type {(pen: Pen, theme: Theme) => void} */
  draw(pen, theme) {
    const onScreen = pen instanceof CanvasPen && pen.c === this.overlay.context;
    const { axis, branches, cards, cloud, cloudBox, focus, hidden, playhead, run, stage, store } =
      this.view;
    const { cursor, place, playing } = playhead;
    if (cloudBox.hidden !== (cloud.size === 0)) cloudBox.hidden = cloud.size === 0;
    const seen = branches.read();
    axis.box = seen.gate;
    if (!onScreen) svgText(pen, stage, seen.origin);
    const time = onScreen && playing && motionOk() ? this.view.frames.now : null;
    branches.draw(pen, theme, { run, cursor, beat: place, time });
    cards.drawCrowd(pen, seen.crowd, cursor);
    const theta = run.theta(cursor);
    // a slider's theta says something only where a gate is linked to this view
    const wish = store.get("links")?.theta ? store.get("theta") : (theta ?? 0);
    const thetas = { theta, wish };
    axis.draw(pen, theme, { cursor, ...thetas, hidden, focus, onScreen });
    cloud.draw(pen, theme, { run, cursor, box: seen.cloud });
  }

  /** @param {Pen} pen */
  drawFlights(pen) {
    const isSky = pen instanceof CanvasPen && pen.c === this.sky.context;
    if (isSky) this.view.flights.draw(pen, this.view.frames.now);
  }
}
