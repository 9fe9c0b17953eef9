// Export buttons: with a kernel the file is written beside the notebook, without one it is a download.

import { CanvasPen, escapeXml, SvgPen } from "./pen.js";
import { WARPVIZ } from "./store.js";
import { h, oneLine, visible } from "./text.js";

const EXPORTS = [
  ["png", "PNG"],
  ["svg", "SVG"],
  ["html", "HTML"],
  ["csv", "CSV"],
  ["json", "JSON"],
];

/** Add the export buttons to a frame's header. */
export function addExports(frame) {
  const bar = h("div", { class: "wz-exports", role: "group", "aria-label": "Export" });
  for (const [kind, label] of EXPORTS) {
    const el = h("button", {
      type: "button",
      class: "wz-export",
      "data-export": kind,
      text: label,
      title: `Save as ${label}`,
    });
    el.addEventListener("click", () => frame.guard(() => exportAs(frame, kind)));
    bar.append(el);
  }
  frame.header.append(bar);
  frame.cleanup(frame.store.on("saved", (path) => frame.status(`Saved ${path}`)));
}

async function exportAs(frame, kind) {
  if (kind === "html" && frame.store.lost) {
    frame.status("Only the kernel writes pages");
    return;
  }
  if (!frame.store.live) {
    download(frame, kind, await contentOf(frame, kind));
    return;
  }
  frame.status(`Saving ${kind.toUpperCase()}\u2026`);
  if (kind === "svg" || kind === "png") {
    const bytes = new Uint8Array(await (await contentOf(frame, kind)).arrayBuffer());
    frame.store.send({ op: "export", kind }, [bytes]);
  } else {
    frame.store.send({ op: "export", kind });
  }
}

async function contentOf(frame, kind) {
  if (kind === "svg") return new Blob([frameSvg(frame)], { type: "image/svg+xml" });
  if (kind === "png") return framePng(frame);
  if (kind === "html") return new Blob([WARPVIZ.pageSource ?? ""], { type: "text/html" });
  const rows = frame.table();
  if (kind === "json")
    return new Blob(
      [
        JSON.stringify(
          { provenance: frame.provenance(), summary: visible(frame.summaryText), rows },
          null,
          1,
        ),
      ],
      { type: "application/json" },
    );
  return new Blob([`# ${JSON.stringify(frame.provenance())}\n${csvOf(rows)}`], {
    type: "text/csv",
  });
}

function csvOf(rows) {
  const names = Object.keys(rows[0] ?? {});
  const cell = (value) =>
    /[",\n\r]/.test(String(value ?? ""))
      ? `"${String(value).replace(/"/g, '""')}"`
      : String(value ?? "");
  return [
    names.join(","),
    ...rows.map((row) => names.map((name) => cell(row[name])).join(",")),
  ].join("\n");
}

function download(frame, kind, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: `${frame.stem}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  frame.status(`Downloaded ${frame.stem}.${kind}`);
}

/** Return what a frame shows as boxes [drawing, x, y] and their extent: its canvases, then its further drawings. */
function drawnBoxes(frame) {
  const origin = frame.body.getBoundingClientRect();
  const boxes = frame.plots
    .filter((plot) => plot.canvas.isConnected && plot.width > 0)
    .map((plot) => {
      const box = plot.canvas.getBoundingClientRect();
      return [plot, box.left - origin.left, box.top - origin.top + 30];
    });
  let low = Math.max(30, ...boxes.map(([plot, , y]) => y + plot.tall));
  for (const drawing of frame.drawings) {
    boxes.push([drawing, 0, low]);
    low += drawing.height;
  }
  const width = Math.max(
    ...(frame.plots.length ? [origin.width] : []),
    ...frame.drawings.map((d) => d.width),
    320,
  );
  return { boxes, width: Math.round(width), height: Math.round(low) };
}

/** Return what a view shows in words, wrapped to a width, as drawings below it. */
function footer(frame, width) {
  const most = Math.max(40, Math.floor((width - 24) / 5.7));
  const lines = [""];
  for (const word of oneLine(frame.summaryText).split(" ")) {
    const last = lines.length - 1;
    if (lines[last].length + word.length + 1 > most && lines[last]) lines.push(word);
    else lines[last] = `${lines[last]} ${word}`.trim();
  }
  return lines.slice(0, 4);
}

/** Return a frame as one SVG document: title, pictures as they stand on screen, provenance. */
function frameSvg(frame) {
  const { boxes, width, height } = drawnBoxes(frame);
  const parts = boxes.map(([drawing, x, y]) => {
    const pen = new SvgPen(frame.theme, drawing.width, drawing.tall ?? drawing.height);
    drawing.draw(pen, drawing.width, drawing.tall ?? drawing.height, frame.theme);
    return pen.group(x, y);
  });
  const words = footer(frame, width);
  const tall = height + 12 + words.length * 15;
  const pen = new SvgPen(frame.theme, width, tall);
  words.forEach((line, i) =>
    pen.text(12, height + 12 + i * 15, line, { size: 11, fill: frame.theme.soft }),
  );
  const font = escapeXml(frame.theme.font);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${tall}" viewBox="0 0 ${width} ${tall}" role="img">`,
    `<title>${escapeXml(frame.title)}</title><desc>${escapeXml(visible(frame.summaryText))}</desc>`,
    `<metadata>${escapeXml(JSON.stringify(frame.provenance()))}</metadata>`,
    `<rect width="100%" height="100%" fill="${escapeXml(frame.theme.surface)}"/>`,
    `<text x="12" y="20" font-family="${font}" font-size="14" font-weight="600" fill="${escapeXml(frame.theme.ink)}">${escapeXml(oneLine(frame.title))}</text>`,
    ...parts,
    ...pen.parts,
    "</svg>",
    "",
  ].join("\n");
}

function framePng(frame) {
  const { boxes, width, height } = drawnBoxes(frame);
  const words = footer(frame, width);
  const tall = height + 12 + words.length * 15;
  const ratio = Math.min(Math.max(2, window.devicePixelRatio || 1), 16000 / tall);
  const canvas = Object.assign(document.createElement("canvas"), {
    width: width * ratio,
    height: tall * ratio,
  });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = frame.theme.surface;
  context.fillRect(0, 0, width, tall);
  const pen = new CanvasPen(context, frame.theme, ratio);
  words.forEach((line, i) =>
    pen.text(12, height + 12 + i * 15, line, { size: 11, fill: frame.theme.soft }),
  );
  pen.text(12, 20, frame.title, { size: 14, weight: 600 });
  for (const [drawing, x, y] of boxes) {
    context.save();
    context.translate(x, y);
    drawing.draw(pen, drawing.width, drawing.tall ?? drawing.height, frame.theme);
    context.restore();
  }
  return new Promise((resolve) => {
    canvas.toBlob(resolve, "image/png");
  });
}
