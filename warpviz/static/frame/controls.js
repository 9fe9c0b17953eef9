// Small controls on native elements: tab, arrows and screen readers work by themselves.

import { h, number } from "../base/text.js";

/**
 * @import { Frame } from "./frame.js"
 *
 * @typedef {string | number} Value
 * @typedef {Value | [value: Value, text: string]} Option
 *
 * @typedef {object} Common
 * @property {string} label
 * @property {string} [hint] shown while the pointer rests on it
 * @property {Element} [parent] the frame's row of controls by default
 */

let controlIds = 0;

// JupyterLab must not take the keys of these elements for its own shortcuts.
export const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

/**
 * @typedef {object} SliderOptions
 * @property {string} [trait] the shared trait it is bound to
 * @property {number} min
 * @property {number} max
 * @property {number} [step]
 * @property {number} [value] where no trait is bound
 * @property {(value: number) => string} [format]
 * @property {(value: number) => void} [oninput]
 */

/**
 * Add a slider.
 *
 * @param {Frame} frame
 * @param {Common & SliderOptions} options
 */
export function slider(frame, options) {
  const { label, trait, min, max, step = 1, hint, parent = frame.controls } = options;
  const { value, format = number, oninput } = options;
  controlIds += 1;
  const id = `wz-${frame.store.uid}-${controlIds}`;
  const input = h("input", {
    type: "range",
    id,
    min,
    max,
    step,
    title: hint,
    "data-trait": trait,
    ...OWN_KEYS,
  });
  const output = h("output", { class: "wz-value", for: id });
  const el = h(
    "div",
    { class: "wz-control" },
    h("label", { for: id, text: label, title: hint }),
    input,
    output,
  );
  const say = (v) => {
    const text = format(Number(v));
    if (text === output.textContent) return;
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  const show = (v) => {
    if (Number(input.value) !== Number(v)) input.value = String(v);
    say(v);
  };
  input.addEventListener("input", () => {
    const v = Number(input.value);
    say(v);
    if (trait) frame.store.set(trait, v);
    oninput?.(v);
  });
  // Room for every number: a number with one more digit then lays out nothing else.
  const reserve = () => {
    const low = Number(input.min);
    const span = Number(input.max) - low;
    const texts = [0, 0.25, 0.5, 0.75, 1].map((part) => format(low + part * span));
    const plain = texts.every((text) => /^[-\d.,\u2212\u2013]+$/.test(text));
    output.classList.toggle("wz-number", plain);
    output.style.width = plain ? `${Math.max(...texts.map((text) => text.length)) + 0.5}ch` : "";
  };
  const range = (low, high) => {
    if (Number(input.min) !== low || Number(input.max) !== high) {
      input.min = String(low);
      input.max = String(high);
      reserve();
    }
    show(trait ? frame.store.get(trait) : input.value);
  };
  if (trait) frame.cleanup(frame.store.on(`change:${trait}`, show));
  show(trait ? frame.store.get(trait) : (value ?? min));
  reserve();
  parent.append(el);
  return { el, input, set: show, range };
}

/**
 * @typedef {object} SelectOptions
 * @property {string} [trait] the shared trait it is bound to
 * @property {Option[]} options
 * @property {Value} [value] where no trait is bound
 * @property {(value: Value) => void} [onchange]
 */

/**
 * Add a drop-down.
 *
 * @param {Frame} frame
 * @param {Common & SelectOptions} settings
 */
export function select(frame, settings) {
  const { label, trait, options, value, onchange, hint, parent = frame.controls } = settings;
  controlIds += 1;
  const id = `wz-${frame.store.uid}-${controlIds}`;
  const input = h("select", { id, title: hint, "data-trait": trait, ...OWN_KEYS });
  const fill = (list) => {
    input.replaceChildren(
      ...list.map((o) =>
        Array.isArray(o)
          ? h("option", { value: o[0], text: o[1] })
          : h("option", { value: o, text: o }),
      ),
    );
  };
  const show = (v) => {
    input.value = String(v);
  };
  fill(options);
  const numeric = (v) => (v !== "" && !Number.isNaN(Number(v)) ? Number(v) : v);
  input.addEventListener("change", () => {
    const v = numeric(input.value);
    if (trait) frame.store.set(trait, v);
    onchange?.(v);
  });
  if (trait) frame.cleanup(frame.store.on(`change:${trait}`, show));
  show(trait ? frame.store.get(trait) : (value ?? options[0]));
  const el = h("div", { class: "wz-control" }, h("label", { for: id, text: label }), input);
  parent.append(el);
  return {
    el,
    input,
    set: show,
    options: (list, v) => {
      fill(list);
      show(v);
    },
  };
}

/**
 * Add a switch, drawn as a pill.
 *
 * @param {Frame} frame
 * @param {Common & { value?: boolean, onchange: (on: boolean) => void }} options
 */
export function toggle(frame, { label, value = false, onchange, hint, parent = frame.controls }) {
  const el = h("button", {
    type: "button",
    class: "wz-toggle",
    "aria-pressed": String(value),
    text: label,
    title: hint,
  });
  el.addEventListener("click", () => {
    const on = el.getAttribute("aria-pressed") !== "true";
    el.setAttribute("aria-pressed", String(on));
    onchange(on);
  });
  parent.append(el);
  return { el, set: (on) => el.setAttribute("aria-pressed", String(on)) };
}

/**
 * Add a push button.
 *
 * @param {Frame} frame
 * @param {Common & { onclick: (event: MouseEvent) => void, name?: string }} options
 */
export function button(frame, { label, onclick, hint, parent = frame.controls, name }) {
  const el = h("button", {
    type: "button",
    class: "wz-button",
    text: label,
    title: hint,
    "data-name": name,
    onclick,
  });
  parent.append(el);
  return el;
}

/**
 * @typedef {object} Segments
 * @property {[value: Value, text: string][]} options
 * @property {Value} value
 * @property {(value: Value) => void} onchange
 */

/**
 * Add joined buttons of which one is chosen; arrows move between them.
 *
 * @param {Frame} frame
 * @param {Common & Segments} settings
 */
export function segmented(frame, { label, options, value, onchange, parent = frame.controls }) {
  const group = h("div", {
    class: "wz-segments",
    role: "radiogroup",
    "aria-label": label,
    ...OWN_KEYS,
  });
  const buttons = options.map(([v, text]) =>
    h("button", { type: "button", role: "radio", text, "data-value": v }),
  );
  const choose = (v, byHand) => {
    buttons.forEach((b, i) => {
      const on = options[i][0] === v;
      b.setAttribute("aria-checked", String(on));
      b.tabIndex = on ? 0 : -1;
    });
    if (byHand) onchange(v);
  };
  buttons.forEach((b, i) => {
    b.addEventListener("click", () => choose(options[i][0], true));
    b.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!move) return;
      event.preventDefault();
      const next = (i + move + buttons.length) % buttons.length;
      choose(options[next][0], true);
      buttons[next].focus();
    });
  });
  group.append(...buttons);
  choose(value, false);
  parent.append(group);
  return { el: group, set: (v) => choose(v, false) };
}
