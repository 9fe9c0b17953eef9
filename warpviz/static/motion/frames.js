// Asks for the next frame: at most one at a time, at once or after a rest.

export class Frames {
  /**
   * @param {(now: number) => void} step called at every frame
   * @param {() => number} rest the least time between two frames, in ms
   */
  constructor(step, rest) {
    this.step = step;
    this.rest = rest;
    this.now = 0; // the time of the last frame
    this.pending = 0; // the frame asked for
    this.timer = 0; // asks for a frame when it ends
    this.due = 0;
    this.closed = false;
  }

  /** Ask for a frame. */
  wake() {
    if (this.pending || this.closed) return;
    const rest = this.rest() - (performance.now() - this.now);
    if (rest > 1) {
      this.wakeIn(rest);
      return;
    }
    clearTimeout(this.timer);
    this.timer = 0;
    this.pending = requestAnimationFrame((now) => {
      this.pending = 0;
      this.now = now;
      this.step(now);
    });
  }

  /** Ask for a frame in a while, if none is to come before. */
  wakeIn(ms) {
    const due = performance.now() + ms;
    if (this.timer && this.due <= due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.wake();
    }, ms);
  }

  close() {
    this.closed = true;
    cancelAnimationFrame(this.pending);
    clearTimeout(this.timer);
  }
}
