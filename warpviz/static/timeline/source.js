// The run behind a store, which grows as rows arrive.

import { Emitter } from "../base/store.js";
import { Run } from "./run.js";

/** @import { Store } from "../base/store.js" */

/** Emits "reset" with another run, "grown" after new rows, "status" after a change of status. */
class Source extends Emitter {
  /** @param {Store} store */
  constructor(store) {
    super();
    this.store = store;
    this.run = new Run();
    this.fill();
    store.on("data", ({ full }) => {
      if (full) this.fill();
      this.emit(full ? "reset" : "status");
    });
    store.on("events", (events) => {
      for (const event of events) this.run.push(event.rows ?? []);
      this.emit("grown");
    });
  }

  fill() {
    this.run = new Run();
    this.run.push(this.store.data.rows ?? []);
  }
}

/** @type {WeakMap<Store, Source>} */
const SOURCES = new WeakMap();

/**
 * Return the source of a store: folded once, however many views show it.
 *
 * @param {Store} store
 */
export function sourceOf(store) {
  const source = SOURCES.get(store) ?? new Source(store);
  SOURCES.set(store, source);
  return source;
}
