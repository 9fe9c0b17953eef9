// Landmarks for any k from one ranking: members, radius, nearest landmark and its distance, without the kernel.

import { number } from "./text.js";

export class Landmarks {
  constructor(store) {
    this.store = store;
    this.read();
  }

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
    this.k = this.assigned = -1;
  }

  /** Take k; returns the k used (never more than was ranked). */
  use(k) {
    const used = Math.min(Math.max(1, k), Math.max(1, this.order.length));
    this.k = used;
    return used;
  }

  /** Every token's nearest landmark; found when somebody asks, since most pictures of a moving k do not. */
  get near() {
    this.assign();
    return this.nearest;
  }

  /** Every token's distance to its nearest landmark. */
  get far() {
    this.assign();
    return this.distances;
  }

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

  has(token) {
    return token < this.count && this.rank[token] >= 0 && this.rank[token] < this.k;
  }

  /** The cover radius at the present k, as the engine reported it. */
  get radius() {
    return this.radii.length ? this.radii[Math.min(this.k, this.radii.length) - 1] : NaN;
  }
}

/** What the certificate compares with: the sinks and recent tokens were not chosen, so the best choice is bound to them, too. */
export const BEST = "the best possible with the same sinks and recent tokens";

/** The factor by which the cover radius may exceed BEST at this alpha; null from one half on. */
export function certificateFactor(alpha) {
  return alpha < 0.5 ? (2 * (1 - alpha)) / (1 - 2 * alpha) : null;
}

/** Say the certificate in words. */
export function certificateText(alpha) {
  const factor = certificateFactor(alpha);
  return factor === null
    ? "no guarantee from \u03b1 = 0.5 on"
    : `at most ${number(factor, 3)}\u00d7 ${BEST}`;
}

/** How many landmarks the rule of arXiv 2510.04553 asks for, 43 n^0.26. */
export function ruleOf(num) {
  return Math.min(num, Math.round(43 * num ** 0.26));
}
