// Strangers: what the gate measured on thoughts that do not belong to the text.
// The same as live/strangers.py.

import { decimals } from "../base/decimals.js";

/**
 * @import { Scale } from "../base/axes.js"
 * @import { Pen } from "../base/pen.js"
 * @import { Theme } from "../base/theme.js"
 *
 * @typedef {Record<string, number[]>} Strangers similarities of the strangers, sorted, by scorer
 */

const LIKELIHOOD = "likelihood"; // a scorer in [0, 1]; the others are cosines
const AXIS_END = 0.1;
const BINS = 48;

/** Return whether a scorer is a probability per token. */
export function isLikelihood(scorer) {
  return scorer === LIKELIHOOD;
}

/** Return where the axis of a likelihood ends, for the largest value on it. */
export function endOfLikelihood(most) {
  const steps = Math.ceil((most + AXIS_END / 5) / AXIS_END);
  return Math.min(1, Math.max(1, steps) * AXIS_END);
}

/** Return a similarity or a threshold with the decimals that its scorer needs. */
export function thetaText(theta, scorer) {
  return decimals(theta, isLikelihood(scorer) ? 3 : 2);
}

/**
 * Return which share of the strangers a theta accepts, null where none were measured.
 *
 * @param {number[]} known
 * @param {number | null} theta
 */
export function acceptedShare(known, theta) {
  if (!known.length || theta === null) return null;
  return known.filter((value) => value >= theta).length / known.length;
}

/**
 * Return the words "accepts 5 % of strangers", or nothing where none were measured.
 *
 * @param {number[]} known
 * @param {number | null} theta
 */
export function strangersText(known, theta) {
  const share = acceptedShare(known, theta);
  return share === null ? "" : `accepts ${Math.round(share * 100)} % of strangers`;
}

/**
 * Draw the strangers' histogram, light, upwards from `base` by at most `tall` pixels.
 *
 * @type {(pen: Pen, theme: Theme, known: number[], scale: Scale,
 *   room: { base: number, tall: number }) => void}
 */
export function drawStrangers(pen, theme, known, scale, { base, tall }) {
  if (!known.length) return;
  const [low, high] = scale.domain;
  const counts = new Array(BINS).fill(0);
  for (const value of known) {
    const bin = Math.floor(((value - low) / (high - low)) * BINS);
    counts[Math.min(BINS - 1, Math.max(0, bin))] += 1;
  }
  const most = Math.max(...counts);
  const wide = (scale(high) - scale(low)) / BINS;
  counts.forEach((count, bin) => {
    if (!count) return;
    const rise = Math.max(2, (count / most) * tall);
    const style = { fill: theme.faint, alpha: 0.28 };
    pen.rect(scale(low) + bin * wide, base - rise, Math.max(1, wide - 1), rise, style);
  });
}
