// Pointer and keys on the gate's strips: theta is dragged or stepped, a bead is pointed at.

import { clip, oneLine } from "../base/text.js";
import { isLikelihood } from "../timeline/strangers.js";
import { STRIP_HEIGHT } from "./strips.js";

/** @import { GateTunerView } from "./view.js" */

const REACH = 8; // pixels around a bead in which the pointer points at it
const FINER = 0.1; // of a likelihood, whose thetas are small
/** @type {Record<string, number>} */
const STEPS = {
  ArrowRight: 0.01,
  ArrowUp: 0.01,
  ArrowLeft: -0.01,
  ArrowDown: -0.01,
  PageUp: 0.1,
  PageDown: -0.1,
};

/**
 * Listen to the canvas of a gate's strips.
 *
 * @param {GateTunerView} view
 */
export function gatePointer(view) {
  const { plot, store } = view;
  const { canvas } = plot;
  let dragging = false;
  /** @type {(event: PointerEvent) => void} */
  const drag = (event) => view.moveTheta(view.scale().invert(plot.at(event)[0]));
  canvas.classList.add("wt-canvas");
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    dragging = true;
    const strip = Math.floor(plot.at(event)[1] / STRIP_HEIGHT);
    if (view.scorers[strip]) {
      store.set("scorer", view.scorers[strip]);
      view.retune(); // theta is read on the strip's own axis
    }
    drag(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (dragging) drag(event);
    else hover(view, event);
  });
  canvas.addEventListener("pointerleave", () => view.pointAt(null));
  for (const name of ["pointerup", "pointercancel"])
    canvas.addEventListener(name, () => {
      dragging = false;
    });
  canvas.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const scale = isLikelihood(view.scorers[view.active]) ? FINER : 1;
    view.moveTheta(view.theta + step * scale * (event.shiftKey ? 5 : 1));
  });
}

/** @type {(view: GateTunerView, event: PointerEvent) => void} */
function hover(view, event) {
  const [x, y] = view.plot.at(event);
  const places = view.swarms[Math.floor(y / STRIP_HEIGHT)] ?? [];
  /** @type {number | null} */
  let near = null;
  let best = REACH ** 2;
  for (let i = 0; i < places.length / 2; i += 1) {
    const far = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
    if (far < best) {
      near = i;
      best = far;
    }
  }
  if (near === view.point) return;
  if (near !== null) {
    const [, stream, , , thought] = view.judged.thoughts[near];
    view.frame.status(`#${stream} ${oneLine(clip(thought.trim(), 140))}`);
  }
  view.pointAt(near);
}
