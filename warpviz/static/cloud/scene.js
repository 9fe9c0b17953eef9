// Where points stand on the screen: targets from the kernel, a glide towards them, a camera in two or three dimensions.

import { motionOk } from "../base/theme.js";

const GLIDE_MS = 800;
const DEPTH = 3.2;
const MARGIN = { side: 34, top: 48, bottom: 50 }; // the legend stands above the points, the readout below

export class Scene {
  constructor() {
    this.count = 0;
    this.dims = 2;
    this.now = new Float32Array(0);
    this.from = this.now;
    this.goal = this.now;
    this.screen = new Float32Array(0);
    this.depth = new Float32Array(0);
    this.started = -Infinity;
    this.spin = [-0.5, 0.35];
    this.resetCamera();
  }

  resetCamera() {
    this.zoom = 1;
    this.pan = [0, 0];
  }

  /** Take new coordinates [n, width]; points that were here before glide, new ones set out from `origin(i)`. */
  aim(data, width, { glide = true, origin = null } = {}) {
    const count = width ? Math.floor(data.length / width) : 0;
    const goal = new Float32Array(count * 3);
    for (let i = 0; i < count; i += 1)
      for (let d = 0; d < Math.min(width, 3); d += 1) goal[i * 3 + d] = data[i * width + d];
    const old = this.now;
    const start = new Float32Array(count * 3);
    const known = Math.min(this.count, count);
    start.set(old.subarray(0, known * 3));
    for (let i = known; i < count; i += 1) {
      const from = origin?.(i);
      for (let d = 0; d < 3; d += 1) start[i * 3 + d] = from ? from[d] : goal[i * 3 + d];
    }
    const first = this.count === 0;
    this.count = count;
    this.from = start;
    this.goal = goal;
    this.screen = new Float32Array(count * 2);
    this.depth = new Float32Array(count);
    const moving = glide && !first && motionOk() && count <= 50000;
    this.now = moving ? start.slice() : goal.slice();
    this.started = moving ? performance.now() : -Infinity;
    this.boundsFrom = this.bounds ?? boundsOf(goal);
    this.boundsGoal = boundsOf(goal);
    this.bounds = moving ? this.boundsFrom : this.boundsGoal;
  }

  /** Move one frame on; returns whether points are still under way. */
  step(time) {
    const t = (time - this.started) / GLIDE_MS;
    if (t >= 1) {
      if (this.started > -Infinity) {
        this.now.set(this.goal);
        this.bounds = this.boundsGoal;
        this.started = -Infinity;
        return false;
      }
      return false;
    }
    const e = t < 0 ? 0 : 1 - (1 - t) ** 3;
    for (let i = 0; i < this.now.length; i += 1)
      this.now[i] = this.from[i] + (this.goal[i] - this.from[i]) * e;
    this.bounds = this.boundsGoal.map((v, i) => this.boundsFrom[i] + (v - this.boundsFrom[i]) * e);
    return true;
  }

  /** Project every point to pixels; `scale` pixels are one unit of the coordinates. */
  project(width, height) {
    const [cx, cy, cz, radiusX, radiusY, radius] = this.bounds ?? [0, 0, 0, 1, 1, 1];
    const flat = this.dims === 2;
    const [wide, tall] = [
      Math.max(20, width - 2 * MARGIN.side),
      Math.max(20, height - MARGIN.top - MARGIN.bottom),
    ];
    const fit = flat
      ? Math.min(wide / (2 * radiusX || 1), tall / (2 * radiusY || 1))
      : Math.min(wide, tall) / (2 * radius || 1);
    this.scale = fit * this.zoom;
    const [sa, ca, sb, cb] = [
      Math.sin(this.spin[0]),
      Math.cos(this.spin[0]),
      Math.sin(this.spin[1]),
      Math.cos(this.spin[1]),
    ];
    const [middleX, middleY] = middleOf(width, height);
    const [ox, oy] = [middleX + this.pan[0], middleY + this.pan[1]];
    for (let i = 0; i < this.count; i += 1) {
      let x = this.now[i * 3] - cx;
      let y = this.now[i * 3 + 1] - cy;
      let z = this.now[i * 3 + 2] - cz;
      let lens = 1;
      if (!flat) {
        [x, z] = [x * ca + z * sa, z * ca - x * sa];
        [y, z] = [y * cb - z * sb, z * cb + y * sb];
        z /= radius || 1;
        lens = DEPTH / (DEPTH - z);
      }
      this.screen[i * 2] = ox + x * this.scale * lens;
      this.screen[i * 2 + 1] = oy - y * this.scale * lens;
      this.depth[i] = flat ? 0 : z;
    }
  }

  /** Return the point nearest to (x, y) within `reach` pixels, or -1; `favours(i)` widens the reach of some. */
  nearest(x, y, reach, favours) {
    let best = -1;
    let least = reach * reach;
    for (let i = 0; i < this.count; i += 1) {
      const dx = this.screen[i * 2] - x;
      const dy = this.screen[i * 2 + 1] - y;
      const d = (dx * dx + dy * dy) * (favours(i) ? 0.4 : 1);
      if (d < least) {
        least = d;
        best = i;
      }
    }
    return best;
  }

  /** Return the points inside a polygon [[x, y], ...] of screen positions. */
  inside(polygon) {
    const found = [];
    for (let i = 0; i < this.count; i += 1) {
      if (withinPolygon(this.screen[i * 2], this.screen[i * 2 + 1], polygon)) found.push(i);
    }
    return found;
  }

  /** Zoom by a factor around a pixel. */
  zoomAt(factor, x, y, width, height) {
    const before = this.zoom;
    this.zoom = Math.min(Math.max(this.zoom * factor, 0.5), 60);
    const ratio = this.zoom / before;
    const [middleX, middleY] = middleOf(width, height);
    this.pan = [
      x - middleX - (x - middleX - this.pan[0]) * ratio,
      y - middleY - (y - middleY - this.pan[1]) * ratio,
    ];
  }
}

/** Return the middle of the room between the margins. */
function middleOf(width, height) {
  return [width / 2, (height + MARGIN.top - MARGIN.bottom) / 2];
}

/** Return [centre x, y, z, half width, half height, radius]; one far outlier does not set the scale. */
function boundsOf(goal) {
  const count = goal.length / 3;
  if (!count) return [0, 0, 0, 1, 1, 1];
  const axis = (d) => {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i += 1) values[i] = goal[i * 3 + d];
    values.sort();
    const cut = count > 60 ? Math.floor(count * 0.006) : 0;
    return [values[cut], values[count - 1 - cut]];
  };
  const [x, y, z] = [axis(0), axis(1), axis(2)];
  const half = [x, y, z].map(([low, high]) => (high - low) / 2 || 1e-6);
  const middle = [x, y, z].map(([low, high]) => (high + low) / 2);
  return [...middle, half[0], half[1], Math.max(...half) * 1.3 || 1];
}

function withinPolygon(x, y, polygon) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i, i += 1) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
