// Colours: Okabe and Ito's palette for things with names, the rest from the theme of the page.

export const PALETTE = {
  blue: "#0072B2",
  orange: "#E69F00",
  green: "#009E73",
  vermilion: "#D55E00",
  sky: "#56B4E9",
  purple: "#CC79A7",
  yellow: "#F0E442",
  grey: "#8A8F98",
};
// A mark needs a contrast of 3 to its ground: on white, the bright colours are darkened.
const PALETTE_LIGHT = {
  ...PALETTE,
  orange: "#C07F00",
  sky: "#3A94CC",
  yellow: "#A08F00",
  purple: "#C4689A",
};
const PALETTE_DARK = { ...PALETTE, blue: "#4FA3DC", green: "#2BC39A", vermilion: "#F0813A" };
const CATEGORIES = ["blue", "orange", "green", "vermilion", "purple", "sky", "yellow", "grey"];

/**
 * @typedef {ReturnType<typeof themeOf>} Theme
 */

/**
 * Return the colours and fonts of a view at this place of the page, for a light or a dark theme.
 *
 * @param {Element} el
 */
export function themeOf(el) {
  const style = getComputedStyle(el);
  /** @type {(name: string, fallback: string) => string} */
  const get = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const dark = luminance(style.backgroundColor) < 0.5;
  const palette = dark ? PALETTE_DARK : PALETTE_LIGHT;
  return {
    dark,
    palette,
    ...palette,
    ink: style.color,
    soft: dark ? "#A9B1BC" : "#5A626D",
    faint: dark ? "#8E97A3" : "#6A717C",
    line: dark ? "#3A414B" : "#D9DDE3",
    grid: dark ? "#272C34" : "#EEF0F3",
    surface: style.backgroundColor,
    accent: palette.blue,
    mark: palette.vermilion,
    font: get("--wz-font", "system-ui, sans-serif"),
    mono: get("--wz-mono", "ui-monospace, Menlo, monospace"),
    categories: CATEGORIES.map((name) => palette[name]),
  };
}

/** Return how bright a CSS colour is, 0 to 1; a transparent one counts as the system's. */
function luminance(color) {
  const parts = (color.match(/[\d.]+/g) || []).map(Number);
  if (parts.length < 3 || parts[3] === 0)
    return matchMedia("(prefers-color-scheme: dark)").matches ? 0 : 1;
  return (0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]) / 255;
}

/**
 * Call back whenever JupyterLab, the page or the system changes its theme; returns how to stop.
 *
 * @param {() => void} callback
 */
export function watchTheme(callback) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const later = () => requestAnimationFrame(callback);
  const observer = new MutationObserver(later);
  const filter = {
    attributes: true,
    attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "data-theme", "class"],
  };
  observer.observe(document.body, filter);
  observer.observe(document.documentElement, filter);
  media.addEventListener("change", later);
  return () => {
    observer.disconnect();
    media.removeEventListener("change", later);
  };
}

// Made once: it is asked at every frame.
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

/** Return whether the reader's system allows motion. */
export function motionOk() {
  return !CALM.matches;
}
