// A small map of the run's visible tokens: a point per token, landmarks as diamonds.

import { drawMark } from "../base/marks.js";

/**
 * @import { Box, Pen, Point } from "../base/pen.js"
 * @import { Store } from "../base/store.js"
 * @import { Theme } from "../base/theme.js"
 * @import { Run } from "../timeline/run.js"
 */

export class SmallCloud {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
  }

  /** x and y per token in turn, in the unit square; empty without a cloud. */
  get xy() {
    return this.store.array("cloud");
  }

  get size() {
    return this.xy.length / 2;
  }

  /** Return whether token i has a place. */
  has(i) {
    return i >= 0 && i < this.size && Number.isFinite(this.xy[2 * i]);
  }

  /**
   * Return where token i lies inside a box.
   *
   * @type {(i: number, box: Box) => Point}
   */
  place(i, box) {
    return [
      box.x + 10 + this.xy[2 * i] * (box.w - 20),
      box.y + 8 + this.xy[2 * i + 1] * (box.h - 24),
    ];
  }

  /** @type {(pen: Pen, theme: Theme, at: { run: Run, cursor: number, box: Box }) => void} */
  draw(pen, theme, { run, cursor, box }) {
    if (!this.size || !box.w) return;
    const count = Math.min(run.numTokens(cursor), this.size);
    const prompt = run.prompt.length;
    const last = count - 1;
    for (let i = 0; i < count; i += 1) {
      if (this.has(i))
        pen.dot(
          ...this.place(i, box),
          2,
          i < prompt ? theme.faint : theme.accent,
          i < prompt ? 0.45 : 0.8,
        );
    }
    for (const i of run.landmarks(cursor)) {
      if (i < count && this.has(i))
        drawMark(pen, "diamond", ...this.place(i, box), 3.4, {
          fill: theme.orange,
          stroke: theme.surface,
          width: 0.8,
        });
    }
    if (this.has(last)) pen.circle(...this.place(last, box), 5, { stroke: theme.ink, width: 1.5 });
    pen.text(box.x + 10, box.y + box.h - 5, "keys (PCA), landmarks as diamonds", {
      size: 11,
      fill: theme.faint,
      halo: true,
    });
  }
}
