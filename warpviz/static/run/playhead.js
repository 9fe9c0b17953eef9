// The place in the run that is shown, in beats: it plays, follows a live run, seeks and steps.

/** @import { Run } from "../timeline/run.js" */

const BEATS_PER_S = 12;
// At every frame a live view moves by this part of what it is behind, at least by one beat.
const LIVE_PART = 6;
const JUMP_BEATS = 60; // a live view that is further behind jumps
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

export class Playhead {
  /**
   * @param {Run} run
   * @param {(from: number, to: number, jumped: boolean) => void} onmove called as the cursor moves
   */
  constructor(run, onmove) {
    this.run = run;
    this.onmove = onmove;
    this.place = 0;
    this.cursor = 0;
    this.playing = false;
    this.live = false;
    this.speed = 1;
    /** @type {number | null} the time of the last tick */
    this.last = null;
  }

  get beat() {
    return Math.floor(this.place);
  }

  get atEnd() {
    return this.cursor >= this.run.length;
  }

  /** Return how long a beat takes: longer where streams branch and thoughts fly. */
  weight(beat) {
    const events = this.run.drama.get(beat) ?? 0;
    return events === 0 ? 1 : events <= 4 ? 3 : 1.5;
  }

  /** Advance with the clock, in ms; returns whether there is more to play. */
  tick(now) {
    const elapsed = this.last === null ? 0 : Math.min(now - this.last, 100) / 1000;
    this.last = now;
    if (!this.playing) return false;
    const behind = this.run.lastBeat - this.place;
    if (this.live) {
      if (behind > JUMP_BEATS) this.seek(this.run.lastBeat - 1);
      else this.move(this.beat + Math.ceil(behind / LIVE_PART));
      return true;
    }
    this.move(
      Math.min(
        this.place + ((BEATS_PER_S * this.speed) / this.weight(this.beat)) * elapsed,
        this.run.lastBeat,
      ),
    );
    if (!this.atEnd) return true;
    this.pause();
    return false;
  }

  /** Show a place; motion is drawn on the way there unless it is a jump. */
  move(place, jumped = false) {
    const from = this.cursor;
    this.place = Math.max(0, Math.min(place, this.run.lastBeat));
    const to = this.run.cursorOf(this.place);
    this.cursor = to;
    if (to !== from || jumped) this.onmove(from, to, jumped || to < from);
  }

  seek(place) {
    this.move(place, true);
  }

  play() {
    if (this.atEnd && !this.live) this.seek(0);
    this.playing = true;
    this.last = null;
  }

  pause() {
    this.playing = false;
  }

  /** Go one beat on or back; steps forward show their motion. */
  step(direction) {
    this.pause();
    if (direction > 0) this.move(this.beat + 1);
    else this.seek(this.beat - 1);
  }

  /** Go to the next or previous beat that has a mark on the timeline. */
  skip(direction) {
    this.pause();
    const beats = [...this.run.drama.keys()].sort((a, b) => a - b);
    const next =
      direction > 0 ? beats.find((b) => b > this.beat) : beats.reverse().find((b) => b < this.beat);
    if (next !== undefined) this.seek(next);
  }
}
