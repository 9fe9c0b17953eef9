// Many values on one axis without overlap: columns of dots around a centre line.

/** Return [x, y] per value (NaN where there is none): equal neighbours stack away from `middle`, at most `half` pixels. */
export function beeswarm(values, scale, { radius, middle, half }) {
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
