// Similarities and thresholds are compared by eye: two decimals, and more only where two would look like a tie.

/** Return a number with two decimals, or a dash. */
export function fixed(value, digits = 2) {
  return Number.isFinite(value) ? value.toFixed(digits) : "\u2013";
}

/** Return "0.42 < theta 0.50" with as many decimals as it takes to tell the two apart. */
export function comparison(similarity, theta, accepted) {
  const digits = [2, 3, 4].find((n) => fixed(similarity, n) !== fixed(theta, n)) ?? 4;
  return `${fixed(similarity, digits)} ${accepted ? "\u2265" : "<"} \u03b8 ${fixed(theta, digits)}`;
}
