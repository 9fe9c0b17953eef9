// Similarities and thresholds in text: two decimals, and more where two would show a tie.

/**
 * Return a number with two decimals (or `digits`), or a dash where there is none.
 *
 * @param {number | null | undefined} value
 */
export function decimals(value, digits = 2) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(digits) : "\u2013";
}

/** Return "0.42 < theta 0.50" with as many decimals as the two numbers need to differ. */
export function comparison(similarity, theta, accepted) {
  const digits = [2, 3, 4].find((n) => decimals(similarity, n) !== decimals(theta, n)) ?? 4;
  const sign = accepted ? "\u2265" : "<";
  return `${decimals(similarity, digits)} ${sign} \u03b8 ${decimals(theta, digits)}`;
}
