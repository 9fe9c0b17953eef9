// Text is data: it enters the page as text content, never as markup, with hidden characters shown.

// The first and last code point of every range of hidden characters. This is the table of
// warpviz/characters.py, which gives the reasons.
const HIDDEN = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180e, 0x180e],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0xfffe, 0xffff],
  [0x13430, 0x1343f],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];
const escaped = (code) => `\\u{${code.toString(16)}}`;
const RANGES = HIDDEN.map(([first, last]) => `${escaped(first)}-${escaped(last)}`);
const HIDDEN_CHARACTER = new RegExp(`[${RANGES.join("")}]`, "gu");

/** Return text that shows hidden characters: controls as pictures, others as code points. */
export function visible(text) {
  return String(text).replace(HIDDEN_CHARACTER, (char) => {
    if (char === "\n" || char === "\t") return char;
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Return one line for labels: line breaks and tabs become pictures too. */
export function oneLine(text) {
  return visible(text).replace(/\n/g, "\u23ce").replace(/\t/g, "\u21e5");
}

/** Return text cut to a number of characters, with an ellipsis. */
export function clip(text, most) {
  const chars = Array.from(String(text));
  return chars.length <= most ? chars.join("") : `${chars.slice(0, most - 1).join("")}\u2026`;
}

// Made once: looking up a locale per number costs more than drawing the number.
const GROUPED = new Intl.NumberFormat("en-US");

/**
 * Return a number as people write it: three digits (or `digits`), thousands grouped; else a dash.
 *
 * @param {number | null | undefined} value
 */
export function number(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "\u2013";
  if (Number.isInteger(value))
    return Math.abs(value) < 1000 ? String(value) : GROUPED.format(value);
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5
    ? Number(value.toPrecision(digits)).toString()
    : value.toExponential(1);
}

/** Return "1 stream", "2 streams". */
export function counted(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/**
 * Write an element's text only if it differs: writing an equal text would cost a layout too.
 *
 * @param {Element} el
 * @param {string} text
 */
export function setText(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

/**
 * Build an element: h("p", {class: "x", text: "t", onclick: fn}, child, ...).
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} options
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, options = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") el.textContent = value;
    else if (name === "class") el.className = value;
    else if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") el[name] = value;
    else el.setAttribute(name, value === true ? "" : value);
  }
  el.append(...children.filter((child) => child !== null && child !== undefined));
  return el;
}
