// The box to ask: a question opens a stream of the running engine.

import { clip, h, oneLine } from "../base/text.js";
import { OWN_KEYS } from "./controls.js";

/** @import { LiveRunView } from "../run/view.js" */

const MOST_CHARS = 200; // the engine's limit of a task, unless its settings say otherwise

export class AskBox {
  /** @param {LiveRunView} view */
  constructor(view) {
    this.view = view;
    const id = `wz-${view.store.uid}-ask`;
    this.input = h("input", {
      type: "text",
      id,
      class: "wr-question",
      maxlength: MOST_CHARS,
      autocomplete: "off",
      placeholder: "a question, then Enter",
      ...OWN_KEYS,
    });
    this.button = h("button", { type: "submit", class: "wz-button", text: "Ask" });
    this.el = h(
      "form",
      { class: "wr-ask", hidden: true },
      h("label", { for: id, text: "Ask the council" }),
      this.input,
      this.button,
    );
    this.el.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
  }

  /** Send the question, and make room for the next one. */
  ask() {
    const { frame, store } = this.view;
    const text = this.input.value.trim();
    if (!text || this.input.disabled) return;
    store.send({ op: "ask", text });
    this.input.value = "";
    frame.status(`Asked: ${oneLine(clip(text, 120))}`);
  }

  /** Show the box where there is or was an engine; it takes questions while the engine runs. */
  show() {
    const { status, isLive } = this.view;
    this.el.hidden = !status;
    this.input.disabled = !isLive;
    this.button.disabled = !isLive;
    this.el.title = isLive ? "" : "Only a running engine can be asked";
  }
}
