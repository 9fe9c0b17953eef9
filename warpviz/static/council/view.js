// CouncilMonitor: what the agents hold, what they do and how fast, next to the paper's table.

import { WARPVIZ } from "../base/store.js";
import { h, number } from "../base/text.js";
import { segmented } from "../frame/controls.js";
import { widget } from "../frame/frame.js";
import { addHelp } from "../frame/help.js";
import { Plot } from "../frame/plot.js";
import { bytesText, KV_OWNERS, OWNERS } from "./bytes.js";
import { drawAgents, drawBytes, drawSpeed } from "./charts.js";
import { costOf, drawHeadline } from "./headline.js";
import { paperTables } from "./paper_table.js";
import { Samples } from "./samples.js";

/**
 * @import { Frame, Mount } from "../frame/frame.js"
 * @import { Store } from "../base/store.js"
 */

export class CouncilView {
  /**
   * @param {Frame} frame
   * @param {Store} store
   */
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.samples = new Samples(store);
    this.showsWeights = false;
    this.owners = h("div", { class: "wm-legend" });
    this.paper = h("div", { class: "wm-paper" });
    const headline = new Plot(frame, {
      height: 104,
      label: "Bytes per agent, with shared landmarks and with a copy each",
      draw: (pen, w, hgt, theme) => drawHeadline({ pen, theme, w, hgt }, store.data.busiest),
    });
    segmented(frame, {
      label: "Bytes shown",
      options: [
        ["kv", "keys and values"],
        ["all", "all bytes"],
      ],
      value: "kv",
      onchange: (v) => {
        this.showsWeights = v === "all";
        this.refresh();
      },
    });
    frame.body.append(this.owners);
    const bytes = new Plot(frame, {
      height: 164,
      label: "Bytes by owner",
      draw: (pen, w, hgt, theme) =>
        drawBytes({ pen, theme, w, hgt }, this.samples, this.shownOwners),
    });
    const lower = h("div", { class: "wm-lower" });
    frame.body.append(lower);
    const agents = new Plot(frame, {
      height: 122,
      parent: lower,
      label: "Agents by state",
      draw: (pen, w, hgt, theme) => drawAgents({ pen, theme, w, hgt }, this.samples),
    });
    const speed = new Plot(frame, {
      height: 122,
      parent: lower,
      label: "Tokens of the River and of the streams",
      draw: (pen, w, hgt, theme) => drawSpeed({ pen, theme, w, hgt }, this.samples),
    });
    this.plots = [headline, bytes, agents, speed];
    const name = h("summary", { text: "The paper\u2019s figures: another model, another machine" });
    frame.body.append(h("details", { class: "wz-details" }, name, this.paper));
    frame.cleanup(store.on("data", () => this.refresh()));
    frame.onTheme(() => this.refresh());
    frame.table = () => this.samples.rows();
    this.refresh();
  }

  get shownOwners() {
    return this.showsWeights ? OWNERS : KV_OWNERS;
  }

  /** Write and draw everything again. */
  refresh() {
    const { frame, samples } = this;
    const { data } = this.store;
    this.owners.replaceChildren(...OWNERS.map((owner) => this.ownerEntry(owner)));
    this.paper.replaceChildren(...paperTables(data));
    for (const plot of this.plots) plot.redraw();
    frame.root.dataset.status = data.status ?? "";
    frame.root.dataset.empty = String(samples.count === 0);
    const last = samples.count - 1;
    const thinking = last < 0 ? 0 : samples.at(last, "thinking");
    const ended = last < 0 ? 0 : samples.sum(last, ["accepted", "rejected", "failed"]);
    frame.meta.textContent = `${number(thinking)} thinking, ${number(ended)} done`;
    const { peak } = data;
    const held = OWNERS.map(({ field, name }) => `${name} ${bytesText(peak?.[field])}`);
    const cost = costOf(data.busiest);
    const each = cost
      ? `one more agent costs ${bytesText(cost.own)}, a copy each ${bytesText(cost.copy)}; `
      : "";
    const atPeak = peak ? held.join(", ") : "nothing reported yet";
    frame.summary(`Council: ${each}at its peak: ${atPeak}.`);
    WARPVIZ.painted += 1;
  }

  /** Return an owner's entry in the legend, with the bytes it holds now. */
  ownerEntry({ field, name, colour }) {
    const { frame, samples } = this;
    const last = samples.count - 1;
    const style = `background:${frame.theme.palette[colour]}`;
    return h(
      "div",
      { class: "wm-owner", "data-owner": field },
      h("i", { style, "aria-hidden": "true" }),
      h("span", { text: name }),
      h("b", { text: last < 0 ? "\u2013" : bytesText(samples.at(last, field)) }),
    );
  }
}

/** @type {Mount} */
function mountCouncil(frame, store) {
  addHelp(frame, "council");
  const view = new CouncilView(frame, store);
  Object.assign(frame.root, { council: view }); // for tests
  return () => Object.assign(frame.root, { council: undefined });
}

export default widget(mountCouncil);
