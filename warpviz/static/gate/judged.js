// The judged thoughts of a run as they arrive.

import { Emitter } from "../base/store.js";

/**
 * @import { Store } from "../base/store.js"
 *
 * @typedef {[run: number, stream: number, step: number, task: string, thought: string]} Thought
 */

/** The thoughts behind one store; emits "changed". */
export class Judged extends Emitter {
  /** @param {Store} store */
  constructor(store) {
    super();
    /** @type {Thought[]} */
    this.thoughts = [...(store.data.thoughts ?? [])];
    store.on("data", ({ changed }) => {
      if (changed.has("thoughts")) this.thoughts = [...(store.data.thoughts ?? [])];
      this.emit("changed");
    });
    store.on("events", (events) => {
      for (const event of events) this.thoughts.push(...(event.thoughts ?? []));
      this.emit("changed");
    });
  }
}

/** @type {WeakMap<Store, Judged>} */
const JUDGED = new WeakMap();

/**
 * Return the judged thoughts behind a store: gathered once, however many views show them.
 *
 * @param {Store} store
 */
export function judgedOf(store) {
  const judged = JUDGED.get(store) ?? new Judged(store);
  JUDGED.set(store, judged);
  return judged;
}
