// TokenText: the context as text. Landmarks follow k here; thoughts stand in the margin where they entered.

import { select, slider } from "../base/controls.js";
import { widget } from "../base/frame.js";
import { Landmarks } from "../base/landmarks.js";
import { SvgPen } from "../base/pen.js";
import { quantiles } from "../base/ramp.js";
import { counted, h, number, oneLine, setText, visible } from "../base/text.js";
import { Flow } from "./token_flow.js";

const TINTS = [
  ["none", "no tint"],
  ["received", "attention received"],
  ["distance", "distance to landmark"],
];

class TokenText {
  constructor(frame, store) {
    this.frame = frame;
    this.store = store;
    this.marks = new Landmarks(store);
    this.scroller = h("div", { class: "wz-scroller" });
    this.scroller.style.height = `${store.get("height") ?? 460}px`; // more where a taller neighbour gives room
    frame.body.append(this.scroller);
    this.flow = new Flow(this.scroller);
    this.margin = h("aside", { class: "wz-margin", "aria-label": "Injected thoughts" });
    this.scroller.append(this.margin);
    this.kept = new Set();
    this.chosen = new Set();
    this.cursor = -1;
    this.wire();
  }

  wire() {
    const { el } = this.flow;
    el.addEventListener("click", (event) => this.click(event));
    el.addEventListener("mouseup", () => {
      const range = this.flow.selectedRange();
      if (range.length > 1) this.choose(range);
    });
    el.addEventListener("mouseover", (event) => this.point(this.flow.tokenAt(event)));
    el.addEventListener("keydown", (event) => this.key(event));
    const observer = new ResizeObserver(() => this.placeNotes());
    observer.observe(this.scroller);
    this.frame.cleanup(() => observer.disconnect());
  }

  click(event) {
    const t = this.flow.tokenAt(event);
    if (t < 0 || this.flow.selectedRange().length > 1) return;
    this.cursor = t;
    const more = event.ctrlKey || event.metaKey;
    const next = more ? new Set(this.chosen) : new Set();
    if (this.chosen.has(t) && (more || this.chosen.size === 1)) next.delete(t);
    else next.add(t);
    this.choose([...next]);
  }

  choose(tokens) {
    this.local = true;
    this.store.set(
      "selection",
      [...new Set(tokens)].sort((a, b) => a - b),
    );
    this.local = false;
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 12, ArrowUp: -12 }[event.key];
    if (step) {
      this.cursor = Math.min(Math.max(this.cursor + step, 0), this.flow.num - 1);
      this.flow.reveal(this.cursor);
      this.point(this.cursor);
    } else if (event.key === "Enter" || event.key === " ") {
      const next = new Set(this.chosen);
      if (next.has(this.cursor)) next.delete(this.cursor);
      else next.add(this.cursor);
      this.choose([...next]);
    } else if (event.key === "Escape") this.choose([]);
    else return;
    event.preventDefault();
  }

  /** Point at a token: outline it and say what is known of it. */
  point(t) {
    if (t === this.pointed) return;
    this.flow.spans[this.pointed]?.classList.remove("wz-cursor");
    this.pointed = t;
    if (t < 0) return;
    this.flow.spans[t]?.classList.add("wz-cursor");
    const { marks, store } = this;
    const facts = [`token ${number(t)}`, `attention ${number(store.array("received")[t], 2)}`];
    if (marks.has(t)) facts.push(`landmark, pick ${marks.rank[t] + 1}`);
    else if (t < marks.count) facts.push(`${number(marks.far[t])} from landmark ${marks.near[t]}`);
    this.frame.status(`${oneLine(store.data.tokens[t] ?? "")} \u2013 ${facts.join(", ")}`);
  }

  refresh({ full, changed }) {
    const { store } = this;
    if (full || changed.has("tokens")) {
      const wrote = this.flow.write(
        store.data.tokens ?? [],
        store.array("kind"),
        store.data.kind_names ?? ["text"],
      );
      if (wrote) [this.kept, this.chosen] = [new Set(), new Set()]; // new spans carry no marks yet
    }
    if (full || changed.has("order") || changed.has("chain_start")) this.marks.read();
    if (full || changed.has("notes")) this.writeNotes();
    this.follow();
    this.showSelection();
  }

  /** Follow k: mark the landmarks, tint the rest. */
  follow() {
    const { store, marks } = this;
    marks.use(store.get("k"));
    if (this.shownOrder === marks.order && this.kept.size === this.shownK)
      this.turn(marks.order, this.shownK, marks.k);
    else
      this.kept = this.flow.mark("wz-landmark", new Set(marks.order.slice(0, marks.k)), this.kept);
    [this.shownOrder, this.shownK] = [marks.order, this.kept.size];
    this.tint();
    this.frame.later("describe", () => this.describe());
  }

  /** The first `k` of one ranking instead of the first `before`: only the landmarks in between change. */
  turn(order, before, k) {
    for (let r = Math.min(before, k); r < Math.max(before, k); r += 1) {
      this.flow.spans[order[r]]?.classList.toggle("wz-landmark", k > before);
      if (k > before) this.kept.add(order[r]);
      else this.kept.delete(order[r]);
    }
  }

  tint() {
    const mode = this.store.get("tint");
    const level =
      mode === "received"
        ? quantiles(this.store.array("received"))
        : mode === "distance"
          ? this.marks.far.map((d) => d / (this.marks.radius || 1))
          : null;
    if (!level && !this.tinted) return;
    this.tinted = Boolean(level);
    this.flow.spans.forEach((span, t) => {
      const v = level ? Math.min(Math.max(level[t] ?? 0, 0), 1) : 0;
      span.style.backgroundColor =
        v > 0.02 ? `color-mix(in srgb, var(--wz-accent) ${Math.round(v * 42)}%, transparent)` : "";
    });
  }

  showSelection() {
    const next = new Set(this.store.get("selection"));
    const fresh = [...next].find((t) => !this.chosen.has(t));
    this.chosen = this.flow.mark("wz-chosen", next, this.chosen);
    this.flow.el.classList.toggle("wz-dim", next.size > 0);
    if (!this.local && fresh !== undefined) this.flow.reveal(fresh);
    this.frame.later("describe", () => this.describe());
  }

  describe() {
    const { store, marks } = this;
    const facts = [counted(this.flow.num, "token"), counted(marks.k, "landmark")];
    if (this.chosen.size) facts.push(`${number(this.chosen.size)} selected`);
    if (store.data.notes?.length)
      facts.push(`${counted(store.data.notes.length, "thought")} in the margin`);
    setText(this.frame.meta, facts.join(" \u00b7 "));
    this.frame.summary(`${store.data.summary ?? ""} ${facts.join(", ")}.`);
  }

  writeNotes() {
    const notes = this.store.data.notes ?? [];
    this.scroller.classList.toggle("wz-has-notes", notes.length > 0);
    this.margin.replaceChildren(
      ...notes.map((note) => {
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
        el.addEventListener("click", () => {
          this.flow.reveal(note.token);
          this.choose([note.token]);
        });
        return el;
      }),
    );
    for (const note of notes) this.flow.spans[note.token]?.classList.add("wz-anchor");
    this.placeNotes();
  }

  /** Set every note beside its token, below the note before it. */
  placeNotes() {
    const top = this.flow.el.getBoundingClientRect().top;
    let free = 0;
    (this.store.data.notes ?? []).forEach((note, i) => {
      const el = this.margin.children[i];
      const span = this.flow.spans[note.token];
      if (!el || !span) return;
      const y = Math.max(span.getBoundingClientRect().top - top, free);
      el.style.top = `${y}px`;
      free = y + el.offsetHeight + 6;
    });
    this.margin.style.minHeight = `${free}px`;
  }
}

