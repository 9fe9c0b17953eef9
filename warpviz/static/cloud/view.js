// KVCloud: a cache as a cloud of tokens. k, colours, radius and cells follow without the kernel.

import { Landmarks } from "../base/landmarks.js";
import { newCanvas } from "../base/pen.js";
import { clip, h, number, oneLine, setText } from "../base/text.js";
import { widget } from "../frame/frame.js";
import { addHelp } from "../frame/help.js";
import { Plot } from "../frame/plot.js";
import { colourPoints } from "./colours.js";
import { cloudControls, cloudTable } from "./controls.js";
import { addedLooks, nameOf, neighbours, setOutFrom } from "./kinds.js";
import { NearList } from "./near_list.js";
import { drawCloud } from "./picture.js";
import { cloudPointer } from "./pointer.js";
import { Scene } from "./scene.js";

/**
 * @import { Frame, Mount } from "../frame/frame.js"
 * @import { Box } from "../base/pen.js"
 * @import { Store } from "../base/store.js"
 * @import { Look } from "./kinds.js"
 * @import { Legend } from "./legend.js"
 */

const KEYS =
  "Arrows walk through the tokens, Enter selects, Escape clears, plus and minus zoom, 0 resets, " +
  "Shift with arrows rotates.";
const MOST_STRETCH = 2; // of one axis of a UMAP, whose lengths have no unit
const RANKING = ["order", "radii", "chain_start", "chain_pick", "chain_distance"];

export class Cloud {
  /**
   * @param {Frame} frame
   * @param {Store} store
   */
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.scene = new Scene();
    this.marks = new Landmarks(store);
    this.tool = "select";
    /** @type {number[][] | null} */
    this.lasso = null;
    this.cursor = -1;
    this.hovered = -1;
    /** @type {Set<number>} tokens */
    this.chosen = new Set(store.get("selection"));
    this.plot = new Plot(frame, {
      height: store.get("height") ?? 460,
      draw: (pen, w, hgt, theme) => drawCloud(this, pen, w, hgt, theme),
      focusable: true,
    });
    this.plot.canvas.setAttribute("aria-description", KEYS);
    this.tip = h("div", { class: "wz-tip", hidden: true });
    frame.body.append(this.tip);
    this.near = new NearList(this);
    /** @type {Box[]} the places of the labels that were drawn last */
    this.labelled = [];
    this.isLandmark = (i) => this.marks.has(this.tokenOf(i));
    /** @type {(row: number) => number} the rows drawn may be a part of all tokens */
    this.tokenOf = (i) => {
      const index = store.array("index");
      return index.length ? index[i] : i;
    };
    /** @type {Map<number, number> | null} row by token, made on demand */
    this.rows = null;
    this.layer = newCanvas(); // the dots, kept until something about them changes
    this.layerKey = "";
    this.versions = { data: 0, colours: 0, selection: 0 };
    this.shown = "pca";
    /** @type {string[]} per row */
    this.colours = [];
    this.colourKey = "";
    /** @type {Legend} */
    this.legend = { items: [] };
    /** @type {{ rows: (Look | null)[], kinds: Look[] }} looks of points added to the text */
    this.added = { rows: [], kinds: [] };
    this.ruled = -1; // the number of tokens that the hint at k speaks of
  }

  get mode() {
    return this.store.get("colour");
  }

  /** Return the row of a token, undefined if it is not drawn. */
  rowOf(token) {
    this.rows ??= new Map(Array.from(this.store.array("index"), (t, i) => [t, i]));
    return this.rows.get(token);
  }

  /** Take the arrays again after the kernel sent some. */
  refresh({ full, changed }) {
    this.versions.data += 1;
    this.rows = null;
    const news = (names) => full || names.some((name) => changed.has(name));
    if (news(RANKING)) this.marks.read();
    if (news(["pca", "umap2", "umap3"])) this.aim();
    this.recolour();
  }

  /** Let the points glide to the projection asked for; PCA until the kernel has the UMAP. */
  aim() {
    const { store, scene } = this;
    const dims = store.get("dims");
    const wanted = store.get("projection") === "umap" ? store.arrays[`umap${dims}`] : null;
    this.shown = wanted?.shape[0] ? "umap" : "pca";
    scene.stretch = this.shown === "umap" ? MOST_STRETCH : 1;
    const { data, shape } = (wanted?.shape[0] ? wanted : store.arrays.pca) ?? {
      data: new Float32Array(0),
      shape: [0, 3],
    };
    const last = scene.count;
    const origin = last && shape[0] > last ? setOutFrom(this, last) : null;
    scene.dims = dims;
    scene.aim(data, shape[1], { origin });
    this.plot.redraw();
  }

  /** Colour the points again; colours that do not depend on k are kept while k moves. */
  recolour() {
    this.marks.use(this.store.get("k"));
    const moves = ["distance", "cell", "kind"].includes(this.mode);
    const key = [
      this.mode,
      moves ? this.marks.k : "",
      this.versions.data,
      this.frame.theme.dark,
    ].join();
    if (key !== this.colourKey) {
      const { colours, legend } = colourPoints(this.mode, this.store, this.marks, this.frame.theme);
      this.colours = colours;
      this.legend = legend;
      this.colourKey = key;
      this.added = addedLooks(this);
      this.versions.colours += 1;
    }
    this.frame.later("describe", () => this.describe());
    this.plot.redraw();
  }

  /** Put the cloud in words. */
  describe() {
    const { store, marks } = this;
    this.near.show();
    const total = store.data.num_text ?? store.data.tokens?.length ?? 0;
    let shown = 0;
    for (let i = 0; i < this.scene.count; i += 1) shown += this.tokenOf(i) < total ? 1 : 0;
    const added = this.scene.count - shown;
    const layer = store.get("layer") < 0 ? "all layers" : `layer ${store.get("layer")}`;
    setText(
      this.frame.meta,
      oneLine(
        [
          store.data.model,
          store.get("space"),
          layer,
          shown < total
            ? `showing ${number(shown)} of ${number(total)} tokens`
            : `${number(total)} tokens`,
          added ? `${number(added)} added` : "",
        ]
          .filter(Boolean)
          .join(" \u00b7 "),
      ),
    );
    const { size } = this.chosen;
    const chosen = size === 1 ? "1 token is" : `${number(size)} tokens are`;
    const text =
      `${store.data.summary ?? ""} At k = ${marks.k} the cover radius is ` +
      `${number(marks.radius)}; ${chosen} selected.`;
    this.frame.summary(text);
    this.plot.canvas.setAttribute("aria-label", text);
  }

  /** Select tokens; additive, they join the selection, and a single one chosen before leaves it. */
  select(tokens, additive) {
    const next = additive ? new Set(this.chosen) : new Set();
    for (const t of tokens)
      if (additive && tokens.length === 1 && next.has(t)) next.delete(t);
      else next.add(t);
    this.store.set(
      "selection",
      [...next].sort((a, b) => a - b),
    );
  }

  /** Point at a row, -1 for none. */
  hover(i, x = 0, y = 0) {
    this.tip.hidden = i < 0;
    if (this.hovered === i) return;
    this.hovered = i;
    if (i >= 0) this.showTip(this.tokenOf(i), x, y);
    this.plot.redraw();
  }

  showTip(t, x, y) {
    const { store, marks } = this;
    const tokens = store.data.tokens ?? [];
    const around = (step) => clip(oneLine(neighbours(store, t, step)), 60);
    const facts = [nameOf(store, t)];
    if (t < store.array("received").length)
      facts.push(`attention ${number(store.array("received")[t], 2)}`);
    if (marks.has(t)) facts.push(`landmark ${marks.rank[t] + 1} in the order of choosing`);
    else if (t < marks.count) facts.push(`${number(marks.far[t])} from landmark ${marks.near[t]}`);
    this.tip.replaceChildren(
      h(
        "div",
        {},
        h("span", { class: "wz-faint wz-token", text: around(-1) }),
        h("span", { class: "wz-token wz-here", text: oneLine(tokens[t] ?? "") }),
        h("span", { class: "wz-faint wz-token", text: around(1) }),
      ),
      h("div", { class: "wz-faint", text: facts.join(" \u00b7 ") }),
    );
    const wide = this.plot.width;
    this.tip.style.left = `${Math.min(x + 14, Math.max(0, wide - 300))}px`;
    this.tip.style.top = `${y + 16}px`;
    this.frame.status(`${oneLine(tokens[t] ?? "")} \u2013 ${facts.join(", ")}`);
  }
}

