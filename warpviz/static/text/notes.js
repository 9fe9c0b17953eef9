// Notes in the margin: each injected thought at the token after which it entered the text.

import { h, number, visible } from "../base/text.js";

/**
 * @import { Flow } from "./token_flow.js"
 *
 * @typedef {object} Note
 * @property {number} token
 * @property {string} text
 * @property {number | null} stream
 * @property {number | null} similarity
 * @property {boolean} revoked
 */

const GAP = 6; // pixels between two notes

export class Notes {
  /**
   * @param {Flow} flow
   * @param {(note: Note) => void} onchoose called when a note is clicked
   */
  constructor(flow, onchoose) {
    this.flow = flow;
    this.onchoose = onchoose;
    /** @type {{ note: Note, el: HTMLElement }[]} */
    this.shown = [];
    this.el = h("aside", { class: "wz-margin", "aria-label": "Injected thoughts" });
  }

  /** @param {Note[]} notes */
  write(notes) {
    this.shown = notes.map((note) => ({ note, el: this.make(note) }));
    this.el.replaceChildren(...this.shown.map(({ el }) => el));
    for (const { token } of notes) this.flow.spans[token]?.classList.add("wz-anchor");
    this.place();
  }

  /** @param {Note} note */
  make(note) {
    const facts = [
      note.stream === null ? null : `stream ${note.stream}`,
      note.similarity === null ? null : `similarity ${number(note.similarity, 2)}`,
      note.revoked ? "revoked" : null,
    ];
    const el = h(
      "button",
      { type: "button", class: `wz-note${note.revoked ? " wz-revoked" : ""}` },
      h("span", { class: "wz-note-text", text: visible(note.text) }),
      h("span", { class: "wz-note-facts", text: facts.filter(Boolean).join(" \u00b7 ") }),
    );
    el.addEventListener("click", () => this.onchoose(note));
    return el;
  }

  /** Set every note at the height of its token, or below the note before it. */
  place() {
    const { top } = this.flow.el.getBoundingClientRect();
    let free = 0;
    for (const { note, el } of this.shown) {
      const span = this.flow.spans[note.token];
      if (!span) continue;
      const y = Math.max(span.getBoundingClientRect().top - top, free);
      el.style.top = `${y}px`;
      free = y + el.offsetHeight + GAP;
    }
    this.el.style.minHeight = `${free}px`;
  }
}
