// CouncilMonitor: what the agents hold, what they are doing and how fast, beside the paper's table.

import { drawAxes, linear } from "../base/axes.js";
import { segmented } from "../base/controls.js";
import { widget } from "../base/frame.js";
import { Plot } from "../base/plot.js";
import { WARPVIZ } from "../base/store.js";
import { h, number, oneLine } from "../base/text.js";

const OWNERS = [
  ["weights_bytes", "weights", "grey"],
  ["river_kv_bytes", "River", "blue"],
  ["shared_kv_bytes", "shared landmarks", "orange"],
  ["private_kv_bytes", "private to streams", "purple"],
  ["evidence_bytes", "to choose landmarks", "yellow"],
];
const STATES = [
  ["accepted", "accepted", "green"],
  ["rejected", "rejected", "vermilion"],
  ["failed", "failed", "yellow"],
  ["thinking", "thinking", "purple"],
];
const MOST_SAMPLES = 240;
const LEAST_BEATS = 8; // a rate over fewer says nothing

/** Return bytes as people write them. */
function bytesText(value) {
  if (!Number.isFinite(value)) return "\u2013";
  const [size, unit] = [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ].find(([least]) => Math.abs(value) >= least) ?? [1, "B"];
  return `${(value / size).toFixed(size === 1 ? 0 : value / size < 10 ? 2 : 1)} ${unit}`;
}

/** Return a moment's cells: agents, all bytes held, private bytes per stream. */
function ownCells(moment) {
  const total = OWNERS.reduce((sum, [field]) => sum + moment[field], 0);
  return [
    number(1 + moment.thinking),
    bytesText(total),
    moment.thinking ? bytesText(moment.private_kv_bytes / moment.thinking) : "\u2013",
  ];
}

