// Short flights between places on the page, drawn above everything; each has an effect at its end.

import { motionOk } from "../base/theme.js";
import { onCurve } from "./curves.js";

/**
 * @import { Pen, Point } from "../base/pen.js"
 * @import { Curve } from "./curves.js"
 *
 * @typedef {object} Launch
 * @property {"spawn" | "gate" | "inject"} kind
 * @property {string} color
 * @property {() => Curve} curve asked at every frame: it follows scrolling
 * @property {() => void} [land] called at the end
 * @property {number} [delay] in ms
 * @property {number} [size] of its head in pixels
 *
 * @typedef {Launch & { size: number, start: number, ms: number }} Flight
 */

export const FLIGHT_MS = { spawn: 620, gate: 560, inject: 760 };
// No eye follows more flights at once or more launches per second: what would have flown lands.
const MOST_FLIGHTS = 24;
const FLIGHTS_PER_S = 10;
const RING_MS = 480;
const TAIL = 9;

const easeInOut = (t) => (t < 0.5 ? 4 * t * t * t : 1 - (-2 * t + 2) ** 3 / 2);
const easeOut = (t) => 1 - (1 - t) ** 3;

export class Flights {
  constructor() {
    /** @type {Flight[]} */
    this.list = [];
    /** @type {{ point: Point, color: string, start: number }[]} */
    this.rings = [];
    this.room = FLIGHTS_PER_S; // launches left; they come back with time
    this.filled = 0; // when `room` was last filled up
  }

  get busy() {
    return this.list.length > 0 || this.rings.length > 0;
  }

  /** Return whether one more flight may be launched now. */
  hasRoom(now) {
    this.room = Math.min(FLIGHTS_PER_S, this.room + ((now - this.filled) * FLIGHTS_PER_S) / 1000);
    this.filled = now;
    return motionOk() && this.list.length < MOST_FLIGHTS && this.room >= 1;
  }

  /**
   * Launch a flight, or let it land at once where there is no room; returns whether it flies.
   *
   * @type {(launch: Launch, now: number) => boolean}
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

  /** @type {(point: Point, color: string, now: number) => void} */
  ring(point, color, now) {
    if (motionOk()) this.rings.push({ point, color, start: now });
  }

  /** Let every flight land now. */
  clear() {
    for (const flight of this.list.splice(0)) flight.land?.();
    this.rings.length = 0;
  }

  /** @type {(pen: Pen, now: number) => void} */
  draw(pen, now) {
    for (const flight of [...this.list]) {
      const t = (now - flight.start) / flight.ms;
      if (t >= 1) {
        this.list.splice(this.list.indexOf(flight), 1);
        flight.land?.();
        this.ring(flight.curve()[3], flight.color, now);
      } else if (t > 0) this.comet(pen, flight, t);
    }
    this.rings = this.rings.filter((ring) => now - ring.start < RING_MS);
    for (const ring of this.rings) {
      const t = easeOut((now - ring.start) / RING_MS);
      pen.circle(ring.point[0], ring.point[1], 4 + 15 * t, {
        stroke: ring.color,
        width: 2 * (1 - t) + 0.3,
        alpha: 1 - t,
      });
    }
  }

  /**
   * Draw a flight as a dot with a tail.
   *
   * @type {(pen: Pen, flight: Flight, t: number) => void}
   */
  comet(pen, flight, t) {
    const curve = flight.curve();
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
