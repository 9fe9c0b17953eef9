// A canvas that is sharp on every screen and redraws once per frame at most.

import { CanvasPen, context2d } from "../base/pen.js";
import { h } from "../base/text.js";
import { OWN_KEYS } from "./controls.js";

/**
 * @import { Frame } from "./frame.js"
 * @import { Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 *
 * @typedef {[top: number, bottom: number]} Band
 * @typedef {(pen: Pen, width: number, height: number, theme: Theme, band?: Band) => void} Draw
 *
 * @typedef {object} PlotOptions
 * @property {number} height in CSS pixels
 * @property {Draw} draw called with sizes in CSS pixels
 * @property {string} [label] what a screen reader says
 * @property {Element} [parent] the frame's body by default
 * @property {boolean} [focusable] whether it takes keys
 */

export class Plot {
  /**
   * @param {Frame} frame
   * @param {PlotOptions} options
   */
  constructor(frame, { height, draw, label = "", parent = frame.body, focusable = false }) {
    this.frame = frame;
    this.draw = draw;
    this.height = height;
    this.canvas = h("canvas", {
      class: "wz-canvas",
      role: "img",
      "aria-label": label,
      tabindex: focusable ? 0 : null,
      ...(focusable ? OWN_KEYS : {}),
    });
    this.canvas.style.height = `${height}px`;
    this.context = context2d(this.canvas);
    this.pending = 0;
    this.later = 0;
    this.paints = 0;
    this.missed = false; // a drawing asked for while the canvas was out of sight
    /**
     * Width and height in CSS pixels as last observed: asking the page would lay it out again.
     * @type {[number, number] | null}
     */
    this.box = null;
    parent.append(this.canvas);
    frame.plots.push(this);
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.canvas);
    this.near = true; // until the watcher reports
    this.watcher = new IntersectionObserver(
      (entries) => this.meet(entries[entries.length - 1].isIntersecting),
      { rootMargin: "200px" },
    );
    this.watcher.observe(this.canvas);
    frame.cleanup(() => {
      this.observer.disconnect();
      this.watcher.disconnect();
      cancelAnimationFrame(this.pending);
      cancelAnimationFrame(this.later);
    });
    frame.onTheme(() => this.redraw());
    this.redraw();
  }

  measure() {
    this.box ??= [this.canvas.clientWidth, this.canvas.clientHeight];
    return this.box;
  }

  get width() {
    return this.measure()[0];
  }

  get tall() {
    return this.measure()[1];
  }

  /** After layout and before painting: draw a canvas of another size again before it is seen. */
  resized() {
    const [w, hgt] = this.box ?? [];
    this.box = null;
    const [wide, tall] = this.measure();
    if (wide !== w || tall !== hgt || !this.paints) {
      if (this.near) this.frame.guard(() => this.paint());
      else this.redraw();
    }
  }

  /** A canvas far out of sight is not painted; it catches up when it comes near. */
  meet(near) {
    this.near = near;
    if (near && this.missed) this.redraw();
  }

  /** Draw at the next frame, once however often this is called. */
  redraw() {
    this.missed = !this.near;
    if (this.pending || !this.near) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.paint();
    });
  }

  /** Draw one frame later, so that the picture a slider moves is drawn first. */
  redrawAfter() {
    if (!this.pending)
      this.later ||= requestAnimationFrame(() => {
        this.later = 0;
        this.redraw();
      });
  }

  /** Give the canvas another height. */
  stretch(height) {
    if (this.height === height) return;
    this.height = height;
    this.canvas.style.height = `${height}px`;
    this.box = null;
  }

  /**
   * Paint now; with a band only there, and the rest of the picture stays.
   *
   * @param {Band | null} band
   */
  paint(band = null) {
    const { canvas, context } = this;
    const ratio = window.devicePixelRatio || 1;
    const [w, hgt] = this.measure();
    if (!w || !hgt) return;
    let [top, bottom] = band ?? [0, hgt];
    const wide = Math.round(w * ratio);
    const tall = Math.round(hgt * ratio);
    if (canvas.width !== wide || canvas.height !== tall) {
      canvas.width = wide; // which empties the canvas
      canvas.height = tall;
      top = 0;
      bottom = hgt;
    }
    const { theme } = this.frame;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.save();
    context.beginPath();
    context.rect(0, top, w, bottom - top);
    context.clip();
    context.clearRect(0, top, w, bottom - top);
    this.draw(new CanvasPen(context, theme, ratio), w, hgt, theme, [top, bottom]);
    context.restore();
    this.paints += 1;
  }

  /**
   * Return the pointer's place on the canvas in CSS pixels.
   *
   * @param {MouseEvent} event
   * @returns {[number, number]}
   */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
}
