// A "?" in a view's header: the words of the view, each in one line.

import { h } from "../base/text.js";
import { GLOSSARY, WORDS } from "./glossary.js";

/** @import { Frame } from "./frame.js" */

/**
 * Add a button that shows what a view's words mean.
 *
 * @param {Frame} frame
 * @param {string} view
 */
export function addHelp(frame, view) {
  const id = `wz-${frame.store.uid}-help`;
  const list = h("dl", { class: "wz-help", id, hidden: true });
  for (const word of WORDS[view])
    list.append(h("dt", { text: word }), h("dd", { text: GLOSSARY[word] }));
  const button = h("button", {
    type: "button",
    class: "wz-button wz-small",
    text: "?",
    title: "What the words of this view mean",
    "aria-label": "What the words of this view mean",
    "aria-expanded": "false",
    "aria-controls": id,
    onclick: () => show(Boolean(list.hidden)),
  });
  /** @type {(isOpen: boolean) => void} */
  const show = (isOpen) => {
    list.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
  };
  const onkey = (event) => {
    if (event.key !== "Escape" || list.hidden) return;
    event.stopPropagation();
    show(false);
    button.focus();
  };
  for (const el of [button, list]) el.addEventListener("keydown", onkey);
  frame.tools.prepend(button);
  frame.header.after(list);
}
