// A canvas that is sharp on every screen, redraws once per frame at most, and can hand itself over as SVG or PNG.

import { OWN_KEYS } from "./controls.js";
import { CanvasPen } from "./pen.js";
import { h, number } from "./text.js";

export class Plot {
  /** `draw(pen, width, height, theme)` is called with CSS pixels; `label` is what a screen reader says. */
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
    this.context = this.canvas.getContext("2d");
    this.pending = this.later = 0;
    this.paints = 0;
    parent.append(this.canvas);
    frame.plots.push(this);
    this.box = null; // width and height in CSS pixels, as last observed: asking the page would lay it out again
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.canvas);
    this.near = true; // until the observer says otherwise
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
    return (this.box ??= [this.canvas.clientWidth, this.canvas.clientHeight]);
  }

  get width() {
    return this.measure()[0];
  }

  get tall() {
    return this.measure()[1];
  }

  /** The page has been laid out and not painted yet: a picture of another size is drawn again before anyone sees it. */
  resized() {
    const [w, hgt] = this.box ?? [];
    this.box = null;
    const [wide, tall] = this.measure();
    if (wide !== w || tall !== hgt || !this.paints) {
      if (this.near) this.frame.guard(() => this.paint());
      else this.redraw();
    }
  }

  /** A canvas far out of sight is not painted; what it missed is painted when it comes near. */
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

  /** Draw one frame later: what a hand on a slider is waiting for goes first. */
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

  /** Paint now; with a `band` [top, bottom] only there: the rest of the picture stands. */
  paint(band = null) {
    const ratio = window.devicePixelRatio || 1;
    const [w, hgt] = this.measure();
    if (!w || !hgt) return;
    let [top, bottom] = band ?? [0, hgt];
    if (
      this.canvas.width !== Math.round(w * ratio) ||
      this.canvas.height !== Math.round(hgt * ratio)
    ) {
      this.canvas.width = Math.round(w * ratio);
      this.canvas.height = Math.round(hgt * ratio);
      [top, bottom] = [0, hgt];
    }
    const {
      context,
      frame: { theme },
    } = this;
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

  /** Return the pointer's place on the canvas in CSS pixels. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
}

/** Return a linear scale: domain to range, with `invert` and pleasant `ticks`. */
export function linear([d0, d1], [r0, r1]) {
  const span = d1 - d0 || 1;
  const scale = (value) => r0 + ((value - d0) / span) * (r1 - r0);
  scale.invert = (pixel) => d0 + ((pixel - r0) / (r1 - r0 || 1)) * span;
  scale.domain = [d0, d1];
  scale.ticks = (count = 5) => {
    const raw = span / count;
    const power = 10 ** Math.floor(Math.log10(Math.abs(raw) || 1));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw) ?? raw;
    const list = [];
    for (let v = Math.ceil(d0 / step) * step; v <= d1 + step * 1e-6; v += step)
      list.push(Math.abs(v) < step * 1e-6 ? 0 : v);
    return list;
  };
  return scale;
}

/** Draw a quiet frame of axes: grid lines, tick labels, titles. `box` is {x, y, w, h}. */
export function drawAxes(
  pen,
  theme,
  box,
  { x, y, xTitle = "", yTitle = "", xTicks = 5, yTicks = 4, xFormat = number, yFormat = number },
) {
  for (const tick of y?.ticks(yTicks) ?? []) {
    pen.line(box.x, y(tick), box.x + box.w, y(tick), { stroke: theme.grid });
    pen.text(box.x - 6, y(tick), yFormat(tick), {
      size: 10,
      fill: theme.faint,
      align: "right",
      baseline: "middle",
    });
  }
  for (const tick of x?.ticks(xTicks) ?? []) {
    pen.line(x(tick), box.y, x(tick), box.y + box.h, { stroke: theme.grid });
    pen.text(x(tick), box.y + box.h + 14, xFormat(tick), {
      size: 10,
      fill: theme.faint,
      align: "center",
    });
  }
  pen.line(box.x, box.y + box.h, box.x + box.w, box.y + box.h, { stroke: theme.line });
  if (xTitle)
    pen.text(box.x + box.w, box.y + box.h + 28, xTitle, {
      size: 11,
      fill: theme.soft,
      align: "right",
    });
  if (yTitle) pen.text(box.x, box.y - 8, yTitle, { size: 11, fill: theme.soft });
}
