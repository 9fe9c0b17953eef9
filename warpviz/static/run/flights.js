// Motion: short flights between places on the page, drawn above everything; every flight has an end and an effect.

import { motionOk } from "../base/theme.js";
import { streamColor } from "./cards.js";

const FLIGHT_MS = { spawn: 620, gate: 560, inject: 760 };
const MOST_FLIGHTS = 24; // beyond this nobody can follow; the state changes without ceremony
const FLIGHTS_PER_S = 10; // as many may set out in a second; the same reason
const TAIL = 9;

const easeInOut = (t) => (t < 0.5 ? 4 * t * t * t : 1 - (-2 * t + 2) ** 3 / 2);
const easeOut = (t) => 1 - (1 - t) ** 3;

/** Return the point of a cubic curve [p0, c0, c1, p1] at t. */
export function onCurve([a, b, c, d], t) {
  const u = 1 - t;
  const mix = (i) =>
    u * u * u * a[i] + 3 * u * u * t * b[i] + 3 * u * t * t * c[i] + t * t * t * d[i];
  return [mix(0), mix(1)];
}

/** Return a curve between two points that leaves and arrives level, or upright where the way is mostly vertical. */
export function bend(
  from,
  to,
  upright = Math.abs(to[0] - from[0]) < Math.abs(to[1] - from[1]) * 0.6,
) {
  if (upright) {
    const dy = (to[1] - from[1]) * 0.55;
    return [from, [from[0], from[1] + dy], [to[0], to[1] - dy], to];
  }
  const dx = (to[0] - from[0]) * 0.5;
  return [from, [from[0] + dx, from[1]], [to[0] - dx, to[1]], to];
}

export class Flights {
  constructor() {
    this.list = [];
    this.rings = [];
    this.room = FLIGHTS_PER_S;
    this.filled = 0;
  }

  get busy() {
    return this.list.length > 0 || this.rings.length > 0;
  }

  /** Whether one more may set out now. */
  hasRoom(now) {
    this.room = Math.min(FLIGHTS_PER_S, this.room + ((now - this.filled) * FLIGHTS_PER_S) / 1000);
    this.filled = now;
    return motionOk() && this.list.length < MOST_FLIGHTS && this.room >= 1;
  }

  /**
   * Start a flight; `curve()` is asked at every frame, so that it follows scrolling. `land()` is called at its end.
   * Returns whether it flies: where nobody could follow, it lands at once.
   */
  launch({ kind, color, curve, land, delay = 0, size = 4 }, now) {
    if (!this.hasRoom(now)) {
      land?.();
      return false;
    }
    this.room -= 1;
    this.list.push({ kind, color, curve, land, size, start: now + delay, ms: FLIGHT_MS[kind] });
    return true;
  }

  ring(point, color, now) {
    if (motionOk()) this.rings.push({ point, color, start: now });
  }

  clear() {
    for (const flight of this.list.splice(0)) flight.land?.();
    this.rings.length = 0;
  }

  draw(pen, now) {
    for (const flight of [...this.list]) {
      const t = (now - flight.start) / flight.ms;
      if (t >= 1) {
        this.list.splice(this.list.indexOf(flight), 1);
        flight.land?.();
        const curve = flight.curve();
        if (curve) this.ring(curve[3], flight.color, now);
      } else if (t > 0) this.comet(pen, flight, t);
    }
    this.rings = this.rings.filter((ring) => now - ring.start < 480);
    for (const ring of this.rings) {
      const t = easeOut((now - ring.start) / 480);
      pen.circle(ring.point[0], ring.point[1], 4 + 15 * t, {
        stroke: ring.color,
        width: 2 * (1 - t) + 0.3,
        alpha: 1 - t,
      });
    }
  }

  comet(pen, flight, t) {
    const curve = flight.curve();
    if (!curve) return;
    for (let i = TAIL; i >= 0; i -= 1) {
      const [x, y] = onCurve(curve, easeInOut(Math.max(0, t - i * 0.022)));
      pen.dot(
        x,
        y,
        Math.max(1, Math.round(flight.size * (1 - i / (TAIL + 3)))),
        flight.color,
        i ? 0.32 * (1 - i / (TAIL + 1)) : 1,
      );
    }
  }
}

/** Let what an event brings fly across a live view: streams that branch, thoughts on their way to the gate and back. */
export function flyRow(view, row) {
  const now = performance.now();
  const { flights, branches, axis, frame } = view;
  if (!"sgi".includes(row[0]) || !flights.hasRoom(now)) return;
  const card = view.run.card(row[0] === "i" ? row[3] : row[2]);
  if (row[0] === "s") {
    view.river.flash(card);
    const curve = () => {
      const a = branches.trigger(card, true);
      return a && bend(a, branches.port(card));
    };
    flights.launch({ kind: "spawn", color: streamColor(card, frame.theme), curve }, now);
  } else if (row[0] === "g") {
    view.hidden.add(card);
    const color = card.accepted ? frame.theme.green : frame.theme.vermilion;
    const land = () => {
      view.hidden.delete(card);
      view.stir();
    };
    flights.launch(
      {
        kind: "gate",
        color,
        curve: () => bend(branches.port(card, 0.5), axis.place(card), true),
        land,
      },
      now,
    );
  } else flyBack(view, card, now);
}

/** An accepted thought flies from the axis into the text's margin and into the cloud. */
function flyBack(view, card, now) {
  const note = view.river.notes.get(card);
  if (!note) return;
  const { flights, branches, axis, cloud } = view;
  const flight = { kind: "inject", color: view.frame.theme.green, delay: FLIGHT_MS.gate * 0.8 };
  note.classList.add("wr-coming");
  const curve = () => {
    const box = branches.local(note);
    return bend(axis.place(card), [box.x + box.w, box.y + 10], true);
  };
  flights.launch(
    { ...flight, size: 5, curve, land: () => note.classList.remove("wr-coming") },
    now,
  );
  const into = card.noteToken - 1;
  if (!cloud.has(into)) return;
  flights.launch(
    {
      ...flight,
      size: 3,
      curve: () => bend(axis.place(card), cloud.place(into, branches.look().cloud)),
    },
    now,
  );
}
