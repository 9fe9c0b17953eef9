// What an event sets in motion: streams branch off, thoughts fly to the gate and back.

import { bend } from "../motion/curves.js";
import { FLIGHT_MS } from "../motion/flights.js";
import { streamColor } from "./cards.js";

/**
 * @import { Row } from "../timeline/run.js"
 * @import { StreamCard } from "../timeline/stream_card.js"
 * @import { LiveRunView } from "./view.js"
 */

/**
 * Launch the flights of one row.
 *
 * @type {(view: LiveRunView, row: Row) => void}
 */
export function flyRow(view, row) {
  const now = performance.now();
  const { flights } = view;
  if (!"sgi".includes(row[0]) || !flights.hasRoom(now)) return;
  const card = view.run.card(row[0] === "i" ? row[3] : row[2]);
  if (row[0] === "s") flyOff(view, card, now);
  else if (row[0] === "g") flyToGate(view, card, now);
  else flyBack(view, card, now);
}

/**
 * A stream flies from its trigger in the text to its card.
 *
 * @type {(view: LiveRunView, card: StreamCard, now: number) => void}
 */
function flyOff({ river, branches, flights, frame }, card, now) {
  river.flash(card);
  const curve = () => bend(branches.trigger(card, true), branches.port(card));
  flights.launch({ kind: "spawn", color: streamColor(card, frame.theme), curve }, now);
}

/**
 * A thought flies from its card to the axis; until then it is not drawn there.
 *
 * @type {(view: LiveRunView, card: StreamCard, now: number) => void}
 */
function flyToGate(view, card, now) {
  const { axis, branches, flights, frame, hidden } = view;
  hidden.add(card);
  const color = card.accepted ? frame.theme.green : frame.theme.vermilion;
  const curve = () => bend(branches.port(card, 0.5), axis.place(card), true);
  const land = () => {
    hidden.delete(card);
    view.repaint();
  };
  flights.launch({ kind: "gate", color, curve, land }, now);
}

/**
 * An accepted thought flies from the axis to its note, and to its token in the map.
 *
 * @type {(view: LiveRunView, card: StreamCard, now: number) => void}
 */
function flyBack({ axis, branches, cloud, flights, frame, river }, card, now) {
  const note = river.notes.get(card);
  if (!note) return;
  const color = frame.theme.green;
  const delay = FLIGHT_MS.gate * 0.8; // the thought has to land at the gate before
  note.classList.add("wr-coming");
  const curve = () => {
    const box = branches.local(note);
    return bend(axis.place(card), [box.x + box.w, box.y + 10], true);
  };
  const land = () => note.classList.remove("wr-coming");
  flights.launch({ kind: "inject", color, delay, size: 5, curve, land }, now);
  const into = card.noteToken - 1;
  if (!cloud.has(into)) return;
  const toMap = () => bend(axis.place(card), cloud.place(into, branches.read().cloud));
  flights.launch({ kind: "inject", color, delay, size: 3, curve: toMap }, now);
}
