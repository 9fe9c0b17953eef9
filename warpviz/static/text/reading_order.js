// Where the pieces of a line stand, so that a run from right to left is read as written.

// Letters that are written from right to left, and any letter.
const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const ANY_LETTER = /\p{L}/u;

/**
 * Return the direction of a text's first letter, empty without a letter.
 *
 * @returns {"rtl" | "ltr" | ""}
 */
export function directionOf(text) {
  const letter = ANY_LETTER.exec(text);
  if (!letter) return "";
  return RIGHT_TO_LEFT.test(letter[0]) ? "rtl" : "ltr";
}

/**
 * Return the pieces of a line with the places from which a reader reads them: those of a run from
 * right to left are mirrored in their room, a leading space comes to stand at their right.
 *
 * @template {{ x: number, w: number, text: string }} Piece
 * @param {Piece[]} line pieces from left to right
 * @returns {Piece[]}
 */
export function inReadingOrder(line) {
  const directions = line.map((piece) => directionOf(piece.text));
  const placed = [...line];
  for (let first = 0; first < line.length; first += 1) {
    if (directions[first] !== "rtl") continue;
    let last = first;
    for (let i = first; i < line.length && directions[i] !== "ltr"; i += 1)
      if (directions[i] === "rtl") last = i;
    const ends = 2 * line[first].x;
    const room = line[last].x + line[last].w - line[first].x;
    for (let i = first; i <= last; i += 1) {
      const { x, w, text } = line[i];
      const body = text.trimStart();
      const turned = body + text.slice(0, text.length - body.length);
      placed[i] = { ...line[i], x: ends + room - x - w, text: turned };
    }
    first = last;
  }
  return placed;
}
