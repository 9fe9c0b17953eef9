// A view's state in the browser: traits (shared, linked, saved to the kernel), data and arrays (sent by the pump).

import { appendArray, decodeArray } from "./wire.js";

export const WARPVIZ = (globalThis.__warpviz ??= {
  stores: new Map(),
  groups: new Map(),
  painted: 0,
});
const ASK_AGAIN_MS = 600;
const ASK_MOST_MS = 10000;
const FRESH_MS = 1000;
const SELECTION_NONE = Object.freeze([]);

export class Emitter {
  constructor() {
    this.listeners = new Map();
  }

  /** Call `fn` on an event; returns how to stop. */
  on(name, fn) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(fn);
    return () => this.listeners.get(name)?.delete(fn);
  }

  emit(name, value) {
    for (const fn of [...(this.listeners.get(name) ?? [])]) fn(value);
  }
}

class Store extends Emitter {
  constructor(model, { live = true } = {}) {
    super();
    this.model = model;
    this.live = live;
    this.lost = false;
    this.uid = model.get("uid");
    this.data = {};
    this.arrays = {};
    this.seq = 0;
    this.synced = false;
    this.refs = 0;
    this.seen = {};
    this.touched = {}; // when a trait was last set here: an older state from the kernel does not undo it
    this.attach();
  }

  attach() {
    const names = ["k", "alpha", "theta", "layer", "space", "selection", "notice", "links"];
    for (const name of names) this.watch(name);
    this.model.on("msg:custom", (content, buffers) => this.receive(content, buffers));
    this.model.on("comm_live_update", () => this.send({ op: "ready" })); // opened or closed: only a closed one throws
    this.join();
    this.on("change:links", () => this.join());
  }

  /** Call `fn` on an event: "data", "events", "saved", "lost", "op:<name>", or "change:<trait>". */
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

  get(name) {
    const value = this.model.get(name);
    return name === "selection" ? (value ?? SELECTION_NONE) : value;
  }

  /** Set a trait here, in every view linked to it on this page, and in the kernel (the last value wins). */
  set(name, value, { save = true } = {}) {
    if (same(this.get(name), value)) return;
    this.watch(name);
    this.touched[name] = performance.now();
    this.model.set(name, value);
    if (save && this.live) this.attempt(() => this.model.save_changes());
    const group = (this.get("links") ?? {})[name];
    for (const other of (group && WARPVIZ.groups.get(group)) ?? []) {
      if (other !== this && !same(other.get(name), value)) other.model.set(name, value);
    }
  }

  join() {
    for (const members of WARPVIZ.groups.values()) members.delete(this);
    for (const group of Object.values(this.get("links") ?? {})) {
      if (!WARPVIZ.groups.has(group)) WARPVIZ.groups.set(group, new Set());
      WARPVIZ.groups.get(group).add(this);
    }
  }

  /**
   * Ask the kernel for the full state until it comes. A first message waits behind a busy cell; once the page has opened a
   * subshell for its widgets, a later one does not.
   */
  ready(wait = ASK_AGAIN_MS) {
    clearTimeout(this.asking);
    if (this.synced || !this.live) return;
    this.attempt(() => this.model.send({ op: "ready" }));
    this.asking = setTimeout(() => this.ready(Math.min(wait * 2, ASK_MOST_MS)), wait);
  }

  /** Send a message of the view's own to the kernel; without one it is dropped. */
  send(content, buffers = []) {
    if (this.live) this.attempt(() => this.model.send(content, undefined, buffers));
  }

  /** Talk to the kernel; one that was restarted no longer listens. */
  attempt(talk) {
    try {
      talk();
    } catch {
      this.lose();
    }
  }

  /** The kernel is gone for good: say so once, and go on as a page without one does. */
  lose() {
    if (!this.live) return;
    this.live = false;
    this.lost = true;
    this.emit("lost");
    this.emit("data", { full: false, changed: new Set() }); // what was shown as on its way no longer is
  }

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

  /** Say what has been painted; a view whose messages come in a stream asks for this to be said more rarely. */
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

  /** Take a full state or a patch; arrays are [header, array] pairs. */
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

  /** Return the numbers of an array, or an empty one. */
  array(name) {
    return this.arrays[name]?.data ?? new Float32Array(0);
  }
}

export function same(a, b) {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((x, i) => x === b[i]);
  return false;
}

/** Call back after the next paint; hidden pages do not paint, so they answer once a second. */
function afterPaint(callback) {
  if (document.hidden) setTimeout(callback, 1000);
  else requestAnimationFrame(() => setTimeout(callback, 0));
}

export function openStore(model, options) {
  const uid = model.get("uid");
  if (!WARPVIZ.stores.has(uid)) WARPVIZ.stores.set(uid, new Store(model, options));
  return WARPVIZ.stores.get(uid);
}

export function closeStore(store) {
  WARPVIZ.stores.delete(store.uid);
  clearTimeout(store.asking);
  clearTimeout(store.acking);
  store.live = false;
  for (const members of WARPVIZ.groups.values()) members.delete(store);
  store.listeners.clear();
}