/** @type {Mount} */
function mountCloud(frame, store) {
  const cloud = new Cloud(frame, store);
  addHelp(frame, "cloud");
  cloudControls(cloud);
  cloudPointer(cloud);
  frame.cleanup(store.on("data", (change) => cloud.refresh(change)));
  frame.cleanup(store.on("change:k", () => cloud.recolour()));
  for (const name of ["projection", "dims"])
    frame.cleanup(
      store.on(`change:${name}`, () => {
        cloud.aim();
        cloud.recolour();
        if (!store.live && cloud.shown !== store.get("projection")) {
          const why = store.lost
            ? "Without it there is no UMAP"
            : "This page was saved without that UMAP";
          frame.status(`${why}: the PCA is shown`);
        }
      }),
    );
  frame.cleanup(
    store.on("change:cover", (cover) => {
      if (cover === "discs" && cloud.shown === "umap")
        frame.status("Discs of the cover radius need the PCA: a UMAP keeps no lengths");
    }),
  );
  for (const name of ["colour", "cover", "alpha", "space", "layer"])
    frame.cleanup(store.on(`change:${name}`, () => cloud.recolour()));
  frame.cleanup(
    store.on("change:selection", (tokens) => {
      cloud.chosen = new Set(tokens);
      cloud.versions.selection += 1;
      cloud.frame.later("describe", () => cloud.describe());
      cloud.plot.redraw();
    }),
  );
  frame.onTheme(() => cloud.recolour());
  frame.table = () => cloudTable(cloud);
  cloud.refresh({ full: true, changed: new Set() });
  Object.assign(frame.root, { cloud }); // for tests
}

export default widget(mountCloud);
