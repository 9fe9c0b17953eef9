// Bars as the kernel sends them: rows of an array, and what is read off them.

const ROWS = new WeakMap();

/** Return an array's rows as `make(data, i)` reads them, once per array: each answer of the kernel is a new one. */
export function rowsOf(array, make) {
  if (!array) return [];
  if (!ROWS.has(array))
    ROWS.set(
      array,
      Array.from({ length: array.shape[0] }, (_, i) => make(array.data, i)),
    );
  return ROWS.get(array);
}

export function ends(bars) {
  return bars.map((bar) => bar[1]);
}

export function starts(bars) {
  return bars.map((bar) => bar[0]);
}

export function lengths(bars) {
  return bars.map(([birth, death]) => death - birth);
}

export function bettiAt(bars, scale) {
  let alive = 0;
  for (const [birth, death] of bars) if (birth <= scale && scale < death) alive += 1;
  return alive;
}
