// KVCloud: a cache as a cloud of tokens. k, colours, radius and cells move here, without the kernel.

import { widget } from "../base/frame.js";
import { certificateText, Landmarks } from "../base/landmarks.js";
import { CanvasPen, stampMark } from "../base/pen.js";
import { Plot } from "../base/plot.js";
import { clip, h, number, oneLine, setText } from "../base/text.js";
import { colourPoints } from "./colours.js";
import { cloudControls, cloudTable } from "./controls.js";
import { drawKindLegend, looksBeside, nameOf, neighbours, setOutFrom } from "./kinds.js";
import { drawLegend } from "./legend.js";
import { cloudPointer } from "./pointer.js";
import { Scene } from "./scene.js";

const POINTS_ALPHA = 0.8;

class Cloud {
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.scene = new Scene();
    this.marks = new Landmarks(store);
    this.tool = "select";
    this.lasso = null;
    this.cursor = -1;
    this.hovered = -1;
    this.chosen = new Set(store.get("selection"));
    this.plot = new Plot(frame, {
      height: store.get("height") ?? 460,
      draw: (...args) => this.draw(...args),
      focusable: true,
    });
    this.plot.canvas.setAttribute(
      "aria-description",
      "Arrows walk through the tokens, Enter selects, Escape clears, plus and minus zoom, 0 resets, Shift with arrows rotates.",
    );
    this.tip = h("div", { class: "wz-tip", hidden: true });
    frame.body.append(this.tip);
    this.isLandmark = (i) => this.marks.has(this.tokenOf(i));
    this.tokenOf = (i) => {
      const index = store.array("index");
      return index.length ? index[i] : i;
    };
    this.layer = document.createElement("canvas"); // the dots, kept until something about them changes
    this.versions = { data: 0, colours: 0, selection: 0 };
    this.beside = { rows: [], kinds: [] }; // looks of what is not the text
  }

  get mode() {
    return this.store.get("colour");
  }

  /** Take the arrays again after the kernel sent some. */
  refresh({ full, changed }) {
    this.versions.data += 1;
    this.rows = null;
    if (
      full ||
      ["order", "radii", "chain_start", "chain_pick", "chain_distance"].some((name) =>
        changed.has(name),
      )
    )
      this.marks.read();
    if (full || ["pca", "umap2", "umap3"].some((name) => changed.has(name))) this.aim();
    this.recolour();
  }

  /** Head for the coordinates asked for: UMAP where the kernel has it, PCA until then. */
  aim() {
    const { store, scene } = this;
    const dims = store.get("dims");
    const wanted = store.get("projection") === "umap" ? store.arrays[`umap${dims}`] : null;
    this.shown = wanted?.shape[0] ? "umap" : "pca";
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

  /** Colours that do not depend on k are kept while k moves. */
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
      Object.assign(this, colourPoints(this.mode, this.store, this.marks, this.frame.theme), {
        colourKey: key,
      });
      this.beside = looksBeside(this);
      this.versions.colours += 1;
    }
    this.frame.later("describe", () => this.describe());
    this.plot.redraw();
  }

  describe() {
    const { store, marks } = this;
    const total = store.data.num_text ?? store.data.tokens?.length ?? 0;
    let shown = 0;
    for (let i = 0; i < this.scene.count; i += 1) shown += this.tokenOf(i) < total ? 1 : 0;
    const beside = this.scene.count - shown;
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
          beside ? `${number(beside)} beside them` : "",
        ]
          .filter(Boolean)
          .join(" \u00b7 "),
      ),
    );
    const text =
      `${store.data.summary ?? ""} At k = ${marks.k} the cover radius is ${number(marks.radius)}; ` +
      `${this.chosen.size === 1 ? "1 token is" : `${number(this.chosen.size)} tokens are`} selected.`;
    this.frame.summary(text);
    this.plot.canvas.setAttribute("aria-label", text);
  }

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
    if (marks.has(t)) facts.push(`landmark, pick ${marks.rank[t] + 1}`);
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

  draw(pen, w, hgt, theme) {
    const { scene } = this;
    if (!scene.count) {
      pen.text(w / 2, hgt / 2, this.store.data.busy || "no tokens yet", {
        align: "center",
        fill: theme.faint,
      });
      return;
    }
    const moving = scene.step(performance.now());
    scene.project(w, hgt);
    const centres = this.landmarkRows();
    if (this.store.get("cover") === "discs") this.drawDiscs(pen, theme, centres);
    if (this.store.get("cover") === "cells") this.drawCells(pen, theme);
    if (pen instanceof CanvasPen && !moving) this.blitPoints(pen, w, hgt, theme);
    else this.drawPoints(pen, theme);
    this.drawLandmarks(pen, theme, centres);
    this.drawHover(pen, theme);
    drawLegend(pen, theme, w, this.legend ?? { items: [] });
    if (this.mode !== "kind")
      drawKindLegend(pen, theme, w, { kinds: this.beside.kinds, below: !this.legend?.items });
    this.drawReadout(pen, hgt, theme);
    if (this.lasso)
      pen.path(this.lasso, {
        stroke: theme.accent,
        width: 1.5,
        dash: [4, 3],
        fill: `${theme.accent}1a`,
        closed: true,
      });
    if (moving) this.plot.redraw();
  }

  /** Return the rows of the landmarks that are drawn. */
  landmarkRows() {
    const index = this.store.array("index");
    if (index.length && !this.rows) this.rows = new Map(Array.from(index, (t, i) => [t, i]));
    const rows = [];
    for (let r = 0; r < this.marks.k && r < this.marks.order.length; r += 1) {
      const i = index.length ? this.rows.get(this.marks.order[r]) : this.marks.order[r];
      if (i < this.scene.count) rows.push(i);
    }
    return rows;
  }

  /** Draw the dots from the kept layer; hovering and moving k do not draw fifty thousand dots again. */
  blitPoints(pen, w, hgt, theme) {
    const { scene, layer, versions } = this;
    const key = [
      w,
      hgt,
      pen.ratio,
      scene.scale,
      scene.pan,
      scene.spin,
      scene.dims,
      scene.started,
      versions.data,
      versions.colours,
      versions.selection,
      theme.surface,
    ].join();
    if (key !== this.layerKey) {
      this.layerKey = key;
      Object.assign(layer, {
        width: Math.round(w * pen.ratio),
        height: Math.round(hgt * pen.ratio),
      });
      const context = layer.getContext("2d");
      context.setTransform(pen.ratio, 0, 0, pen.ratio, 0, 0);
      this.drawPoints(new CanvasPen(context, theme, pen.ratio), theme);
    }
    pen.c.globalAlpha = 1;
    pen.c.drawImage(layer, 0, 0, w, hgt);
  }

  drawPoints(pen, theme) {
    const { scene, chosen } = this;
    const r = scene.count > 8000 ? 1.4 : scene.count > 2500 ? 2.2 : 3;
    const faded = chosen.size > 0;
    const order =
      scene.dims === 3
        ? Array.from(scene.depth.keys()).sort((a, b) => scene.depth[a] - scene.depth[b])
        : null;
    for (let j = 0; j < scene.count; j += 1) {
      const i = order ? order[j] : j;
      const on = !faded || chosen.has(this.tokenOf(i));
      const size = order ? Math.round(r * (1 + 0.35 * scene.depth[i]) * 4) / 4 : r;
      const look = this.beside.rows[i];
      if (look)
        stampMark(pen, look.shape, scene.screen[i * 2], scene.screen[i * 2 + 1], size + 1.5, {
          fill: look.colour,
          stroke: theme.surface,
          width: 0.8,
          alpha: on ? 0.95 : 0.2,
        });
      else
        pen.dot(
          scene.screen[i * 2],
          scene.screen[i * 2 + 1],
          on && faded ? size + 1 : size,
          this.colours[i] ?? theme.faint,
          on ? POINTS_ALPHA : 0.14,
        );
      if (on && faded)
        pen.circle(scene.screen[i * 2], scene.screen[i * 2 + 1], size + 2.5, {
          stroke: theme.orange,
          width: 1.2,
        });
    }
  }

  drawLandmarks(pen, theme, centres) {
    const { scene, chosen, marks } = this;
    const size = marks.k > 200 ? 3.4 : marks.k > 96 ? 4.2 : 5.2;
    for (const i of centres) {
      const on = !chosen.size || chosen.has(this.tokenOf(i));
      const style = {
        fill: this.colours[i] ?? theme.mark,
        stroke: theme.ink,
        width: 1.3,
        alpha: on ? 1 : 0.3,
      };
      stampMark(pen, "diamond", scene.screen[i * 2], scene.screen[i * 2 + 1], size, style);
      if (on && chosen.size)
        pen.circle(scene.screen[i * 2], scene.screen[i * 2 + 1], size + 4, {
          stroke: theme.orange,
          width: 1.2,
        });
    }
  }

  /** PCA never stretches, so every token lies within its landmark's disc of the cover radius: the disc is honest. */
  drawDiscs(pen, theme, rows) {
    const { scene } = this;
    if (this.shown !== "pca" || this.store.get("head") !== -1) return;
    const r = this.marks.radius * scene.scale;
    const centres = rows.map((i) => [scene.screen[i * 2], scene.screen[i * 2 + 1]]);
    pen.union(centres, r, { fill: theme.accent, alpha: 0.09 });
    for (const [x, y] of centres)
      pen.circle(x, y, r, { stroke: theme.accent, width: 0.7, alpha: 0.22 });
  }

  /** A spoke from every token to its nearest landmark, nearest where the vectors live, not on the screen. */
  drawCells(pen, theme) {
    const { scene, marks, store } = this;
    const row = store.array("index").length ? this.rows : null;
    for (let i = 0; i < scene.count; i += 1) {
      const t = this.tokenOf(i);
      const j = t < marks.count ? (row ? row.get(marks.near[t]) : marks.near[t]) : undefined;
      if (j === undefined || j === i) continue;
      pen.line(
        scene.screen[i * 2],
        scene.screen[i * 2 + 1],
        scene.screen[j * 2],
        scene.screen[j * 2 + 1],
        { stroke: theme.soft, width: 0.7, alpha: 0.28 },
      );
    }
  }

  drawHover(pen, theme) {
    const i = this.hovered;
    if (i < 0 || i >= this.scene.count) return;
    const [x, y] = [this.scene.screen[i * 2], this.scene.screen[i * 2 + 1]];
    pen.circle(x, y, 9, { stroke: theme.accent, width: 2 });
  }

  drawReadout(pen, hgt, theme) {
    const { marks, store } = this;
    const facts = [
      `k = ${marks.k}`,
      `cover radius ${number(marks.radius)}`,
      `2r = ${number(2 * marks.radius)}`,
    ];
    const [policy, always] = [store.get("policy"), store.data.always ?? 0];
    const early =
      marks.k <= always
        ? `sinks and recent tokens only: ${policy} chooses from k = ${always + 1} on`
        : "";
    const certificate = ["hybrid", "farthest"].includes(policy)
      ? certificateText(policy === "farthest" ? 0 : store.get("alpha"))
      : `${policy}: no certificate`;
    const shown =
      this.shown === "umap"
        ? "UMAP keeps neighbours, not lengths"
        : (store.data.explained?.[this.scene.dims - 2] ?? "");
    const words = [early || certificate, shown].filter(Boolean).join("  \u00b7  ");
    const lines =
      pen.measure(words, { size: 11 }) > this.plot.width - 24
        ? [shown, early || certificate]
        : [words]; // from below
    lines.forEach((line, i) =>
      pen.text(12, hgt - 9 - 15 * i, line, { size: 11, fill: theme.soft, halo: true }),
    );
    const low = hgt - 11 - 15 * lines.length;
    pen.text(12, low, facts.join("   "), { size: 13, weight: 600, fill: theme.ink, halo: true });
    if (store.data.busy) pen.text(12, low - 18, store.data.busy, { size: 11, fill: theme.soft });
  }
}

function mountCloud(frame, store) {
  const cloud = new Cloud(frame, store);
  cloudControls(cloud);
  cloudPointer(cloud);
  frame.cleanup(store.on("data", (change) => cloud.refresh(change)));
  frame.cleanup(store.on("change:k", () => cloud.recolour()));
  for (const name of ["projection", "dims"])
    frame.cleanup(
      store.on(`change:${name}`, () => {
        cloud.aim();
        cloud.recolour();
        if (!store.live && cloud.shown !== store.get("projection"))
          frame.status(
            `${store.lost ? "Without it there is no UMAP" : "This page was saved without that UMAP"}: the PCA is shown`,
          );
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
}

export default widget(mountCloud);
