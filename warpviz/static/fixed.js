// Similarities and thresholds are compared by eye: always two decimals.

/** Return a number with two decimals, or a dash. */
function fixed(value) { return Number.isFinite(value) ? value.toFixed(2) : "\u2013"; }
