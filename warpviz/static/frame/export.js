// The export menu: a kernel writes the file next to the notebook; without one it is downloaded.

import { WARPVIZ } from "../base/store.js";
import { h, visible } from "../base/text.js";
import { framePng, frameSvg } from "./pictures.js";

/** @import { Frame } from "./frame.js" */

const EXPORTS = [
  ["png", "PNG"],
  ["svg", "SVG"],
  ["html", "HTML"],
  ["csv", "CSV"],
  ["json", "JSON"],
];
const REVOKE_MS = 10000; // by then the browser has read the download

/**
 * Add the export menu to a frame's header: one stop of the Tab key while it is closed.
 *
 * @param {Frame} frame
 */
export function addExports(frame) {
  const bar = h("div", { class: "wz-exports", role: "group", "aria-label": "Export" });
  const name = h("summary", { class: "wz-button wz-small", text: "Save as" });
  const menu = h("details", { class: "wz-menu" }, name, bar);
  const close = () => {
    menu.open = false;
  };
  for (const [kind, label] of EXPORTS) {
    const el = h("button", {
      type: "button",
      class: "wz-export",
      "data-export": kind,
      text: label,
      title: `Save as ${label}`,
    });
    el.addEventListener("click", () => {
      close();
      frame.guard(() => exportAs(frame, kind));
    });
    bar.append(el);
  }
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !menu.contains(event.relatedTarget)) close();
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    close();
    name.focus();
  });
  frame.tools.append(menu);
  frame.cleanup(frame.store.on("saved", (path) => frame.status(`Saved ${path}`)));
}

/** @type {(frame: Frame, kind: string) => Promise<void>} */
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

/** @type {(frame: Frame, kind: string) => Promise<Blob>} */
async function contentOf(frame, kind) {
  if (kind === "svg") return new Blob([frameSvg(frame)], { type: "image/svg+xml" });
  if (kind === "png") return framePng(frame);
  if (kind === "html") return new Blob([WARPVIZ.pageSource ?? ""], { type: "text/html" });
  const rows = frame.table();
  const provenance = frame.provenance();
  if (kind === "json") {
    const record = { provenance, summary: visible(frame.summaryText), rows };
    return new Blob([JSON.stringify(record, null, 1)], { type: "application/json" });
  }
  return new Blob([`# ${JSON.stringify(provenance)}\n${csvOf(rows)}`], { type: "text/csv" });
}

/** @type {(rows: Record<string, any>[]) => string} */
function csvOf(rows) {
  const names = Object.keys(rows[0] ?? {});
  const cell = (value) => {
    const text = String(value ?? "");
    return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  const lines = rows.map((row) => names.map((name) => cell(row[name])).join(","));
  return [names.join(","), ...lines].join("\n");
}

/** @type {(frame: Frame, kind: string, blob: Blob) => void} */
function download(frame, kind, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: `${frame.stem}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_MS);
  frame.status(`Downloaded ${frame.stem}.${kind}`);
}
