// The frame of every view: header, controls, body, status line. It shows every error of its view.

import { closeStore, openStore } from "../base/store.js";
import { h, oneLine, setText, visible } from "../base/text.js";
import { themeOf, watchTheme } from "../base/theme.js";
import { addExports } from "./export.js";

/**
 * @import { Draw, Plot } from "./plot.js"
 * @import { Store } from "../base/store.js"
 * @import { Theme } from "../base/theme.js"
 *
 * @typedef {{ width: number, height: number, draw: Draw }} Drawing
 * @typedef {(frame: Frame, store: Store) => (() => void) | void} Mount
 */

// Words and lists follow a moving slider eight times a second: the pictures need the rest.
const LATER_MS = 120;
const IDLE_MS = 250;

export class Frame {
  /**
   * @param {Element} el
   * @param {Store} store
   */
  constructor(el, store) {
    this.el = el;
    this.store = store;
    /** @type {Plot[]} the canvases on screen */
    this.plots = [];
    /** @type {Drawing[]} what exports show of views without a canvas */
    this.drawings = [];
    /** @type {(() => void)[]} */
    this.cleanups = [];
    /** @type {(() => void)[]} */
    this.themeListeners = [];
    /** @type {Theme | null} */
    this.colours = null;
    /** @type {Set<string>} the jobs that have run once */
    this.begun = new Set();
    /** @type {Map<string, () => void>} the jobs put off, by name */
    this.waiting = new Map();
    this.summaryText = "";
    this.titled = null;
    this.heading = h("h3", { class: "wz-title" });
    this.meta = h("span", { class: "wz-meta" });
    this.tools = h("div", { class: "wz-tools" }); // at the header's end: help, export
    this.header = h("header", { class: "wz-header" }, this.heading, this.meta, this.tools);
    this.controls = h("div", { class: "wz-controls" });
    this.body = h("div", { class: "wz-body" });
    this.statusLine = h("div", { class: "wz-status", role: "status", "aria-live": "polite" });
    this.notice = h("div", { class: "wz-notice", role: "alert", hidden: true });
    this.hidden = h("p", { class: "wz-hidden", "data-summary": true });
    const parts = [this.header, this.controls, this.notice, this.body, this.statusLine];
    const settings = { class: "warpviz", role: "group", "data-uid": store.uid };
    this.root = h("section", settings, ...parts, this.hidden);
    el.append(this.root);
    this.listen();
    this.hideStill();
  }

  /** Hide the picture that the notebook keeps of this view: the view itself is on the page. */
  hideStill() {
    const rule = `[data-still~="${CSS.escape(this.store.uid)}"] { display: none; }`;
    const style = h("style", { text: rule });
    this.root.append(style);
  }

  listen() {
    const { store } = this;
    this.cleanup(
      watchTheme(() => {
        this.colours = null;
        for (const fn of this.themeListeners) fn();
      }),
    );
    this.cleanup(store.on("change:notice", (text) => this.error(text)));
    this.cleanup(store.on("lost", () => this.status("")));
    this.status("");
    this.error(store.get("notice"));
    this.cleanup(store.on("data", () => this.titles()));
    this.titles();
  }

  /** The colours of the page around, read on demand: an element off the page has none. */
  get theme() {
    if (!this.colours?.ink) this.colours = themeOf(this.root);
    return this.colours;
  }

  get title() {
    return this.store.data.title ?? this.store.get("title") ?? "";
  }

  /** How exported files are called, without their ending. */
  get stem() {
    return this.store.data.stem ?? "view";
  }

  titles() {
    if (this.titled === this.title) return;
    this.titled = this.title;
    setText(this.heading, oneLine(this.title));
    this.root.setAttribute("aria-label", oneLine(this.title));
  }

  /**
   * Do a job a moment later, when the page is idle. The first job of a name runs at once; of those
   * put off under one name, the last one runs.
   *
   * @param {string} name
   * @param {() => void} fn
   */
  later(name, fn) {
    if (!this.begun.has(name)) {
      this.begun.add(name);
      this.guard(fn);
      return;
    }
    if (!this.waiting.size) setTimeout(() => whenIdle(() => this.catchUp()), LATER_MS);
    this.waiting.set(name, fn);
  }

  /** Do every job that was put off. */
  catchUp() {
    const jobs = [...this.waiting.values()];
    this.waiting.clear();
    for (const job of jobs) this.guard(job);
  }

  /** Return where the numbers come from, with the settings as they are now; a run keeps its own. */
  provenance() {
    const known = this.store.data.provenance ?? {};
    const now = Object.keys(known)
      .filter((name) => !(name in (known.config?.synapse ?? {})))
      .map((name) => [name, this.store.get(name)]);
    return {
      ...known,
      ...Object.fromEntries(now.filter(([, value]) => ["number", "string"].includes(typeof value))),
    };
  }

  /**
   * Return the rows of a CSV or JSON download without a kernel; views replace this.
   *
   * @returns {Record<string, any>[]}
   */
  table() {
    return this.store.data.rows ?? [];
  }

  /** Write a short remark below the view; if the kernel is gone, that comes first. */
  status(text) {
    const lost = this.store.lost ? "The kernel no longer answers: run the cell again" : "";
    this.statusLine.textContent = visible([lost, text].filter(Boolean).join(". "));
  }

  /** Set the view's content in words: for screen readers and below exported pictures. */
  summary(text) {
    if (text === this.summaryText) return;
    this.summaryText = text;
    this.hidden.textContent = visible(text);
  }

  /** Show an error; an empty text clears it. */
  error(text) {
    this.notice.hidden = !text;
    this.notice.textContent = text ? visible(text) : "";
  }

  /**
   * Run something; an error it throws is shown in the view and in the console.
   *
   * @template T
   * @param {() => T | Promise<T>} fn
   */
  async guard(fn) {
    try {
      return await fn();
    } catch (error) {
      console.error(error);
      this.error(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      return undefined;
    }
  }

  /** @param {() => void} fn called when the colours change */
  onTheme(fn) {
    this.themeListeners.push(fn);
  }

  /** @param {() => void} fn called when the frame closes */
  cleanup(fn) {
    this.cleanups.push(fn);
  }

  close() {
    this.waiting.clear();
    for (const fn of this.cleanups.splice(0)) fn();
    this.root.remove();
  }
}

/** Call back when the page is idle. */
function whenIdle(fn) {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(fn, { timeout: IDLE_MS });
  else setTimeout(fn, IDLE_MS / 4);
}

/**
 * Return a view as anywidget wants it.
 *
 * @param {Mount} mount fills the frame; what it returns is called at the end
 */
export function widget(mount) {
  return {
    initialize({ model }) {
      const store = openStore(model, { live: !model.offline });
      return () => closeStore(store);
    },
    render({ model, el }) {
      const store = openStore(model, { live: !model.offline });
      const frame = new Frame(el, store);
      frame.guard(() => mount(frame, store)).then((stop) => stop && frame.cleanup(stop));
      addExports(frame);
      store.ready();
      return () => frame.close();
    },
  };
}
