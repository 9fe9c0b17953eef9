// What is not the text a cloud was made of: injected thoughts and streams' entries, each with a colour and a shape of its own.

import { number } from "../base/text.js";
import { drawItems } from "./legend.js";

const KIND_LOOKS = {
  text: { colour: "sky" },
  prompt: { colour: "grey" },
  written: { colour: "blue" },
  injected: { colour: "green", shape: "triangle", name: "injected thought" },
  stream: { colour: "purple", shape: "square", name: "stream" },
};
const OTHER_KINDS = ["orange", "yellow", "grey"];

/** Return the look of the j-th kind: {colour, shape, name}. */
export function kindLook(name, j, theme) {
  const look = KIND_LOOKS[name] ?? { colour: OTHER_KINDS[j % OTHER_KINDS.length] };
  return { shape: "circle", name, ...look, colour: theme.palette[look.colour] };
}

/** Return per row drawn its look where a dot in the mode's colour would lie about it, and the kinds there are of those. */
export function looksBeside(cloud) {
  const { store } = cloud;
  const kind = store.array("kind");
  const names = store.data.kind_names ?? [];
  const table = names.map((name, j) =>
    KIND_LOOKS[name]?.shape ? kindLook(name, j, cloud.frame.theme) : null,
  );
  if (!table.some(Boolean)) return { rows: [], kinds: [] };
  const rows = Array.from(
    { length: cloud.scene.count },
    (_, i) => table[kind[cloud.tokenOf(i)]] ?? null,
  );
  return { rows, kinds: table.filter((look) => look && rows.includes(look)) };
}

/** Name the shapes below the legend of the mode's colours. */
export function drawKindLegend(pen, theme, width, { kinds, below }) {
  drawItems(
    pen,
    theme,
    width,
    below ? 58 : 38,
    kinds.map(({ colour, shape, name }) => [colour, name, shape]),
  );
}

/** Return the tokens around token t, before or after it, that belong to the same text or the same thought. */
export function neighbours(store, t, step, most = 5) {
  const tokens = store.data.tokens ?? [];
  const about = store.data.about ?? [];
  const first = store.data.num_text ?? tokens.length;
  const part = (i) => (i < first ? "" : about[i - first]);
  const found = [];
  for (let i = t + step; i >= 0 && i < tokens.length && found.length < most; i += step) {
    if (part(i) === part(t)) found.push(tokens[i]);
    else if (part(t)) break; // a thought's entries lie together; the text goes on behind what lies beside it
  }
  return (step < 0 ? found.reverse() : found).join("");
}

/** Say which token it is, or what it is an entry of. */
export function nameOf(store, t) {
  const first = store.data.num_text ?? Infinity;
  return (t >= first && store.data.about?.[t - first]) || `token ${number(t)}`;
}

/** Return where new points set out: thoughts fly in from above, where the gate is; tokens branch off the latest of the text. */
export function setOutFrom(cloud, last) {
  const { store, scene } = cloud;
  const kind = store.array("kind");
  const names = store.data.kind_names ?? [];
  const isBeside = (i) => Boolean(KIND_LOOKS[names[kind[cloud.tokenOf(i)]]]?.shape);
  let latest = last - 1;
  while (latest > 0 && isBeside(latest)) latest -= 1;
  const text = Array.from(scene.now.slice(latest * 3, latest * 3 + 3));
  const [x, y, z, , half] = scene.bounds ?? [0, 0, 0, 0, 0];
  return (i) => (names[kind[cloud.tokenOf(i)]] === "injected" ? [x, y + half * 1.2, z] : text);
}
