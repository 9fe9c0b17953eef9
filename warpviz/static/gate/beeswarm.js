// Many values on one axis without overlap: columns of dots around a centre line.

/**
 * Return x and y per value, in turn, NaN for what was not judged. Values of one column are stacked
 * up and down from `middle`, by at most `half` pixels.
 *
 * @param {Float32Array} values
 * @param {(value: number) => number} scale
 * @param {{ radius: number, middle: number, half: number }} look
 */
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
