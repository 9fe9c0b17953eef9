// Where points stand on the screen: a glide to the kernel's coordinates, and a camera.

import { motionOk } from "../base/theme.js";

const GLIDE_MS = 800;
const DEPTH_OF_VIEW = 3.2; // from the camera to the middle, in radii
const MARGIN = { side: 34, top: 48, bottom: 50 }; // for the legend above, the readout below
const MOST_GLIDING = 50000;

const NO_BOUNDS = [0, 0, 0, 1, 1, 1];

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
    this.spin = [-0.5, 0.35]; // radians around the vertical and the horizontal axis
    this.zoom = 1;
    this.pan = [0, 0]; // in pixels
    this.scale = 1; // pixels per unit of the coordinates
    this.stretch = 1; // by how much one axis may be longer than the other, to fill the canvas
    // Centre, half width, half height and radius; see boundsOf.
    this.bounds = NO_BOUNDS;
    this.boundsFrom = NO_BOUNDS;
    this.boundsGoal = NO_BOUNDS;
  }

  resetCamera() {
    this.zoom = 1;
    this.pan = [0, 0];
  }

  /**
   * Take new coordinates [n, width]. Known points glide to them; new ones start at `origin(i)`.
   *
   * @param {ArrayLike<number>} data
   * @param {number} width
   * @param {{ origin?: ((row: number) => number[]) | null }} start
   */
  aim(data, width, { origin = null } = {}) {
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
    const moving = !first && motionOk() && count <= MOST_GLIDING;
    this.now = moving ? start.slice() : goal.slice();
    this.started = moving ? performance.now() : -Infinity;
    this.boundsGoal = boundsOf(goal);
    this.boundsFrom = first ? this.boundsGoal : this.bounds;
    this.bounds = moving ? this.boundsFrom : this.boundsGoal;
  }

  /** Move to a time; returns whether points still glide. */
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

  /** Project every point to pixels. */
  project(width, height) {
    const [cx, cy, cz, radiusX, radiusY, radius] = this.bounds;
    const flat = this.dims === 2;
    const wide = Math.max(20, width - 2 * MARGIN.side);
    const tall = Math.max(20, height - MARGIN.top - MARGIN.bottom);
    const fit = flat
      ? Math.min(wide / (2 * radiusX || 1), tall / (2 * radiusY || 1))
      : Math.min(wide, tall) / (2 * radius || 1);
    this.scale = fit * this.zoom;
    const most = this.scale * (flat ? this.stretch : 1);
    const scaleX = flat ? Math.min(most, (wide / (2 * radiusX || 1)) * this.zoom) : this.scale;
    const scaleY = flat ? Math.min(most, (tall / (2 * radiusY || 1)) * this.zoom) : this.scale;
    const sa = Math.sin(this.spin[0]);
    const ca = Math.cos(this.spin[0]);
    const sb = Math.sin(this.spin[1]);
    const cb = Math.cos(this.spin[1]);
    const [middleX, middleY] = middleOf(width, height);
    const ox = middleX + this.pan[0];
    const oy = middleY + this.pan[1];
    for (let i = 0; i < this.count; i += 1) {
      let x = this.now[i * 3] - cx;
      let y = this.now[i * 3 + 1] - cy;
      let z = this.now[i * 3 + 2] - cz;
      let lens = 1;
      if (!flat) {
        [x, z] = [x * ca + z * sa, z * ca - x * sa];
        [y, z] = [y * cb - z * sb, z * cb + y * sb];
        z /= radius || 1;
        lens = DEPTH_OF_VIEW / (DEPTH_OF_VIEW - z);
      }
      this.screen[i * 2] = ox + x * scaleX * lens;
      this.screen[i * 2 + 1] = oy - y * scaleY * lens;
      this.depth[i] = flat ? 0 : z;
    }
  }

  /**
   * Return the point nearest to (x, y) within `reach` pixels, or -1.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   * @param {(row: number) => boolean} favours the points that are found from further away
   */
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

  /**
   * Return the points inside a polygon on the screen.
   *
   * @param {number[][]} polygon
   */
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

/** Return the middle between the margins. */
function middleOf(width, height) {
  return [width / 2, (height + MARGIN.top - MARGIN.bottom) / 2];
}

/**
 * Return [centre x, y, z, half width, half height, radius] without the outermost points: one of
 * them would set the scale for all.
 */
function boundsOf(goal) {
  const count = goal.length / 3;
  if (!count) return NO_BOUNDS;
  const axis = (d) => {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i += 1) values[i] = goal[i * 3 + d];
    values.sort();
    const cut = count > 60 ? Math.floor(count * 0.006) : 0;
    return [values[cut], values[count - 1 - cut]];
  };
  const x = axis(0);
  const y = axis(1);
  const z = axis(2);
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
