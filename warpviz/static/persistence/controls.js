// The controls of PersistenceCompare: k, what is drawn, the complex, and the worker's progress.

import { h, oneLine } from "../base/text.js";
import { segmented, select, slider } from "../frame/controls.js";

/**
 * @import { Frame } from "../frame/frame.js"
 * @import { Store } from "../base/store.js"
 * @import { PersistenceView } from "./view.js"
 *
 * @typedef {[value: string | number, text: string]} Pair
 */

/** @type {Pair[]} */
const HOMOLOGY = [
  [0, "H0"],
  [1, "H1"],
  [2, "H2"],
];
/** @type {Pair[]} */
const AXES = [
  ["death", "Birth \u2013 death"],
  ["length", "Birth \u2013 length"],
];
/** @type {Pair[]} */
const PANEL_NAMES = [
  ["barcode", "Barcode"],
  ["betti", "Betti"],
  ["image", "Image"],
];
/** @type {Pair[]} */
const COMPLEXES = [
  ["rips", "Rips"],
  ["witness-weak", "weak witness"],
  ["witness-strong", "strong witness"],
  ["witness-lazy", "lazy witness"],
  ["alpha", "alpha, PCA-3"],
];

/**
 * Add the controls; returns how to set the greatest k.
 *
 * @type {(view: PersistenceView) => (most: number) => void}
 */
export function persistenceControls(view) {
  const { frame, store } = view;
  const k = slider(frame, { label: "k", trait: "k", min: 1, max: 1, format: String });
  /** @type {(label: string, trait: string, options: Pair[], then: () => void) => void} */
  const choice = (label, trait, options, then) => {
    const onchange = (v) => store.set(trait, v);
    const group = segmented(frame, { label, options, value: store.get(trait), onchange });
    frame.cleanup(
      store.on(`change:${trait}`, (v) => {
        group.set(v);
        then();
        view.redraw();
      }),
    );
  };
  const dims = HOMOLOGY.slice(0, store.get("max_dim") > 1 ? 3 : 2);
  choice("Homology", "dim", dims, () => {
    view.chosenBar = null;
  });
  choice("Axes", "axes", AXES, () => {});
  choice("Panel", "panel", PANEL_NAMES, () => {});
  if (store.live) {
    const complex = select(frame, { label: "complex", trait: "complex", options: COMPLEXES });
    frame.cleanup(store.on("lost", () => complex.el.remove()));
  }
  progressBar(frame, store);
  return (most) => k.range(1, most);
}

/**
 * Add the progress of the worker, with a button to cancel it and one to start it again.
 *
 * @type {(frame: Frame, store: Store) => void}
 */
function progressBar(frame, store) {
  const text = h("span", { class: "wz-faint" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Persistence of the whole context" });
  const stop = h("button", {
    type: "button",
    class: "wz-button",
    "data-name": "cancel",
    text: "Cancel",
    onclick: () => store.send({ op: "cancel" }),
  });
  const again = h("button", {
    type: "button",
    class: "wz-button",
    "data-name": "compute",
    text: "Compute",
    onclick: () => store.send({ op: "compute" }),
  });
  const el = h("div", { class: "wz-progress", hidden: true }, bar, text, stop, again);
  frame.controls.append(el);
  const show = () => {
    const { what = "", fraction = 1 } = store.data.busy ?? {};
    const cancelled = what === "cancelled";
    el.hidden = !what || !store.live;
    bar.value = fraction;
    text.textContent = oneLine(what);
    stop.hidden = cancelled;
    bar.hidden = cancelled;
    again.hidden = !cancelled;
  };
  frame.cleanup(store.on("data", show));
  show();
}
