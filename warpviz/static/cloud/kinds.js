// Points added to the text's: injected thoughts and streams' entries, each kind with its own look.

import { number } from "../base/text.js";
import { drawItems } from "./legend.js";

/**
 * @import { Shape } from "../base/marks.js"
 * @import { Pen } from "../base/pen.js"
 * @import { Store } from "../base/store.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Cloud } from "./view.js"
 *
 * @typedef {{ colour: string, shape: Shape, name: string }} Look
 */

/** @type {Record<string, { colour: string, shape?: Shape, name?: string }>} */
const KIND_LOOKS = {
  text: { colour: "sky" },
  prompt: { colour: "grey" },
  written: { colour: "blue" },
  injected: { colour: "green", shape: "triangle", name: "injected thought" },
  stream: { colour: "purple", shape: "square", name: "stream" },
};
const OTHER_KINDS = ["orange", "yellow", "grey"];

/**
 * Return the look of the j-th kind.
 *
 * @type {(name: string, j: number, theme: Theme) => Look}
 */
export function kindLook(name, j, theme) {
  const look = KIND_LOOKS[name] ?? { colour: OTHER_KINDS[j % OTHER_KINDS.length] };
  return { shape: "circle", name, ...look, colour: theme.palette[look.colour] };
}

/**
 * Return the look of every row that is not a token of the text (null for the text's), and the looks
 * that occur: the colours of the mode would mean nothing for these rows.
 *
 * @type {(cloud: Cloud) => { rows: (Look | null)[], kinds: Look[] }}
 */
export function addedLooks(cloud) {
  const { store } = cloud;
  const kind = store.array("kind");
  /** @type {string[]} */
  const names = store.data.kind_names ?? [];
  /** @type {(Look | null)[]} */
  const table = names.map((name, j) =>
    KIND_LOOKS[name]?.shape ? kindLook(name, j, cloud.frame.theme) : null,
  );
  if (!table.some(Boolean)) return { rows: [], kinds: [] };
  const rows = Array.from(
    { length: cloud.scene.count },
    (_, i) => table[kind[cloud.tokenOf(i)]] ?? null,
  );
  const kinds = table.filter((look) => look !== null);
  return { rows, kinds: kinds.filter((look) => rows.includes(look)) };
}

/**
 * Name the shapes of added points below the legend of the mode's colours.
 *
 * @param {Pen} pen
 * @param {Theme} theme
 * @param {number} width
 * @param {{ kinds: Look[], below: boolean }} legend
 */
export function drawKindLegend(pen, theme, width, { kinds, below }) {
  drawItems(
    pen,
    theme,
    width,
    below ? 58 : 38,
    kinds.map(({ colour, shape, name }) => [colour, name, shape]),
  );
}

/**
 * Return up to `most` tokens before (`step` -1) or after (1) token t in its text or its thought.
 *
 * @type {(store: Store, t: number, step: number, most?: number) => string}
 */
export function neighbours(store, t, step, most = 5) {
  const tokens = store.data.tokens ?? [];
  const about = store.data.about ?? [];
  const first = store.data.num_text ?? tokens.length;
  const part = (i) => (i < first ? "" : about[i - first]);
  const found = [];
  for (let i = t + step; i >= 0 && i < tokens.length && found.length < most; i += step) {
    if (part(i) === part(t)) found.push(tokens[i]);
    else if (part(t)) break; // a thought's entries are neighbours; the text's are not
  }
  return (step < 0 ? found.reverse() : found).join("");
}

/**
 * Return the name of token t, or of what it is an entry of.
 *
 * @type {(store: Store, t: number) => string}
 */
export function nameOf(store, t) {
  const first = store.data.num_text ?? Infinity;
  return (t >= first && store.data.about?.[t - first]) || `token ${number(t)}`;
}

/**
 * Return where new points come from: thoughts from above, where the gate is in a dashboard, and
 * tokens from the latest token of the text.
 *
 * @type {(cloud: Cloud, last: number) => (row: number) => number[]}
 */
export function setOutFrom(cloud, last) {
  const { store, scene } = cloud;
  const kind = store.array("kind");
  const names = store.data.kind_names ?? [];
  const isAdded = (i) => Boolean(KIND_LOOKS[names[kind[cloud.tokenOf(i)]]]?.shape);
  let latest = last - 1;
  while (latest > 0 && isAdded(latest)) latest -= 1;
  const text = Array.from(scene.now.slice(latest * 3, latest * 3 + 3));
  const [x, y, z, , half] = scene.bounds;
  return (i) => (names[kind[cloud.tokenOf(i)]] === "injected" ? [x, y + half * 1.2, z] : text);
}
