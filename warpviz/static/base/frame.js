// The frame of every view: header, controls, body, status; errors are caught here and shown, never lost.

import { addExports } from "./export.js";
import { closeStore, openStore } from "./store.js";
import { h, oneLine, setText, visible } from "./text.js";
import { themeOf, watchTheme } from "./theme.js";

class Frame {
  constructor(el, store) {
    this.el = el;
    this.store = store;
    this.plots = []; // canvases on screen
    this.drawings = []; // {width, height, draw(pen)}: what exports show of views without a canvas
    this.cleanups = [];
    this.themeListeners = [];
    this.begun = new Set(); // names whose first words came with the first picture
    this.waiting = new Map(); // what is said about the picture once it stands, by name
    this.summaryText = "";
    this.build();
    this.cleanup(
      watchTheme(() => {
        this.colours = null;
        this.themeListeners.forEach((fn) => fn());
      }),
    );
    this.cleanup(store.on("change:notice", (text) => this.error(text)));
    this.cleanup(store.on("lost", () => this.status("")));
    this.status("");
    this.error(store.get("notice"));
    this.cleanup(store.on("data", () => this.titles()));
    this.titles();
  }

  build() {
    this.heading = h("h3", { class: "wz-title" });
    this.meta = h("span", { class: "wz-meta" });
    this.header = h("header", { class: "wz-header" }, this.heading, this.meta);
    this.controls = h("div", { class: "wz-controls" });
    this.body = h("div", { class: "wz-body" });
    this.statusLine = h("div", { class: "wz-status", role: "status", "aria-live": "polite" });
    this.notice = h("div", { class: "wz-notice", role: "alert", hidden: true });
    this.hidden = h("p", { class: "wz-hidden", "data-summary": true });
    this.root = h(
      "section",
      { class: "warpviz", role: "group", "data-uid": this.store.uid },
      this.header,
      this.controls,
      this.notice,
      this.body,
      this.statusLine,
      this.hidden,
    );
    this.el.append(this.root);
  }

  /** The colours of the page around; read when first needed, since an element off the page has none. */
  get theme() {
    if (!this.colours?.ink) this.colours = themeOf(this.root);
    return this.colours;
  }

  get title() {
    return this.store.data.title ?? this.store.get("title") ?? "";
  }

  get stem() {
    return this.store.data.stem ?? "view";
  }

  titles() {
    if (this.titled === this.title) return;
    this.titled = this.title;
    setText(this.heading, oneLine(this.title));
    this.root.setAttribute("aria-label", oneLine(this.title));
  }

  /** Do something a moment later, when the page has nothing better to do; the last one of a name wins, the first runs. */
  later(name, fn) {
    if (!this.begun.has(name)) {
      this.begun.add(name);
      this.guard(fn);
      return;
    }
    if (!this.waiting.size) setTimeout(() => whenIdle(() => this.catchUp()), LATER_MS);
    this.waiting.set(name, fn);
  }

  /** Do now what was put off. */
  catchUp() {
    const jobs = [...this.waiting.values()];
    this.waiting.clear();
    for (const job of jobs) this.guard(job);
  }

  /** The numbers' origin, with the settings as they stand now; those of a run are what they were. */
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

  /** What a CSV or JSON download holds without a kernel; views replace this. */
  table() {
    return this.store.data.rows ?? [];
  }

  /** Say something short under the view (and to a screen reader); that the kernel is gone stays in front of it. */
  status(text) {
    const lost = this.store.lost ? "The kernel no longer answers: run the cell again" : "";
    this.statusLine.textContent = visible([lost, text].filter(Boolean).join(". "));
  }

  /** Put the view in words: the picture's label and a hidden paragraph. */
  summary(text) {
    if (text === this.summaryText) return;
    this.summaryText = text;
    this.hidden.textContent = visible(text);
  }

  /** Show an error (an empty text clears it). */
  error(text) {
    this.notice.hidden = !text;
    this.notice.textContent = text ? visible(text) : "";
  }

  /** Run something; what it throws is shown in the view and in the console. */
  async guard(fn) {
    try {
      return await fn();
    } catch (error) {
      console.error(error);
      this.error(`${error.name}: ${error.message}`);
      return undefined;
    }
  }

  onTheme(fn) {
    this.themeListeners.push(fn);
  }

  cleanup(fn) {
    this.cleanups.push(fn);
  }

  close() {
    this.waiting.clear();
    for (const fn of this.cleanups.splice(0)) fn();
    this.root.remove();
  }
}

const LATER_MS = 120; // words and lists follow a moving slider eight times a second: its pictures need the time
const IDLE_MS = 250;

/** Call back when the page has nothing better to do. */
function whenIdle(fn) {
  if (globalThis.requestIdleCallback) requestIdleCallback(fn, { timeout: IDLE_MS });
  else setTimeout(fn, IDLE_MS / 4);
}

/** Return the {initialize, render} pair of anywidget for a view's `mount(frame, store)`. */
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
