// A view's state in the browser: traits (linked on the page, saved to the kernel), data and arrays.

import { appendArray, decodeArray } from "./wire.js";

/** @import { Header, Numbers, WireArray } from "./wire.js" */

/**
 * What all views of one page share, whichever module text they came with.
 *
 * @typedef {object} Shared
 * @property {Map<string, Store>} stores by uid
 * @property {Map<string, Set<Store>>} groups linked stores, by group id
 * @property {number} painted how many pictures have been painted; tests and benchmarks count them
 * @property {string} [pageSource] the HTML of a page without a kernel
 */

const GLOBALS = /** @type {{ __warpviz?: Shared }} */ (globalThis);
GLOBALS.__warpviz ??= { stores: new Map(), groups: new Map(), painted: 0 };
export const WARPVIZ = GLOBALS.__warpviz;
const ASK_AGAIN_MS = 600;
const ASK_MOST_MS = 10000;
const FRESH_MS = 1000;
/** @type {readonly number[]} */
const SELECTION_NONE = Object.freeze([]);

/** Named events and their listeners. */
export class Emitter {
  constructor() {
    /** @type {Map<string, Set<(value?: any) => void>>} */
    this.listeners = new Map();
  }

  /**
   * Call `fn` on an event; returns how to stop.
   *
   * @param {string} name
   * @param {(value?: any) => void} fn
   */
  on(name, fn) {
    const set = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, set.add(fn));
    return () => set.delete(fn);
  }

  /**
   * Call every listener of an event.
   *
   * @param {string} name
   * @param {any} [value]
   */
  emit(name, value) {
    for (const fn of [...(this.listeners.get(name) ?? [])]) fn(value);
  }
}

/** The state of one view, however many times it is shown on the page. */
export class Store extends Emitter {
  /** @param {any} model anywidget's model, or a PageModel */
  constructor(model, { live = true } = {}) {
    super();
    this.model = model;
    this.live = live;
    this.lost = false;
    this.uid = model.get("uid");
    /** @type {Record<string, any>} */
    this.data = {};
    /** @type {Record<string, WireArray>} */
    this.arrays = {};
    this.seq = 0;
    this.synced = false;
    this.asking = 0;
    this.acking = 0;
    /** @type {Record<string, boolean>} */
    this.seen = {};
    /**
     * When a trait was last set here: an older state from the kernel does not undo it.
     * @type {Record<string, number>}
     */
    this.touched = {};
    this.attach();
  }

  /** Listen to the model. */
  attach() {
    const names = ["k", "alpha", "theta", "layer", "space", "selection", "notice", "links"];
    for (const name of names) this.watch(name);
    this.model.on("msg:custom", (content, buffers) => this.receive(content, buffers));
    // The line to the kernel was opened or closed; sending throws only if it was closed.
    this.model.on("comm_live_update", () => this.send({ op: "ready" }));
    this.join();
    this.on("change:links", () => this.join());
  }

  /**
   * Call `fn` on "data", "events", "saved", "lost", "op:<name>" or "change:<trait>".
   *
   * @param {string} name
   * @param {(value?: any) => void} fn
   */
  on(name, fn) {
    if (name.startsWith("change:")) this.watch(name.slice(7));
    return super.on(name, fn);
  }

  /** Turn model changes of a trait into store events. */
  watch(name) {
    if (name in this.seen) return;
    this.seen[name] = true;
    this.model.on(`change:${name}`, () => this.emit(`change:${name}`, this.get(name)));
  }

  /** Return the value of a trait. */
  get(name) {
    const value = this.model.get(name);
    return name === "selection" ? (value ?? SELECTION_NONE) : value;
  }

  /** Set a trait here, in the views linked to it on this page, and in the kernel. */
  set(name, value, { save = true } = {}) {
    if (same(this.get(name), value)) return;
    this.watch(name);
    this.touched[name] = performance.now();
    this.model.set(name, value);
    if (save && this.live) this.attempt(() => this.model.save_changes());
    const group = this.get("links")?.[name];
    for (const other of WARPVIZ.groups.get(group) ?? []) {
      if (other !== this && !same(other.get(name), value)) other.model.set(name, value);
    }
  }

  /** Join the groups of linked stores that `links` names, and leave all others. */
  join() {
    for (const members of WARPVIZ.groups.values()) members.delete(this);
    for (const group of Object.values(this.get("links") ?? {})) {
      const members = WARPVIZ.groups.get(group) ?? new Set();
      WARPVIZ.groups.set(group, members.add(this));
    }
  }

