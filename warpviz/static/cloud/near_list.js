// The tokens nearest to the one selected, among the vectors themselves, with their distances.

import { clip, h, number, oneLine } from "../base/text.js";

/** @import { Cloud } from "./view.js" */

/** Shows a list while exactly one token is selected; a row selects its token. */
export class NearList {
  /** @param {Cloud} cloud */
  constructor(cloud) {
    this.cloud = cloud;
    this.title = h("b");
    this.rows = h("ol", { class: "wz-near-rows" });
    const settings = { class: "wz-near", hidden: true, "aria-label": "Nearest tokens" };
    this.el = h("div", { ...settings, role: "group" }, this.title, this.rows);
    cloud.frame.body.append(this.el);
  }

  /** Bring the list to the present selection. */
  show() {
    const { chosen, store } = this.cloud;
    const [token] = chosen;
    const width = store.arrays.near?.shape[1] ?? 0;
    const count = width ? store.array("near").length / width : 0;
    this.el.hidden = chosen.size !== 1 || token >= count;
    if (this.el.hidden) return;
    const word = (t) => clip(oneLine((store.data.tokens?.[t] ?? "").trim()), 20) || "\u2423";
    this.title.textContent = `nearest to \u201c${word(token)}\u201d, by distance`;
    const near = store.array("near").slice(token * width, (token + 1) * width);
    const far = store.array("near_distance").slice(token * width, (token + 1) * width);
    const rows = Array.from(near, (t, i) => this.row(t, word(t), number(far[i])));
    this.rows.replaceChildren(...rows);
  }

  /** @type {(token: number, word: string, distance: string) => HTMLElement} */
  row(token, word, distance) {
    const button = h(
      "button",
      { type: "button", title: `Select token ${number(token)}` },
      h("span", { class: "wz-token", text: word }),
      h("span", { class: "wz-faint", text: distance }),
    );
    button.addEventListener("click", () => this.cloud.select([token], false));
    return h("li", {}, button);
  }
}
