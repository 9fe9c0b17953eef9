// Text that lives in the page, drawn by a pen: pictures and SVG files hold what the screen shows.

import { clip } from "./text.js";

/** Draw every `[data-ink]` element below `root` whose box lies inside its scroller, relative to `origin` (a DOMRect). */
export function inkText(pen, root, origin, theme) {
  for (const el of root.querySelectorAll("[data-ink]")) {
    const box = el.getClientRects()[0];
    if (!box || !box.width || !el.textContent.trim()) continue;
    const frame = el
      .closest(".wr-scroll, .wr-thought, .wr-lane, .wr-side")
      ?.getBoundingClientRect();
    if (frame && (box.top < frame.top - 2 || box.bottom > frame.bottom + 2)) continue;
    const style = getComputedStyle(el);
    const size = parseFloat(style.fontSize);
    const [x, y] = [box.left - origin.left, box.top - origin.top];
    inkBackground(pen, style, x, y, box);
    const alpha = Number(style.opacity) * Number(getComputedStyle(el.parentElement).opacity);
    const most = Math.max(1, Math.floor(box.width / (size * 0.42)));
    pen.text(x, y + box.height / 2, clip(el.textContent, most).trimEnd(), {
      size,
      fill: style.color,
      weight: Number(style.fontWeight) || 400,
      baseline: "middle",
      alpha,
    });
  }
  return theme;
}

function inkBackground(pen, style, x, y, box) {
  if (style.backgroundColor && !/, 0\)$|transparent|\/ 0\)$/.test(style.backgroundColor))
    pen.rect(x, y, box.width, box.height, { fill: style.backgroundColor });
  if (style.textDecorationLine.includes("underline"))
    pen.line(x, y + box.height - 2, x + box.width, y + box.height - 2, {
      stroke: style.textDecorationColor,
      width: 1.5,
    });
}