/** Cut text into pieces of which each fits a line of its own: one, but for the longest tokens. */
function fitting(pen, text, size, room) {
  const width = pen.measure(text, { size });
  if (width <= room) return [text];
  const [chars, pieces] = [Array.from(text), []];
  const guess = Math.ceil((chars.length * room) / width) * 2;
  for (let from = 0, count = 1; from < chars.length; from += count) {
    count = Math.min(guess, chars.length - from);
    while (count > 1 && pen.measure(chars.slice(from, from + count).join(""), { size }) > room)
      count -= Math.ceil(count / 20);
    pieces.push(chars.slice(from, from + count).join(""));
  }
  return pieces;
}

/** The text as a picture: wrapped lines, landmarks underlined and bold, for SVG and PNG. */
function textDrawing(view) {
  const [size, line, width, most] = [13, 20, 760, 4000];
  const { store } = view;
  const layout = (pen, draw) => {
    let [x, y] = [16, 24];
    const tokens = store.data.tokens ?? [];
    tokens.slice(0, most).forEach((token, t) => {
      token.split("\n").forEach((part, i) => {
        if (i) {
          x = 16;
          y += line;
        }
        for (const text of fitting(pen, oneLine(part), size, width - 32)) {
          const w = pen.measure(text, { size });
          if (x + w > width - 16) {
            x = 16;
            y += line;
          }
          if (draw) drawToken(view, pen, t, text, x, y, w, size);
          x += w;
        }
      });
    });
    if (tokens.length <= most) return y + line;
    if (draw)
      pen.text(
        16,
        y + 2 * line,
        `showing the first ${number(most)} of ${number(tokens.length)} tokens`,
        { size: 11, fill: view.frame.theme.soft },
      );
    return y + 3 * line;
  };
  return {
    width,
    get height() {
      return layout(new SvgPen(view.frame.theme, width, 0), false);
    },
    draw: (pen) => layout(pen, true),
  };
}

function drawToken(view, pen, t, text, x, y, w, size) {
  const theme = view.frame.theme;
  if (view.chosen.has(t)) pen.rect(x, y - size, w, size + 5, { fill: theme.yellow, alpha: 0.45 });
  pen.text(x, y, text, { size, fill: theme.ink });
  if (view.kept.has(t)) pen.line(x, y + 3, x + w, y + 3, { stroke: theme.mark, width: 2 });
}

function mountText(frame, store) {
  const view = new TokenText(frame, store);
  const k = slider(frame, {
    label: "k",
    trait: "k",
    min: 1,
    max: Math.max(1, store.array("order").length),
    format: (v) => String(v),
  });
  select(frame, { label: "tint", trait: "tint", options: TINTS });
  frame.cleanup(
    store.on("data", (change) => {
      k.range(1, Math.max(1, store.array("order").length));
      view.refresh(change);
    }),
  );
  frame.cleanup(store.on("change:k", () => view.follow()));
  frame.cleanup(store.on("change:tint", () => view.tint()));
  frame.cleanup(store.on("change:selection", () => view.showSelection()));
  frame.drawings.push(textDrawing(view));
  frame.table = () =>
    (store.data.tokens ?? []).map((text, token) => ({
      token,
      text,
      landmark: view.kept.has(token),
      received: store.array("received")[token],
      selected: view.chosen.has(token),
    }));
  view.refresh({ full: true, changed: new Set() });
}

export default widget(mountText);
