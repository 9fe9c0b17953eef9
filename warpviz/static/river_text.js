// The River's text: one span per token, only the last stretch of it in the page, notes of accepted thoughts in its margin.

const TEXT_WINDOW = 1200;
const TEXT_SLACK = 300;
const FRESH_MOST = 12;
const [NOTE_TALL, NOTE_SMALL, NOTE_DRIFT] = [54, 22, 130]; // pixels

class RiverText {
  /** `colorOf(lane)` names a lane's colour; `onnote(lane | null)` is told which note is pointed at. */
  constructor(run, { colorOf, onnote }) {
    Object.assign(this, { run, colorOf, onnote, first: 0, end: 0, spans: [], notes: new Map(), window: TEXT_WINDOW, sticky: true, tinted: new Set() });
    this.more = h("button", { type: "button", class: "wr-more", hidden: true, onclick: () => { this.window *= 2; this.rebuild(this.cursor); } });
    this.text = h("div", { class: "wr-text" }, this.more);
    this.caret = h("span", { class: "wr-caret", "aria-hidden": "true" });
    this.text.append(this.caret);
    this.margin = h("div", { class: "wr-notes" });
    this.scroller = h("div", { class: "wr-scroll", tabindex: 0, role: "log", "aria-live": "off", "aria-label": "River text" }, this.text, this.margin);
    this.back = h("button", { type: "button", class: "wr-back", hidden: true, text: "\u2193 latest", onclick: () => this.stick() });
    this.el = h("div", { class: "wr-river" }, this.scroller, this.back);
    this.scroller.addEventListener("scroll", () => this.onscroll());
    this.cursor = 0;
  }

  onscroll() {
    const s = this.scroller;
    this.sticky = s.scrollHeight - s.scrollTop - s.clientHeight < 28;
    this.back.hidden = this.sticky;
    this.onmoved?.();
  }

  stick() { this.sticky = true; this.scroller.scrollTop = this.scroller.scrollHeight; }

