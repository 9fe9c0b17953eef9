// A small map of the run's tokens beside the gate: a point per visible token, landmarks as diamonds.

import { drawMark } from "../base/marks.js";

export class SmallCloud {
  constructor(store) {
    this.store = store;
  }

  /** The places, x and y in turn, in the unit square; empty without a cloud. */
  get xy() {
    return this.store.array("cloud");
  }

  get size() {
    return this.xy.length / 2;
  }

  has(i) {
    return i >= 0 && i < this.size && Number.isFinite(this.xy[2 * i]);
  }

  /** Where token i lies inside a box. */
  place(i, box) {
    return [
      box.x + 10 + this.xy[2 * i] * (box.w - 20),
      box.y + 8 + this.xy[2 * i + 1] * (box.h - 24),
    ];
  }

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
      size: 10,
      fill: theme.faint,
      halo: true,
    });
  }
}
