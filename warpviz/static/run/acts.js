// What the controls of a live run do.

/**
 * @import { Acts } from "./transport.js"
 * @import { LiveRunView } from "./view.js"
 */

/**
 * Return the acts of a view's transport.
 *
 * @param {LiveRunView} view
 * @returns {Acts}
 */
export function actsOf(view) {
  const { playhead, river, store } = view;
  /** @type {(act: (value: number) => void) => (value: number) => void} */
  const thenPaint = (act) => (value) => {
    act(value);
    view.repaint();
  };
  return {
    toggle() {
      if (playhead.playing) playhead.pause();
      else playhead.play();
      view.repaint();
    },
    seek: thenPaint((beat) => {
      playhead.pause();
      playhead.seek(beat);
    }),
    step: thenPaint((direction) => playhead.step(direction)),
    skip: thenPaint((direction) => playhead.skip(direction)),
    speed: thenPaint((speed) => {
      playhead.speed = speed;
    }),
    follow(on) {
      playhead.live = on;
      if (on) {
        playhead.seek(Infinity);
        playhead.play();
        river.stick();
      } else playhead.pause();
      view.repaint();
    },
    hold: () => store.send({ op: view.status === "paused" ? "resume" : "pause" }),
    stop: () => store.send({ op: "stop" }),
  };
}
