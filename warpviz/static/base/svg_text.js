// Text that is part of the page, drawn by a pen: SVG and PNG files then hold what the screen shows.

import { clip } from "./text.js";

/** @import { Pen } from "./pen.js" */

/**
 * Draw every `[data-svg-text]` element below `root` that is not scrolled out of sight.
 *
 * @param {Pen} pen
 * @param {Element} root
 * @param {DOMRect} origin the box that (0, 0) of the picture is the top left corner of
 */
export function svgText(pen, root, origin) {
  for (const el of root.querySelectorAll("[data-svg-text]")) {
    const box = el.getClientRects()[0];
    const parent = el.parentElement;
    if (!box?.width || !parent || !el.textContent.trim()) continue;
    const frame = el
      .closest(".wr-scroll, .wr-thought, .wr-card, .wr-side")
      ?.getBoundingClientRect();
    if (frame && (box.top < frame.top - 2 || box.bottom > frame.bottom + 2)) continue;
    const style = getComputedStyle(el);
    const size = parseFloat(style.fontSize);
    const x = box.left - origin.left;
    const y = box.top - origin.top;
    svgBackground(pen, style, x, y, box);
    const alpha = Number(style.opacity) * Number(getComputedStyle(parent).opacity);
    const most = Math.max(1, Math.floor(box.width / (size * 0.42)));
    pen.text(x, y + box.height / 2, clip(el.textContent, most).trimEnd(), {
      size,
      fill: style.color,
      weight: Number(style.fontWeight) || 400,
      baseline: "middle",
      alpha,
    });
  }
}

/** Draw what a style paints behind and below a text: its background and its underline. */
function svgBackground(pen, style, x, y, box) {
  if (style.backgroundColor && !/, 0\)$|transparent|\/ 0\)$/.test(style.backgroundColor))
    pen.rect(x, y, box.width, box.height, { fill: style.backgroundColor });
  if (style.textDecorationLine.includes("underline"))
    pen.line(x, y + box.height - 2, x + box.width, y + box.height - 2, {
      stroke: style.textDecorationColor,
      width: 1.5,
    });
}
