// A page without a kernel: a small model with the interface of a notebook's, below the same views.

import { Emitter, openStore, same, WARPVIZ } from "../base/store.js";
import { h } from "../base/text.js";
import { bytesOfBase64, decodeArray } from "../base/wire.js";

/** @import { widget } from "./frame.js" */

/** A widget model that keeps its traits and sends nothing. */
export class PageModel {
  /** @param {Record<string, any>} traits */
  constructor(traits) {
    this.traits = traits;
    this.offline = true;
    this.listeners = new Emitter();
  }

  get(name) {
    return this.traits[name];
  }

  set(name, value) {
    if (same(this.traits[name], value)) return;
    this.traits[name] = value;
    this.listeners.emit(`change:${name}`, value);
  }

  on(name, fn) {
    this.listeners.on(name, fn);
  }

  off() {}

  save_changes() {}

  send() {}
}

/**
 * Read the page's data and draw every view.
 *
 * @param {Record<string, ReturnType<typeof widget>>} widgets by kind of view
 */
export function startPage(widgets) {
  const root = elementOf("warpviz-root");
  WARPVIZ.pageSource = `<!doctype html>\n${document.documentElement.outerHTML}`;
  const { views } = JSON.parse(elementOf("warpviz-data").textContent);
  for (const shot of views) {
    const model = new PageModel(shot.traits);
    const view = widgets[shot.kind];
    view.initialize({ model });
    const el = h("div", { class: `warpviz-cell warpviz-span-${shot.span}` });
    root.append(el);
    const store = openStore(model);
    const data = { ...shot.data, title: shot.title, stem: shot.stem, provenance: shot.provenance };
    store.apply(
      { op: "state", data, events: shot.events },
      shot.arrays.map((a) => [a, decodeArray(a, bytesOfBase64(a.base64))]),
    );
    view.render({ model, el });
    if (shot.events.length) store.emit("events", shot.events);
  }
  document.body.dataset.ready = "true";
}

/** Return the element that `export.py` wrote under this id. */
function elementOf(id) {
  const el = document.getElementById(id);
  if (!el) throw new Error(`the page has no element #${id}`);
  return el;
}