  /**
   * Ask the kernel for the full state until it comes. The first message may wait behind a busy
   * cell; a later one does not, once the page has opened a subshell for its widgets.
   */
  ready(wait = ASK_AGAIN_MS) {
    clearTimeout(this.asking);
    if (this.synced || !this.live) return;
    this.attempt(() => this.model.send({ op: "ready" }));
    this.asking = setTimeout(() => this.ready(Math.min(wait * 2, ASK_MOST_MS)), wait);
  }

  /**
   * Send a message to the kernel; without a kernel it is dropped.
   *
   * @param {Record<string, any>} content
   * @param {Uint8Array[]} buffers
   */
  send(content, buffers = []) {
    if (this.live) this.attempt(() => this.model.send(content, undefined, buffers));
  }

  /** Talk to the kernel; talking throws where the kernel was restarted. */
  attempt(talk) {
    try {
      talk();
    } catch {
      this.lose();
    }
  }

  /** The kernel is gone for good: emit "lost" once, and go on like a page without a kernel. */
  lose() {
    if (!this.live) return;
    this.live = false;
    this.lost = true;
    this.emit("lost");
    // Views show what the kernel is computing; that will not come any more.
    this.emit("data", { full: false, changed: new Set() });
  }

  /** Take one message of the kernel. */
  receive(content, buffers) {
    if (content.op === "saved") {
      this.emit("saved", content.path);
      return;
    }
    if (content.op !== "state" && content.op !== "patch") {
      this.emit(`op:${content.op}`, { content, buffers });
      return;
    }
    if (content.op === "patch" && (!this.synced || content.seq !== this.seq + 1)) {
      this.synced = false;
      this.send({ op: "resync" });
      return;
    }
    const arrays = content.arrays.map((header, i) => [header, decodeArray(header, buffers[i])]);
    this.apply(content, arrays);
    this.seq = content.seq;
    this.acknowledge(content.seq);
  }

  /** Report to the kernel what has been painted, at most every `ack_ms` if the data have that. */
  acknowledge(seq) {
    const every = this.data.ack_ms ?? 0;
    if (!every) {
      afterPaint(() => this.send({ op: "ack", seq }));
      return;
    }
    this.acking ||= setTimeout(
      () =>
        afterPaint(() => {
          this.acking = 0;
          this.send({ op: "ack", seq: this.seq });
        }),
      every,
    );
  }

  /**
   * Take a full state or a patch.
   *
   * @param {{ op: string, data: Record<string, any>, events?: any[] }} content
   * @param {[Header, WireArray][]} arrays
   */
  apply(content, arrays) {
    const full = content.op === "state";
    if (full) {
      this.data = {};
      this.arrays = {};
      this.synced = true;
    }
    Object.assign(this.data, content.data);
    const changed = new Set(Object.keys(content.data));
    for (const [header, array] of arrays) {
      this.arrays[header.name] = header.append
        ? appendArray(this.arrays[header.name], array)
        : array;
      changed.add(header.name);
    }
    for (const [name, value] of Object.entries(full ? (content.data.traits ?? {}) : {})) {
      const fresh = performance.now() - (this.touched[name] ?? -Infinity) < FRESH_MS;
      if (!fresh && !same(this.get(name), value)) this.model.set(name, value);
    }
    this.emit("data", { full, changed });
    if (content.events?.length) this.emit("events", content.events);
  }

  /**
   * Return the numbers of an array, or an empty one.
   *
   * @param {string} name
   * @returns {Numbers}
   */
  array(name) {
    return this.arrays[name]?.data ?? new Float32Array(0);
  }
}

/** Return whether two trait values are equal; arrays are compared item by item. */
export function same(a, b) {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((x, i) => x === b[i]);
  return false;
}

/** Call back after the next paint; hidden pages do not paint and call back after a second. */
function afterPaint(callback) {
  if (document.hidden) setTimeout(callback, 1000);
  else requestAnimationFrame(() => setTimeout(callback, 0));
}

/** Return the one store of a model, made on the first call. */
export function openStore(model, options = {}) {
  const uid = model.get("uid");
  const store = WARPVIZ.stores.get(uid) ?? new Store(model, options);
  WARPVIZ.stores.set(uid, store);
  return store;
}

/**
 * End a store: it no longer listens to its model, nor sends to it.
 *
 * @param {Store} store
 */
export function closeStore(store) {
  WARPVIZ.stores.delete(store.uid);
  clearTimeout(store.asking);
  clearTimeout(store.acking);
  store.live = false;
  for (const members of WARPVIZ.groups.values()) members.delete(store);
  store.listeners.clear();
}
