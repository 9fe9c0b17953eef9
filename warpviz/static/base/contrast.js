// Contrast of two colours as WCAG 2.2 counts it, and text colours that a reader can see.

/** @type {Map<string, string>} */
const LEGIBLE = new Map();
const LEAST_CONTRAST = 4.5; // of text (WCAG 2.2, 1.4.3)
const MIXES = 20;

/**
 * Return a CSS colour as red, green and blue in [0, 1]; null for any other notation.
 *
 * @type {(colour: string) => number[] | null}
 */
export function channels(colour) {
  const hex = /^#([0-9a-f]{3,8})$/i.exec(colour)?.[1];
  if (hex) {
    const wide = hex.length < 6 ? [...hex].map((digit) => digit + digit).join("") : hex;
    return [0, 2, 4].map((at) => parseInt(wide.slice(at, at + 2), 16) / 255);
  }
  const parts = (colour.match(/[\d.]+(?:e-?\d+)?/g) ?? []).map(Number);
  if (parts.length < 3) return null;
  return parts.slice(0, 3).map((part) => (colour.startsWith("rgb") ? part / 255 : part));
}

/** @type {(parts: number[]) => number} */
function lightness(parts) {
  const [r, g, b] = parts.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/**
 * Return the contrast of two colours, 1 to 21.
 *
 * @type {(one: number[], other: number[]) => number}
 */
export function contrast(one, other) {
  const [low, high] = [lightness(one), lightness(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/**
 * Return a colour for text: as given where it can be read, otherwise mixed with the ink until it
 * can.
 *
 * @type {(colour: string, theme: { ink: string, surface: string }) => string}
 */
export function legible(colour, { ink, surface }) {
  const key = [colour, ink, surface].join("|");
  const known = LEGIBLE.get(key);
  if (known) return known;
  const [own, dark, ground] = [colour, ink, surface].map(channels);
  let found = colour;
  if (own && dark && ground)
    for (let step = 0; step <= MIXES; step += 1) {
      const mixed = own.map((v, i) => v + ((dark[i] - v) * step) / MIXES);
      if (step) found = `rgb(${mixed.map((v) => Math.round(v * 255)).join(", ")})`;
      if (contrast(mixed, ground) >= LEAST_CONTRAST) break;
    }
  LEGIBLE.set(key, found);
  return found;
}
