// Columns that only grow: entries are stamped with the index of the event that brought them.

/** The stamp of what has not happened. */
export const NEVER = Number.MAX_SAFE_INTEGER;

/**
 * Return how many entries of a sorted column are below a value.
 *
 * @param {number[]} column
 * @param {number} value
 */
export function countBelow(column, value) {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (column[mid] < value) low = mid + 1;
    else high = mid;
  }
  return low;
}
