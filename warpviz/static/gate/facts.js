// What a theta does, in numbers, and what it changes against the run.

import { decimals } from "../base/decimals.js";
import { counted, h, number, setText } from "../base/text.js";
import { acceptedShare, thetaText } from "../timeline/strangers.js";

/** @import { GateTunerView } from "./view.js" */

export class Facts {
  /** @param {GateTunerView} view */
  constructor(view) {
    this.view = view;
    const label = "What this theta does";
    this.el = h("div", { class: "wt-facts", role: "group", "aria-label": label });
    /** @type {HTMLElement[]} the elements that hold the numbers */
    this.values = [];
  }

  /** @returns {[name: string, value: string][]} */
  list() {
    const { view } = this;
    const { gate } = view;
    const { accepted, rejected, precision, recall, fpr } = gate.outcome(view.theta);
    let changed = 0;
    for (let i = 0; i < view.size; i += 1)
      if (view.passes(i) !== (view.recorded?.[i] === 1)) changed += 1;
    const strangers = acceptedShare(view.strangers(), view.theta);
    /** @type {[name: string, value: string][]} */
    const facts = [
      ["accepted", number(accepted)],
      ["rejected", number(rejected)],
      ["changed", number(changed)],
    ];
    if (strangers !== null) facts.push(["strangers accepted", share(strangers)]);
    if (gate.numGood + gate.numBad === 0) return facts;
    const f1 = precision && recall ? (2 * precision * recall) / (precision + recall) : null;
    return [
      ...facts,
      ["precision", share(precision)],
      ["recall", share(recall)],
      ["false accepts", share(fpr)],
      ["F1", decimals(f1)],
      ["AUC", decimals(gate.auc)],
    ];
  }

  /** Write the numbers, and put them in words. */
  write() {
    const { frame, scorers, active, theta, size } = this.view;
    const facts = this.list();
    if (this.values.length !== facts.length) {
      this.values = facts.map(() => h("b"));
      this.el.replaceChildren(
        ...facts.map(([name], i) => {
          const text = h("span", { text: name });
          return h("div", { class: "wt-fact", "data-fact": name }, this.values[i], text);
        }),
      );
    }
    facts.forEach(([, value], i) => setText(this.values[i], value));
    const words = facts.map(([name, value]) => `${name} ${value}`).join(", ");
    const scorer = scorers[active] ?? "no scorer";
    frame.later("describe", () => {
      frame.summary(`Gate at theta ${thetaText(theta, scorer)} under ${scorer}: ${words}.`);
      setText(frame.meta, counted(size, "thought"));
    });
  }
}

/** @type {(value: number | null) => string} */
function share(value) {
  return value === null ? "\u2013" : `${(value * 100).toFixed(0)} %`;
}
