// The council's samples over a run, and the rates they give.

/**
 * @import { Store } from "../base/store.js"
 *
 * @typedef {{ river: number[][], streams: number[][] }} Lines points [when, tokens per s or beat]
 */

const MOST_SAMPLES = 240;
const LEAST_BEATS = 8; // a rate over fewer beats is noise

/** Reads a store's array of samples, a row of `fields` each. */
export class Samples {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
  }

  /** @returns {string[]} */
  get fields() {
    return this.store.data.fields ?? [];
  }

  get count() {
    return this.fields.length ? this.store.array("samples").length / this.fields.length : 0;
  }

  /**
   * Return a field of sample i.
   *
   * @type {(i: number, name: string) => number}
   */
  at(i, name) {
    return this.store.array("samples")[i * this.fields.length + this.fields.indexOf(name)];
  }

  /**
   * Return the sum of several fields of sample i.
   *
   * @type {(i: number, names: string[]) => number}
   */
  sum(i, names) {
    return names.reduce((all, name) => all + this.at(i, name), 0);
  }

  /**
   * Return the samples to draw: of MOST_SAMPLES equal shares the sample of the greatest size each
   * (by default the last), and the last of all.
   *
   * @param {(i: number) => number} size
   */
  shown(size = (i) => i) {
    const stride = Math.max(1, Math.ceil(this.count / MOST_SAMPLES));
    const list = [];
    for (let end = (this.count - 1) % stride; end < this.count; end += stride) {
      let peak = end;
      for (let i = end - 1; i > end - stride && i >= 0; i -= 1) if (size(i) > size(peak)) peak = i;
      list.push(peak);
    }
    if (this.count && list.at(-1) !== this.count - 1) list.push(this.count - 1);
    return list;
  }

  /** Return the kernel's rates per second, by seconds; without points where no clock ran. */
  clockRates() {
    const rates = this.store.array("rates");
    /** @type {Lines} */
    const lines = { river: [], streams: [] };
    for (let i = 0; i < rates.length; i += 3) {
      lines.river.push([rates[i], rates[i + 1]]);
      lines.streams.push([rates[i], rates[i + 2]]);
    }
    return lines;
  }

  /** Return the rates per beat, by beats. */
  beatRates() {
    /** @type {Lines} */
    const lines = { river: [], streams: [] };
    const list = this.shown();
    let a = list[0];
    for (const b of list.slice(1)) {
      const beat = this.at(b, "beat");
      const beats = beat - this.at(a, "beat");
      if (beats < LEAST_BEATS) continue;
      const rate = (name) => (this.at(b, name) - this.at(a, name)) / beats;
      lines.river.push([beat, rate("river_tokens")]);
      lines.streams.push([beat, rate("stream_tokens")]);
      a = b;
    }
    return lines;
  }

  /** Return every sample as an object. */
  rows() {
    return Array.from({ length: this.count }, (_, i) =>
      Object.fromEntries(this.fields.map((name) => [name, this.at(i, name)])),
    );
  }
}
