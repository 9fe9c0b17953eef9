// A whole frame as one picture: its title, its canvases and drawings, and its summary in words.

import { CanvasPen, context2d, newCanvas } from "../base/pen.js";
import { escapeXml, SvgPen } from "../base/svg_pen.js";
import { oneLine, visible } from "../base/text.js";

/**
 * @import { Drawing, Frame } from "./frame.js"
 * @import { Pen } from "../base/pen.js"
 * @import { Plot } from "./plot.js"
 *
 * @typedef {{ drawing: Plot | Drawing, x: number, y: number }} Part
 */

const TOP = 30; // the title's room
const LEAST_WIDTH = 320;
const LINE = 15;
const MOST_LINES = 4;
const LETTER = 5.7; // the mean width of a letter of 11 pixels
const MOST_PIXELS = 16000; // along one side of a canvas, in every browser

/** @type {(drawing: Plot | Drawing) => number} */
function heightOf(drawing) {
  return "tall" in drawing ? drawing.tall : drawing.height;
}

/**
 * Return what a frame shows and how large it is: its canvases as they stand, then its drawings.
 *
 * @param {Frame} frame
 */
function layOut(frame) {
  const origin = frame.body.getBoundingClientRect();
  /** @type {Part[]} */
  const parts = frame.plots
    .filter((plot) => plot.canvas.isConnected && plot.width > 0)
    .map((plot) => {
      const box = plot.canvas.getBoundingClientRect();
      return { drawing: plot, x: box.left - origin.left, y: box.top - origin.top + TOP };
    });
  let low = Math.max(TOP, ...parts.map(({ drawing, y }) => y + heightOf(drawing)));
  for (const drawing of frame.drawings) {
    parts.push({ drawing, x: 0, y: low });
    low += drawing.height;
  }
  const widths = frame.drawings.map((drawing) => drawing.width);
  if (frame.plots.length) widths.push(origin.width);
  const width = Math.round(Math.max(...widths, LEAST_WIDTH));
  const height = Math.round(low);
  const words = wrap(oneLine(frame.summaryText), width);
  return { parts, width, height, words, tall: height + 12 + words.length * LINE };
}

/** @type {(text: string, width: number) => string[]} */
function wrap(text, width) {
  const most = Math.max(40, Math.floor((width - 24) / LETTER));
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.length - 1;
    if (lines[last].length + word.length + 1 > most && lines[last]) lines.push(word);
    else lines[last] = `${lines[last]} ${word}`.trim();
  }
  return lines.slice(0, MOST_LINES);
}

/** @type {(pen: Pen, words: string[], height: number) => void} */
function drawWords(pen, words, height) {
  const style = { size: 11, fill: pen.theme.soft };
  words.forEach((line, i) => pen.text(12, height + 12 + i * LINE, line, style));
}

/**
 * Return a frame as one SVG document, with its provenance as metadata.
 *
 * @param {Frame} frame
 */
export function frameSvg(frame) {
  const { theme } = frame;
  const { parts, width, height, words, tall } = layOut(frame);
  const drawn = parts.map(({ drawing, x, y }) => {
    const pen = new SvgPen(theme, drawing.width, heightOf(drawing));
    drawing.draw(pen, drawing.width, heightOf(drawing), theme);
    return pen.group(x, y);
  });
  const pen = new SvgPen(theme, width, tall);
  pen.text(12, 20, frame.title, { size: 14, weight: 600 });
  drawWords(pen, words, height);
  const size = `width="${width}" height="${tall}" viewBox="0 0 ${width} ${tall}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`,
    `<title>${escapeXml(frame.title)}</title>`,
    `<desc>${escapeXml(visible(frame.summaryText))}</desc>`,
    `<metadata>${escapeXml(JSON.stringify(frame.provenance()))}</metadata>`,
    `<rect width="100%" height="100%" fill="${escapeXml(theme.surface)}"/>`,
    ...drawn,
    ...pen.parts,
    "</svg>",
    "",
  ].join("\n");
}

/**
 * Return a frame as a PNG of at least two pixels per CSS pixel.
 *
 * @param {Frame} frame
 * @returns {Promise<Blob>}
 */
export function framePng(frame) {
  const { theme } = frame;
  const { parts, width, height, words, tall } = layOut(frame);
  const ratio = Math.min(Math.max(2, window.devicePixelRatio || 1), MOST_PIXELS / tall);
  const canvas = newCanvas(width * ratio, tall * ratio);
  const context = context2d(canvas);
  context.scale(ratio, ratio);
  context.fillStyle = theme.surface;
  context.fillRect(0, 0, width, tall);
  const pen = new CanvasPen(context, theme, ratio);
  drawWords(pen, words, height);
  pen.text(12, 20, frame.title, { size: 14, weight: 600 });
  for (const { drawing, x, y } of parts) {
    context.save();
    context.translate(x, y);
    drawing.draw(pen, drawing.width, heightOf(drawing), theme);
    context.restore();
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error(`a picture of ${width} by ${tall} pixels is too large`));
    }, "image/png");
  });
}
