// Who holds the bytes of a council, and bytes as people write them.

/** @typedef {{ field: string, name: string, colour: string }} Part a field, drawn in a colour */

/** @type {Part[]} the weights first */
export const OWNERS = [
  { field: "weights_bytes", name: "weights", colour: "grey" },
  { field: "river_kv_bytes", name: "River", colour: "blue" },
  { field: "shared_kv_bytes", name: "shared landmarks", colour: "orange" },
  { field: "private_kv_bytes", name: "private to streams", colour: "purple" },
  { field: "evidence_bytes", name: "to choose landmarks", colour: "yellow" },
];
export const KV_OWNERS = OWNERS.slice(1, 4);
const UNITS = [
  { size: 1e9, unit: "GB" },
  { size: 1e6, unit: "MB" },
  { size: 1e3, unit: "kB" },
];
const BYTE = { size: 1, unit: "B" };

/**
 * Return bytes in the largest unit that fits, or a dash where there is no number.
 *
 * @param {number} value
 */
export function bytesText(value) {
  if (!Number.isFinite(value)) return "\u2013";
  const { size, unit } = UNITS.find((one) => Math.abs(value) >= one.size) ?? BYTE;
  const digits = value / size < 10 ? 2 : 1;
  return `${(value / size).toFixed(unit === "B" ? 0 : digits)} ${unit}`;
}
