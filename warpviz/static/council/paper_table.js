// The paper's table, named as the paper's, and this run's own numbers below it.

import { h, number, oneLine } from "../base/text.js";
import { bytesText, OWNERS } from "./bytes.js";

/** @typedef {Record<string, number>} Moment the fields of one sample */

/**
 * Return the tables for the data the kernel sent.
 *
 * @param {Record<string, any>} data
 */
export function paperTables(data) {
  const cells = (data.paper ?? []).map((row) => [
    number(row.agents),
    `${row.total_gb.toFixed(2)} GB`,
    row.per_agent || "\u2013",
  ]);
  const theirs = ["agents", "GPU memory", "per extra agent"];
  const tables = [table("", data.setting ?? "", theirs, cells)];
  /** @type {Moment[]} */
  const moments = [data.busiest, data.peak]
    .filter(Boolean)
    .filter((m, i, all) => !i || m.beat !== all[0].beat);
  if (!moments.length) return tables;
  const caption =
    `this run, ${oneLine(data.model || "a model")}, when most agents thought and when most was ` +
    "held: bytes the engine holds; another model and machine, so not like for like";
  const ours = ["agents", "held", "per stream, own"];
  return [...tables, table("wm-ours", caption, ours, moments.map(momentCells))];
}

/** @type {(name: string, caption: string, heads: string[], rows: string[][]) => HTMLElement} */
function table(name, caption, heads, rows) {
  const head = h("tr", {}, ...heads.map((text) => h("th", { text, scope: "col" })));
  const body = rows.map((row) => h("tr", {}, ...row.map((text) => h("td", { text }))));
  const settings = name ? { class: name } : {};
  const parts = [h("caption", { text: caption }), h("thead", {}, head), h("tbody", {}, ...body)];
  return h("table", settings, ...parts);
}

/**
 * Return a moment's cells: agents, all bytes held, private bytes per stream.
 *
 * @param {Moment} moment
 */
function momentCells(moment) {
  const total = OWNERS.reduce((sum, { field }) => sum + moment[field], 0);
  const each = moment.thinking ? bytesText(moment.private_kv_bytes / moment.thinking) : "\u2013";
  return [number(1 + moment.thinking), bytesText(total), each];
}