class CouncilView {
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.weights = false;
    this.owners = h("div", { class: "wm-legend" });
    this.paper = h("div", { class: "wm-paper" });
    segmented(frame, {
      label: "Bytes shown",
      options: [
        ["kv", "KV only"],
        ["all", "with weights"],
      ],
      value: "kv",
      onchange: (v) => {
        this.weights = v === "all";
        this.refresh();
      },
    });
    frame.body.append(this.owners);
    this.bytes = new Plot(frame, {
      height: 150,
      label: "Bytes by owner",
      draw: (...args) => this.drawBytes(...args),
    });
    this.lower = h("div", { class: "wm-lower" });
    frame.body.append(this.lower);
    this.agents = new Plot(frame, {
      height: 104,
      parent: this.lower,
      label: "Agents by state",
      draw: (...args) => this.drawAgents(...args),
    });
    this.speed = new Plot(frame, {
      height: 104,
      parent: this.lower,
      label: "Tokens of each lane",
      draw: (...args) => this.drawSpeed(...args),
    });
    frame.body.append(this.paper);
    frame.cleanup(store.on("data", () => this.refresh()));
    frame.onTheme(() => this.refresh());
    frame.table = () => this.table();
    this.refresh();
  }

  get fields() {
    return this.store.data.fields ?? [];
  }

  get count() {
    return this.fields.length ? this.store.array("samples").length / this.fields.length : 0;
  }

  at(i, name) {
    return this.store.array("samples")[i * this.fields.length + this.fields.indexOf(name)];
  }

  get shownOwners() {
    return this.weights ? OWNERS : OWNERS.slice(1);
  }

  refresh() {
    const { theme } = this.frame;
    const last = this.count - 1;
    this.owners.replaceChildren(
      ...OWNERS.map(([field, name, color]) =>
        h(
          "div",
          { class: "wm-owner", "data-owner": field },
          h("i", { style: `background:${theme[color]}`, "aria-hidden": "true" }),
          h("span", { text: name }),
          h("b", { text: last < 0 ? "\u2013" : bytesText(this.at(last, field)) }),
        ),
      ),
    );
    this.fillPaper();
    for (const plot of [this.bytes, this.agents, this.speed]) plot.redraw();
    const peak = this.store.data.peak;
    const thinking = last < 0 ? 0 : this.at(last, "thinking");
    const ended =
      last < 0
        ? 0
        : ["accepted", "rejected", "failed"].reduce((sum, state) => sum + this.at(last, state), 0);
    this.frame.meta.textContent = `${number(thinking)} thinking, ${number(ended)} done`;
    const held = peak
      ? OWNERS.map(([field, name]) => `${name} ${bytesText(peak[field])}`).join(", ")
      : "nothing reported yet";
    this.frame.summary(`Council, at its peak: ${held}.`);
    WARPVIZ.painted += 1;
  }

  /** The paper's table, said to be the paper's, with this run below it. */
  fillPaper() {
    const { data } = this.store;
    const row = (cells, tag = "td") =>
      h("tr", {}, ...cells.map((text) => h(tag, { text, scope: tag === "th" ? "col" : null })));
    const body = (data.paper ?? []).map((r) =>
      row([number(r.agents), `${r.total_gb.toFixed(2)} GB`, r.per_agent || "\u2013"]),
    );
    const parts = [
      h(
        "table",
        {},
        h("caption", { text: data.setting ?? "" }),
        h("thead", {}, row(["agents", "GPU memory", "per extra agent"], "th")),
        h("tbody", {}, ...body),
      ),
    ];
    const moments = [data.busiest, data.peak]
      .filter(Boolean)
      .filter((m, i, all) => !i || m.beat !== all[0].beat);
    if (moments.length) {
      const caption = `this run, ${oneLine(data.model || "a model")}, when most agents thought and when most was held: bytes the engine holds; another model and machine, so not like for like`;
      parts.push(
        h(
          "table",
          { class: "wm-ours" },
          h("caption", { text: caption }),
          h("thead", {}, row(["agents", "held", "per stream, own"], "th")),
          h("tbody", {}, ...moments.map((m) => row(ownCells(m)))),
        ),
      );
    }
    this.paper.replaceChildren(...parts);
  }

  frameOf(pen, theme, w, hgt, { title, most, format }) {
    const box = { x: 52, y: 22, w: w - 62, h: hgt - 40 };
    const end = Math.max(1, this.count ? this.at(this.count - 1, "beat") : 1);
    const x = linear([0, end], [box.x, box.x + box.w]);
    const y = linear([0, most || 1], [box.y + box.h, box.y]);
    drawAxes(pen, theme, box, { x, y, yTicks: 2, xTicks: 4, yFormat: format });
    pen.text(4, 12, title, { size: 11, fill: theme.soft, weight: 600 });
    return { box, x, y };
  }

  /** The indices drawn: of each of MOST_SAMPLES even shares the one where `size` is greatest (its last without), and the last. */
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

  drawBytes(pen, w, hgt, theme) {
    const sum = (i) => this.shownOwners.reduce((all, [field]) => all + this.at(i, field), 0);
    const list = this.shown(sum);
    const { x, y } = this.frameOf(pen, theme, w, hgt, {
      title: "bytes held",
      most: Math.max(1, ...list.map(sum)) * 1.05,
      format: bytesText,
    });
    this.stack(pen, theme, { list, x, y, parts: this.shownOwners });
  }

  drawAgents(pen, w, hgt, theme) {
    const list = this.shown((i) => this.at(i, "thinking"));
    const sum = (i) => STATES.reduce((all, [field]) => all + this.at(i, field), 0);
    const { x, y } = this.frameOf(pen, theme, w, hgt, {
      title: "streams by state",
      most: Math.max(1, ...list.map(sum)) * 1.05,
      format: number,
    });
    this.stack(pen, theme, { list, x, y, parts: STATES });
    const states = STATES.filter(
      ([field]) => field !== "failed" || list.some((i) => this.at(i, field) > 0),
    );
    this.key(
      pen,
      theme,
      w,
      states.map(([, name, color]) => [name, color]),
      "streams by state",
    );
  }

  /** A legend at the top right: [name, colour] pairs, as many as stay clear of the title. */
  key(pen, theme, w, entries, title = "") {
    let left = w - 8;
    const least = pen.measure(title, { size: 11 }) * 1.12 + 14;
    for (const [name, color] of entries) {
      if (left - pen.measure(name, { size: 10 }) - 14 < least) return;
      pen.text(left, 12, name, { size: 10, fill: theme.soft, align: "right" });
      left -= pen.measure(name, { size: 10 }) + 8;
      pen.dot(left + 3, 8.5, 3, theme[color]);
      left -= 8;
    }
  }

  /** Bars from sample to sample, stacked in order. */
  stack(pen, theme, { list, x, y, parts }) {
    list.forEach((i, n) => {
      const from = x(this.at(i, "beat"));
      const until = n + 1 < list.length ? x(this.at(list[n + 1], "beat")) : x.domain && from + 3;
      let base = 0;
      for (const [field, , color] of parts) {
        const value = this.at(i, field);
        if (value > 0)
          pen.rect(
            from,
            y(base + value),
            Math.max(1, until - from - 0.5),
            y(base) - y(base + value),
            { fill: theme[color], alpha: 0.88 },
          );
        base += value;
      }
    });
  }

  drawSpeed(pen, w, hgt, theme) {
    const rates = this.store.array("rates");
    const clocked = rates.length > 0;
    const lines = clocked ? this.clockRates(rates) : this.beatRates();
    const most =
      Math.max(1, ...lines.river.map((p) => p[1]), ...lines.streams.map((p) => p[1])) * 1.1;
    const box = { x: 52, y: 22, w: w - 62, h: hgt - 40 };
    const x = linear(
      [0, Math.max(0, ...lines.river.map((p) => p[0])) || 1],
      [box.x, box.x + box.w],
    );
    const y = linear([0, most], [box.y + box.h, box.y]);
    drawAxes(pen, theme, box, {
      x,
      y,
      yTicks: 2,
      xTicks: 4,
      xFormat: (v) => (clocked ? `${number(v, 2)} s` : number(v)),
    });
    pen.text(4, 12, clocked ? "tokens per second" : "tokens per beat", {
      size: 11,
      fill: theme.soft,
      weight: 600,
    });
    for (const [name, color] of [
      ["streams", "purple"],
      ["river", "blue"],
    ])
      pen.path(
        lines[name].map(([a, b]) => [x(a), y(b)]),
        { stroke: theme[color], width: 2 },
      );
    const now = (name) => number(lines[name].at(-1)?.[1] ?? null, 2);
    this.key(pen, theme, w, [
      [`streams ${now("streams")}`, "purple"],
      [`River ${now("river")}`, "blue"],
    ]);
  }

  clockRates(rates) {
    const lines = { river: [], streams: [] };
    for (let i = 0; i < rates.length; i += 3) {
      lines.river.push([rates[i], rates[i + 1]]);
      lines.streams.push([rates[i], rates[i + 2]]);
    }
    return lines;
  }

  beatRates() {
    const lines = { river: [], streams: [] };
    const list = this.shown();
    let a = list[0];
    for (const b of list.slice(1)) {
      const beats = this.at(b, "beat") - this.at(a, "beat");
      if (beats < LEAST_BEATS) continue;
      lines.river.push([
        this.at(b, "beat"),
        (this.at(b, "river_tokens") - this.at(a, "river_tokens")) / beats,
      ]);
      lines.streams.push([
        this.at(b, "beat"),
        (this.at(b, "stream_tokens") - this.at(a, "stream_tokens")) / beats,
      ]);
      a = b;
    }
    return lines;
  }

  table() {
    return Array.from({ length: this.count }, (_, i) =>
      Object.fromEntries(this.fields.map((name) => [name, this.at(i, name)])),
    );
  }
}

function mountCouncil(frame, store) {
  frame.root.council = new CouncilView(frame, store);
  return () => {
    delete frame.root.council;
  };
}

export default widget(mountCouncil);