  /** Show the text as it was after `cursor` events. */
  show(cursor) {
    this.cursor = cursor;
    const end = this.run.numTokens(cursor);
    const start = Math.max(0, end - this.window);
    if (end < this.first || start - this.first > TEXT_SLACK || start < this.first) this.rebuild(cursor);
    else {
      const added = end - this.end;
      while (this.end > end) { this.spans.pop().remove(); this.end -= 1; }
      if (added > 0) this.append(end, added <= FRESH_MOST);
    }
    this.mark(cursor);
    this.placeNotes(cursor);
    if (this.sticky) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  rebuild(cursor) {
    this.spans.forEach((span) => span.remove());
    this.spans = [];
    this.tinted.clear();
    this.marked = null;
    this.first = this.end = Math.max(0, this.run.numTokens(cursor) - this.window);
    this.more.hidden = this.first === 0;
    this.more.textContent = `\u25b2 ${number(this.first)} earlier tokens`;
    this.append(this.run.numTokens(cursor), false);
  }

  append(end, fresh) {
    const batch = document.createDocumentFragment();
    for (; this.end < end; this.end += 1) {
      const text = this.run.token(this.end);
      const kind = this.end < this.run.prompt.length ? "wr-tok wr-prompt" : fresh ? "wr-tok wr-fresh" : "wr-tok";
      const span = h("span", { class: kind, text: visible(text), "data-ink": "" });
      this.spans.push(span);
      batch.append(span);
    }
    this.text.insertBefore(batch, this.caret);
  }

  span(index) { return this.spans[index - this.first] ?? null; }

  /** Underline the triggers that have fired and tint tokens by the influence of injected thoughts. */
  mark(cursor, force = false) {
    const key = [this.run.influences.length, this.run.counts(cursor).injected, this.run.counts(cursor).spawned, this.focus, this.first, Math.min(this.end, this.dyedTo ?? 0)].join();
    if (key === this.marked && !force) return;
    this.marked = key;
    this.dyedTo = 0;
    for (const span of this.tinted) { span.removeAttribute("style"); span.classList.remove("wr-trigger", "wr-tint"); span.title = ""; }
    this.tinted.clear();
    for (const lane of this.run.order) {
      if (lane.spawnedAt >= cursor) break;
      if (lane.from < 0 || lane.to < this.first) continue;
      this.dyedTo = Math.max(this.dyedTo, lane.to + 1);
      for (let i = Math.max(lane.from, this.first); i <= lane.to && i < this.end; i += 1) this.dye(this.span(i), "wr-trigger", this.colorOf(lane));
    }
    const { tint, most } = this.run.influence(cursor, this.focus ?? null);
    for (const [index, kl] of tint) {
      this.dyedTo = Math.max(this.dyedTo, index + 1);
      const span = this.span(index);
      if (!span || kl <= 0) continue;
      this.dye(span, "wr-tint");
      span.style.setProperty("--kl", (Math.sqrt(kl / (most || 1)) * 0.55).toFixed(3));
      span.title = `KL ${number(kl)} nats`;
    }
  }

  dye(span, name, color) {
    if (!span) return;
    span.classList.add(name);
    if (color) span.style.setProperty("--lane", color);
    this.tinted.add(span);
  }

  flash(lane) {
    const spans = [];
    for (let i = lane.from; i >= 0 && i <= lane.to; i += 1) if (this.span(i)) spans.push(this.span(i));
    for (const span of spans) span.classList.remove("wr-lit");
    if (spans.length) void spans[0].offsetWidth; // restarts the animation; once, since each asks for a layout
    for (const span of spans) span.classList.add("wr-lit");
  }

  /** Lay the notes beside the token their thought entered at: newest first, older ones move up, shrink, then give way. */
  placeNotes(cursor) {
    const places = new Map(); // all read before the first is written: one layout, not one per note
    let limit = Infinity;
    for (let n = countBelow(this.run.noteAt, cursor) - 1; n >= 0; n -= 1) {
      const lane = this.run.notes[n];
      const anchor = this.span(Math.min(lane.noteToken, this.end) - 1);
      if (!anchor || lane.noteToken < this.first || limit < 30) break;
      const ideal = anchor.offsetTop + anchor.offsetHeight - 24;
      const drift = ideal - (limit - NOTE_TALL);
      if (drift > NOTE_DRIFT * 2) continue;
      const small = drift > NOTE_DRIFT;
      const top = Math.min(ideal, limit - (small ? NOTE_SMALL : NOTE_TALL));
      places.set(lane, { top, small });
      limit = top - 4;
    }
    for (const [lane, place] of places) this.placeNote(lane, place, cursor);
    for (const [lane, note] of this.notes) if (!places.has(lane)) { note.remove(); this.notes.delete(lane); }
  }

  placeNote(lane, { top, small }, cursor) {
    const note = this.notes.get(lane) ?? this.makeNote(lane);
    note.style.top = `${top}px`;
    note.classList.toggle("wr-small", small);
    note.classList.toggle("wr-revoked", lane.revokedAt < cursor);
  }

  makeNote(lane) {
    const note = h("button", { type: "button", class: "wr-note", title: "Show what this thought changed", style: `--lane:${this.colorOf(lane)}` },
      h("span", { class: "wr-note-head", text: `\u2713 #${lane.stream}  ${fixed(lane.similarity)}`, "data-ink": "" }),
      h("span", { class: "wr-note-text", text: oneLine(clip(lane.note.trim(), 90)), "data-ink": "" }));
    const point = (on) => () => { this.focus = on ? lane.injection : null; this.mark(this.cursor, true); this.onnote(on ? lane : null); };
    for (const [name, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) note.addEventListener(name, point(on));
    this.notes.set(lane, note);
    this.margin.append(note);
    return note;
  }

  /** Forget everything drawn; the run has been replaced. */
  reset(run) {
    this.run = run;
    this.notes.forEach((note) => note.remove());
    this.notes.clear();
    this.rebuild(0);
  }
}
