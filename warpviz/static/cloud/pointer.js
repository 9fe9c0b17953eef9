// Pointer and keys on the cloud: hover, click, lasso, pan, rotate, zoom; each gesture has a key.

/**
 * @import { Cloud } from "./view.js"
 *
 * @typedef {object} Drag
 * @property {"lasso" | "spin" | "pan"} kind
 * @property {number} x where the pointer was last
 * @property {number} y
 * @property {boolean} moved
 * @property {number[][]} path
 * @property {boolean} additive whether the tokens inside join the selection
 */

/**
 * Listen to the canvas of a cloud.
 *
 * @param {Cloud} cloud
 */
export function cloudPointer(cloud) {
  const { plot, scene } = cloud;
  const el = plot.canvas;
  /** @type {Drag | null} */
  let drag = null;

  /** @type {(event: PointerEvent) => Drag["kind"] | null} */
  const mode = (event) => {
    if (event.button !== 0) return null;
    const moves = cloud.tool === "move" || event.altKey;
    if (!moves) return "lasso";
    return scene.dims === 3 && !event.shiftKey ? "spin" : "pan";
  };
  const down = (event) => {
    const kind = mode(event);
    if (!kind) return;
    el.setPointerCapture(event.pointerId);
    el.focus({ preventScroll: true });
    const [x, y] = plot.at(event);
    drag = {
      kind,
      x,
      y,
      moved: false,
      path: [[x, y]],
      additive: event.shiftKey || event.metaKey || event.ctrlKey,
    };
  };
  const move = (event) => {
    const [x, y] = plot.at(event);
    if (!drag) {
      cloud.hover(scene.nearest(x, y, 14, cloud.isLandmark), x, y);
      return;
    }
    const dx = x - drag.x;
    const dy = y - drag.y;
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    drag.moved = true;
    cloud.hover(-1);
    if (drag.kind === "lasso") {
      drag.path.push([x, y]);
      cloud.lasso = drag.path;
      plot.redraw();
      return;
    }
    if (drag.kind === "spin")
      scene.spin = [scene.spin[0] - dx * 0.008, clampTo(scene.spin[1] + dy * 0.008, -1.5, 1.5)];
    else scene.pan = [scene.pan[0] + dx, scene.pan[1] + dy];
    drag.x = x;
    drag.y = y;
    plot.redraw();
  };
  const up = () => {
    if (!drag) return;
    const done = drag;
    drag = null;
    cloud.lasso = null;
    if (done.kind === "lasso" && done.moved && done.path.length > 2)
      cloud.select(scene.inside(done.path).map(cloud.tokenOf), done.additive);
    else if (!done.moved) {
      const i = scene.nearest(done.x, done.y, 14, cloud.isLandmark);
      cloud.select(i < 0 ? [] : [cloud.tokenOf(i)], done.additive);
    }
    plot.redraw();
  };
  el.addEventListener("pointerdown", down);
  el.addEventListener("pointermove", move);
  el.addEventListener("pointerup", up);
  el.addEventListener("pointercancel", () => {
    drag = null;
    cloud.lasso = null;
    plot.redraw();
  });
  el.addEventListener("pointerleave", () => {
    if (!drag) cloud.hover(-1);
  });
  el.addEventListener("dblclick", () => {
    scene.resetCamera();
    plot.redraw();
  });
  el.addEventListener(
    "wheel",
    (event) => {
      // The page scrolls unless the cloud has the focus.
      if (!event.ctrlKey && document.activeElement !== el) return;
      event.preventDefault();
      const [x, y] = plot.at(event);
      scene.zoomAt(Math.exp(-event.deltaY * 0.0015), x, y, plot.width, plot.tall);
      plot.redraw();
    },
    { passive: false },
  );
  el.addEventListener("keydown", (event) => cloudKeys(cloud, event));
}

function clampTo(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/**
 * Arrows walk through the tokens, Enter selects, Escape clears, + and - zoom, 0 resets, Shift with
 * arrows rotates.
 *
 * @type {(cloud: Cloud, event: KeyboardEvent) => void}
 */
function cloudKeys(cloud, event) {
  if (cloud.plot.missed) cloud.plot.paint();
  const { scene, plot } = cloud;
  const step = {
    ArrowRight: 1,
    ArrowDown: 1,
    ArrowLeft: -1,
    ArrowUp: -1,
    PageDown: 10,
    PageUp: -10,
  }[event.key];
  if (step && event.shiftKey && scene.dims === 3) {
    const across = event.key === "ArrowLeft" || event.key === "ArrowRight";
    scene.spin = across
      ? [scene.spin[0] + step * 0.1, scene.spin[1]]
      : [scene.spin[0], clampTo(scene.spin[1] + step * 0.1, -1.5, 1.5)];
  } else if (step) {
    cloud.cursor = clampTo((cloud.cursor ?? -step) + step, 0, scene.count - 1);
    cloud.hover(cloud.cursor, scene.screen[cloud.cursor * 2], scene.screen[cloud.cursor * 2 + 1]);
  } else if (event.key === "Enter" || event.key === " ") {
    if (cloud.cursor >= 0) cloud.select([cloud.tokenOf(cloud.cursor)], true);
  } else if (event.key === "Escape") {
    cloud.select([], false);
    cloud.hover(-1);
  } else if (event.key === "+" || event.key === "=")
    scene.zoomAt(1.25, plot.width / 2, plot.height / 2, plot.width, plot.height);
  else if (event.key === "-")
    scene.zoomAt(0.8, plot.width / 2, plot.height / 2, plot.width, plot.height);
  else if (event.key === "0") scene.resetCamera();
  else return;
  event.preventDefault();
  plot.redraw();
}
