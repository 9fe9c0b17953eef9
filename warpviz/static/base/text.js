// Text is data: it enters the page as text content, never as markup, and hidden characters are made visible.

const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Return text whose control characters show as pictures and whose direction marks show as code points. */
export function visible(text) {
  return String(text).replace(HIDDEN, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x20
      ? String.fromCharCode(0x2400 + code)
      : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/** Return one line for labels: line breaks and tabs too become pictures. */
export function oneLine(text) {
  return visible(text).replace(/\n/g, "\u23ce").replace(/\t/g, "\u21e5");
}

/** Return text cut to a number of characters, with an ellipsis. */
export function clip(text, most) {
  const chars = Array.from(String(text));
  return chars.length <= most ? chars.join("") : `${chars.slice(0, most - 1).join("")}\u2026`;
}

const GROUPED = new Intl.NumberFormat("en-US"); // made once: a locale looked up per number costs more than a drawing

/** Return a number as people write it: four digits, thin groups. */
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

/** Write an element's text if it says something else: an equal text would cost a layout all the same. */
export function setText(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

/** Build an element: h("p", {class: "x", text: "t", onclick: fn}, child, ...). */
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
