// Landmarks for any k from one ranking, without the kernel: members, radius, nearest landmarks.

import { number } from "./text.js";

/**
 * @import { Store } from "./store.js"
 * @import { Numbers } from "./wire.js"
 */

/** @type {Numbers} */
const NONE = new Float32Array(0);

export class Landmarks {
  /** @param {Pick<Store, "array">} store */
  constructor(store) {
    this.store = store;
    this.k = -1;
    this.assigned = -1; // the k that `nearest` and `distances` belong to
    this.order = NONE; // tokens, the first chosen first
    this.radii = NONE; // the cover radius for every k
    // Per token t, entries start[t] to start[t + 1] of pick and distance: the place in `order` of
    // each landmark that became its nearest, and how far that landmark is.
    this.start = NONE;
    this.pick = NONE;
    this.distance = NONE;
    this.count = 0;
    this.rank = new Int32Array(0); // per token its place in `order`, -1 without one
    this.nearest = new Int32Array(0);
    this.distances = new Float32Array(0);
    this.read();
  }

  /** Take the ranking and its chains from the store again. */
  read() {
    this.order = this.store.array("order");
    this.radii = this.store.array("radii");
    this.start = this.store.array("chain_start");
    this.pick = this.store.array("chain_pick");
    this.distance = this.store.array("chain_distance");
    this.count = Math.max(0, this.start.length - 1);
    this.rank = new Int32Array(this.count).fill(-1);
    for (let r = 0; r < this.order.length; r += 1)
      if (this.order[r] < this.count) this.rank[this.order[r]] = r;
    this.nearest = new Int32Array(this.count);
    this.distances = new Float32Array(this.count);
    this.k = -1;
    this.assigned = -1;
  }

  /** Take k; returns the k used (at most the number of ranked tokens). */
  use(k) {
    const used = Math.min(Math.max(1, k), Math.max(1, this.order.length));
    this.k = used;
    return used;
  }

  /** Every token's nearest landmark, on demand: most pictures of a moving k do not use it. */
  get near() {
    this.assign();
    return this.nearest;
  }

  /** Every token's distance to its nearest landmark. */
  get far() {
    this.assign();
    return this.distances;
  }

  /** Find the nearest landmarks for the present k, once. */
  assign() {
    if (this.assigned === this.k) return;
    this.assigned = this.k;
    for (let t = 0; t < this.count; t += 1) {
      let low = this.start[t];
      let high = this.start[t + 1] - 1;
      while (low < high) {
        const mid = (low + high + 1) >> 1;
        if (this.pick[mid] < this.k) low = mid;
        else high = mid - 1;
      }
      this.nearest[t] = this.order[this.pick[low]];
      this.distances[t] = this.distance[low];
    }
  }

  /** Return whether a token is among the first k landmarks. */
  has(token) {
    return token < this.count && this.rank[token] >= 0 && this.rank[token] < this.k;
  }

  /** The cover radius at the present k, outside the sinks. */
  get radius() {
    return this.radii.length ? this.radii[Math.min(this.k, this.radii.length) - 1] : NaN;
  }
}

// What the certificate compares with. Sinks and recent tokens are always kept, so the best possible
// choice has to keep them too.
export const BEST = "the best possible with the same sinks and recent tokens";

/** Return by which factor the cover radius may exceed BEST at this alpha; null from 0.5 on. */
export function certificateFactor(alpha) {
  return alpha < 0.5 ? (2 * (1 - alpha)) / (1 - 2 * alpha) : null;
}

/** Return the certificate in words. */
export function certificateText(alpha) {
  const factor = certificateFactor(alpha);
  return factor === null
    ? "no guarantee from \u03b1 = 0.5 on"
    : `at most ${number(factor, 3)}\u00d7 ${BEST}`;
}

/** Return how many landmarks the rule of arXiv 2510.04553 asks for, 43 n^0.26. */
export function ruleOf(num) {
  return Math.min(num, Math.round(43 * num ** 0.26));
}
