// Many values on one axis without overlap: columns of dots around a centre line.

/** Return [x, y] per value (NaN where there is none): equal neighbours stack away from `middle`, at most `half` pixels. */
function beeswarm(values, scale, { radius, middle, half }) {
  const places = new Float32Array(values.length * 2).fill(NaN);
  const columns = new Map();
  const wide = radius * 2 + 1;
  for (let i = 0; i < values.length; i += 1) {
    if (!Number.isFinite(values[i]) || values[i] <= -1) continue;
    const column = Math.round(scale(values[i]) / wide);
    if (!columns.has(column)) columns.set(column, []);
    columns.get(column).push(i);
  }
  for (const [column, members] of columns) {
    members.sort((a, b) => values[a] - values[b]);
    const rise = Math.min(wide, (half * 2) / members.length);
    members.forEach((i, n) => {
      const level = n % 2 ? -(n + 1) / 2 : n / 2;
      places[i * 2] = column * wide;
      places[i * 2 + 1] = middle + level * rise;
    });
  }
  return places;
}

const CROSSES = new Map();

/** Draw a small cross, fast on a canvas: one cached picture per colour and size; as lines for a file. */
function stampCross(pen, x, y, r, { color, width, alpha }) {
  if (!pen.c) { drawMark(pen, "cross", x, y, r, { stroke: color, width, alpha }); return; }
  const key = `${color}|${r}|${width}|${pen.ratio}`;
  const half = r + 2;
  if (!CROSSES.has(key)) CROSSES.set(key, crossPicture(r, half, { color, width, ratio: pen.ratio }));
  pen.c.globalAlpha = alpha;
  pen.c.drawImage(CROSSES.get(key), x - half, y - half, half * 2, half * 2);
}

function crossPicture(r, half, { color, width, ratio }) {
  const size = Math.ceil(half * 2 * ratio);
  const picture = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const c = picture.getContext("2d");
  c.scale(size / (half * 2), size / (half * 2));
  c.strokeStyle = color;
  c.lineWidth = width;
  for (const way of [1, -1]) { c.moveTo(half - r, half - r * way); c.lineTo(half + r, half + r * way); }
  c.stroke();
  return picture;
}
