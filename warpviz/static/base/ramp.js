// An even ramp of colours for amounts, and ranks for amounts with heavy tails.

import { PALETTE } from "./theme.js";

// Stops like Viridis's, without its ends: a point must show on white and on black.
const RAMP_STOPS = [
  [62, 38, 125],
  [64, 68, 135],
  [52, 96, 141],
  [41, 121, 142],
  [33, 145, 140],
  [46, 169, 128],
  [92, 190, 99],
  [155, 206, 62],
  [219, 211, 45],
];
const RAMP_STEPS = 64;

function rampAt(t) {
  const x = Math.min(Math.max(t, 0), 1) * (RAMP_STOPS.length - 1);
  const i = Math.min(Math.floor(x), RAMP_STOPS.length - 2);
  const mix = RAMP_STOPS[i].map((c, j) => Math.round(c + (RAMP_STOPS[i + 1][j] - c) * (x - i)));
  return `rgb(${mix.join(",")})`;
}

export const RAMP = Array.from({ length: RAMP_STEPS }, (_, i) => rampAt(i / (RAMP_STEPS - 1)));

/** Return the ramp's colour for an amount in [0, 1]; amounts that are not numbers are grey. */
export function ramp(t) {
  return Number.isFinite(t)
    ? RAMP[Math.min(Math.max(Math.round(t * (RAMP_STEPS - 1)), 0), RAMP_STEPS - 1)]
    : PALETTE.grey;
}

/**
 * Return each value's rank in [0, 1]: with heavy tails, most values would share one colour.
 *
 * @param {ArrayLike<number>} values
 */
export function quantiles(values) {
  const out = new Float32Array(values.length);
  Array.from(values, (_, i) => i)
    .sort((a, b) => values[a] - values[b])
    .forEach((i, rank) => {
      out[i] = rank / Math.max(1, values.length - 1);
    });
  return out;
}
