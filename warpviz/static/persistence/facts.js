// The numbers below the pictures, each with what it is compared with.

import { BEST, certificateFactor } from "../base/landmarks.js";
import { h, number, setText } from "../base/text.js";
import { curveRows } from "./distance_curve.js";

/**
 * @import { Store } from "../base/store.js"
 * @import { PersistenceView } from "./view.js"
 *
 * @typedef {[name: string, value: string, meaning: string]} Fact
 */

/**
 * Return the facts of the view's dimension at its k.
 *
 * @type {(view: PersistenceView) => Fact[]}
 */
export function factsOf(view) {
  const { store, bound, isBounded, dim } = view;
  const { data } = store;
  const now = data.numbers?.[dim] ?? {};
  const k = store.get("k");
  const rows = [...curveRows(store, dim)].sort((a, b) => Math.abs(a.k - k) - Math.abs(b.k - k));
  const row = rows[0];
  const range = row && `90 % between ${number(row.low)} and ${number(row.high)}`;
  const verdict = row && row.k === k ? compared(now.bottleneck, row) : "";
  const isKnown = now.bars !== undefined && Number.isFinite(bound);
  return [
    ["bottleneck", number(now.bottleneck), verdict || "between the two diagrams; small is similar"],
    [
      "random landmarks",
      row ? number(row.mean) : "\u2013",
      row ? `their bottleneck at k = ${row.k}, ${range}` : "not computed",
    ],
    ["Wasserstein", number(now.wasserstein, 2), "0: equal diagrams, 1: they share nothing"],
    ["cover radius r", number(view.radius), `without the first tokens; ${certificateLine(store)}`],
    [
      "bound 2r",
      isBounded ? number(bound) : "\u2013",
      isBounded ? (isKnown ? certifiedText(now) : "") : "no bound for witness complexes",
    ],
    ["intrinsic dimension", number(data.dimension, 2), "directions the points vary in (TwoNN)"],
  ];
}

/** @type {(numbers: { certified: number, bars: number }) => string} */
function certifiedText({ certified, bars }) {
  if (!certified) return "no bar is longer, so it certifies none";
  return `certifies the ${certified} of ${bars} bars that are longer`;
}

/**
 * Return how a distance compares with those of random landmarks.
 *
 * @type {(value: number | undefined, row: { low: number, high: number }) => string}
 */
function compared(value, { low, high }) {
  if (value === undefined || !Number.isFinite(low) || !Number.isFinite(high)) return "";
  if (value < low) return "less than random landmarks: their choice helps";
  return value > high ? "more than random landmarks" : "as far as random landmarks";
}

/**
 * Return an element with a row per fact, and a function that writes them.
 *
 * @returns {{ el: HTMLElement, write: (facts: Fact[]) => void }}
 */
export function factList() {
  const el = h("div", { class: "wz-facts", role: "list" });
  /** @type {HTMLElement[][]} */
  const rows = [];
  const write = (facts) => {
    facts.forEach((fact, i) => {
      if (!rows[i]) {
        rows[i] = [h("span", { class: "wz-fact-name" }), h("b"), h("span", { class: "wz-faint" })];
        el.append(h("div", { role: "listitem" }, ...rows[i]));
      }
      fact.forEach((text, j) => setText(rows[i][j], text));
    });
  };
  return { el, write };
}

/**
 * Return what is certified about the cover radius.
 *
 * @param {Store} store
 */
function certificateLine(store) {
  const policy = store.get("policy");
  if (policy !== "hybrid" && policy !== "farthest") return "no certificate for this policy";
  const factor = certificateFactor(policy === "farthest" ? 0 : store.get("alpha"));
  return factor === null
    ? "no certificate from \u03b1 = 0.5 on"
    : `\u2264 ${number(factor)}\u00d7 ${BEST}`;
}
