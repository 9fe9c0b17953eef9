// When a run begins to play. A saved run plays when it is first seen. A live one is followed, but
// one that went on while nobody could see it is held, and plays from its beginning once it is seen.

import { motionOk } from "../base/theme.js";

/** @import { LiveRunView } from "./view.js" */

const MISSED_BEATS = 30; // a live run that is further than this when it is first seen was missed

export class Beginning {
  /** @param {LiveRunView} view */
  constructor(view) {
    this.view = view;
    this.isOver = false; // whether the run may not begin by itself any more
    this.isSeen = false;
    this.isCatchingUp = false; // whether a live run is played from its beginning
    this.startCursor = 0; // where the cursor stood before the run played by itself
  }

  /** Whether page and reader agree that a run plays by itself. */
  get playsByItself() {
    return this.view.store.data.autoplay && motionOk();
  }

  /** Whether a live run waits until it is seen. */
  get isHeld() {
    return !this.isOver && !this.isSeen && this.view.isLive && motionOk();
  }

  /** @param {boolean} isSeen whether the view is on screen */
  see(isSeen) {
    this.isSeen = isSeen;
    this.begin();
  }

  /** Return the place to show first; a live run that is held stands at its beginning. */
  get place() {
    const { isLive, playhead } = this.view;
    if (isLive) return this.isHeld ? 0 : Infinity;
    return playhead.place || (this.playsByItself ? 0 : Infinity);
  }

  /** Play by itself when it is first seen and has rows. */
  begin() {
    const { isLive, playhead, run } = this.view;
    if (this.isOver || !run.length) return;
    if (isLive && (!motionOk() || (this.isSeen && run.lastBeat < MISSED_BEATS))) this.follow();
    if (this.isOver || !this.isSeen) return;
    this.isOver = true;
    if (!this.playsByItself || playhead.cursor !== this.startCursor) return;
    this.isCatchingUp = isLive;
    playhead.play();
    this.view.repaint();
  }

  /** Stay at the newest event of a live run. */
  follow() {
    const { playhead } = this.view;
    this.isOver = true;
    playhead.live = true;
    playhead.play();
  }

  /** A live run that was played from its beginning is followed where it has caught up. */
  catchUp() {
    const { isLive, playhead } = this.view;
    if (!this.isCatchingUp || !playhead.atEnd) return;
    this.isCatchingUp = false;
    if (isLive) this.follow();
  }
}
