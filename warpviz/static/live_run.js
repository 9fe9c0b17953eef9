// LiveRun: the River's text on the left, streams on the right, the gate below, and motion between them.

const CURVE_STEPS = 24;
const MOST_THREADS = 48;
const SETTLE_MS = 340; // cards glide to their seats a little longer than the run moves

/** Return the run behind a store, folded once however many views show it. */
function runOf(store) {
  if (store.source) return store.source;
  const source = (store.source = new Emitter());
  const fill = () => { source.run = new Run(); source.run.push(store.data.rows ?? []); };
  fill();
  store.on("data", ({ full }) => { if (full) { fill(); source.emit("reset"); } else source.emit("status"); });
  store.on("events", (events) => { for (const event of events) source.run.push(event.rows ?? []); source.emit("grown"); });
  return source;
}

class LiveRunView {
  constructor(frame, store) {
    Object.assign(this, { frame, store, source: runOf(store), flights: new Flights(), hidden: new Set(), focus: null, pending: 0, told: 0 });
    this.playhead = new Playhead(this.run, (from, to, jumped) => this.moved(from, to, jumped));
    this.river = new RiverText(this.run, { colorOf: (lane) => laneColor(lane, frame.theme), onnote: (lane) => { this.focus = lane; this.wake(); } });
    this.lanes = new Lanes(this.run, frame.theme);
    this.axis = new GateAxis(this.run);
    this.cloud = new SmallCloud(store);
    this.build();
    this.river.onmoved = () => this.wake();
    frame.cleanup(this.source.on("reset", () => this.reset()));
    frame.cleanup(this.source.on("grown", () => this.grown()));
    frame.cleanup(this.source.on("status", () => this.grown()));
    frame.cleanup(store.on("change:theta", () => this.wake()));
    frame.cleanup(() => cancelAnimationFrame(this.pending));
    frame.onTheme(() => { this.lanes.theme = frame.theme; this.reset(); });
    frame.table = () => this.table();
    this.reset();
  }

  get run() { return this.source.run; }
  get status() { return this.store.data.status ?? ""; }
  get isLive() { return this.status === "running" || this.status === "paused"; }

  build() {
    const { frame } = this;
    frame.root.tabIndex = -1;
    this.gate = h("div", { class: "wr-gate" });
    this.cloudBox = h("div", { class: "wr-cloud", hidden: true });
    this.stage = h("div", { class: "wr-stage" }, this.river.el, this.lanes.el, h("div", { class: "wr-strip" }, this.gate, this.cloudBox));
    frame.body.append(this.stage);
    this.overlay = new Plot(frame, { height: 0, parent: this.stage, label: "Streams between text, gate and margin", draw: (...args) => this.draw(...args) });
    this.overlay.canvas.classList.add("wr-overlay");
    this.overlay.canvas.style.height = "";
    const { playhead } = this;
    const then = (fn) => (...args) => { fn(...args); this.wake(); };
    this.transport = new Transport(frame, { playhead, act: {
      toggle: then(() => (playhead.playing ? playhead.pause() : playhead.play())),
      seek: then((beat) => { playhead.pause(); playhead.seek(beat); }),
      step: then((n) => playhead.step(n)),
      skip: then((n) => playhead.skip(n)),
      speed: then((v) => { playhead.speed = v; }),
      follow: then((on) => { playhead.live = on; if (on) { playhead.seek(Infinity); playhead.play(); this.river.stick(); } else playhead.pause(); }),
      hold: () => this.store.send({ op: this.status === "paused" ? "resume" : "pause" }),
      stop: () => this.store.send({ op: "stop" }),
    } });
    frame.body.append(this.transport.canvas);
    this.watchVisible();
  }

  /** A saved run plays by itself the first time it is seen, if the page asks for it and motion is welcome. */
  watchVisible() {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting) || !this.run.length) return;
      observer.disconnect();
      if (this.store.data.autoplay && !this.isLive && motionOk() && this.playhead.cursor === this.startCursor) { this.playhead.play(); this.wake(); }
    }, { threshold: 0.35 });
    observer.observe(this.stage);
    this.frame.cleanup(() => observer.disconnect());
  }

  /** Begin again with the run as it is in the store. */
  reset() {
    const { playhead } = this;
    const place = playhead.place;
    this.flights.clear();
    this.hidden.clear();
    for (const part of [this.river, this.lanes, this.axis]) part.reset(this.run);
    playhead.run = this.run;
    this.length = this.run.length;
    playhead.live = this.isLive;
    const rest = this.store.data.autoplay && motionOk() ? 0 : Infinity;
    playhead.seek(this.isLive ? Infinity : place || rest);
    if (this.isLive) playhead.play();
    this.startCursor = playhead.cursor;
    this.wake();
  }

  /** Rows have arrived or the engine's status has changed. */
  grown() {
    const { playhead } = this;
    const wasAtEnd = playhead.cursor >= this.length;
    this.length = this.run.length;
    if (wasAtEnd && !playhead.playing && !this.isLive) playhead.move(this.run.lastBeat);
    if (this.isLive && !playhead.live && playhead.cursor === 0) { playhead.live = true; playhead.play(); }
    if (!this.isLive && playhead.live && playhead.atEnd) { playhead.live = false; playhead.pause(); }
    this.wake();
  }

  wake() { if (!this.pending) this.pending = requestAnimationFrame((now) => this.loop(now)); }

  loop(now) {
    this.pending = 0;
    this.now = now;
    this.frame.guard(() => {
      this.playhead.tick(now);
      if (!this.isLive && this.playhead.live && this.playhead.atEnd) { this.playhead.live = false; this.playhead.pause(); }
      this.overlay.paint();
      this.transport.show(this.status);
      this.say(now);
      const waiting = this.playhead.live && this.playhead.atEnd && this.run.numAlive === 0;
      if ((this.playhead.playing && !waiting) || this.flights.busy || now < this.settled) this.wake();
    });
  }

  /** The cursor has moved: draw what is true now, then let what is new fly. */
  moved(from, to, jumped) {
    if (jumped) { this.flights.clear(); this.hidden.clear(); this.lanes.slots = []; }
    this.river.show(to);
    this.lanes.show(to);
    if (!jumped && to - from < 600) for (let at = from; at < to; at += 1) this.fly(this.run.rows[at]);
    for (const [lane, note] of this.river.notes) note.classList.toggle("wr-coming", this.hidden.has(note) && lane.injectedAt < to);
    this.settled = performance.now() + SETTLE_MS;
    WARPVIZ.painted += 1;
  }

  fly(row) {
    const now = performance.now();
    const color = (lane) => laneColor(lane, this.frame.theme);
    if (row[0] === "s") {
      const lane = this.run.lane(row[2]);
      this.river.flash(lane);
      const curve = () => { const a = this.trigger(lane, true); return a && bend(a, this.port(lane)); };
      this.flights.launch({ kind: "spawn", color: color(lane), curve }, now);
    } else if (row[0] === "g") {
      const lane = this.run.lane(row[2]);
      this.hidden.add(lane);
      const tint = lane.accepted ? this.frame.theme.green : this.frame.theme.vermilion;
      this.flights.launch({ kind: "gate", color: tint, curve: () => bend(this.port(lane, 0.5), this.axis.place(lane), true), land: () => this.hidden.delete(lane) }, now);
    } else if (row[0] === "i") {
      const lane = this.run.lane(row[3]);
      const note = this.river.notes.get(lane);
      if (!note) return;
      this.hidden.add(note);
      const curve = () => { const box = this.local(note.getBoundingClientRect()); return bend(this.axis.place(lane), [box.x + box.w, box.y + 10], true); };
      const land = () => { this.hidden.delete(note); note.classList.remove("wr-coming"); };
      this.flights.launch({ kind: "inject", color: this.frame.theme.green, size: 5, delay: FLIGHT_MS.gate * 0.8, curve, land }, now);
      const into = lane.noteToken - 1;
      if (!this.cloud.has(into)) return;
      const home = () => bend(this.axis.place(lane), this.cloud.place(into, this.local(this.cloudBox.getBoundingClientRect())));
      this.flights.launch({ kind: "inject", color: this.frame.theme.green, size: 3, delay: FLIGHT_MS.gate * 0.8, curve: home }, now);
    }
  }

  /** Return a page rectangle in the overlay's pixels. */
  local(box) {
    const origin = this.origin ?? this.overlay.canvas.getBoundingClientRect();
    return { x: box.left - origin.left, y: box.top - origin.top, w: box.width, h: box.height };
  }

  /** Where a stream leaves the River: its trigger in the text, or the bank beside it; null when it is out of sight. */
  trigger(lane, inText = false) {
    const view = this.local(this.river.scroller.getBoundingClientRect());
    const span = this.river.span(lane.to);
    const box = span ? this.local(span.getBoundingClientRect()) : null;
    const y = box ? box.y + box.h / 2 : view.y;
    const seen = y >= view.y && y <= view.y + view.h;
    if (inText) return seen && box ? [box.x + box.w, y] : [view.x + view.w, Math.max(view.y, Math.min(y, view.y + view.h))];
    if (this.isStacked) return [view.x + 1, view.y + view.h]; // lanes below: branches run down the left bank
    return [view.x + view.w + 2, Math.max(view.y + 2, Math.min(y, view.y + view.h - 2))];
  }

  /** Where a lane receives its stream: the middle of its left edge, or a share of its width. */
  port(lane, share = 0) {
    const box = this.local(this.lanes.box(lane));
    return [box.x + box.w * share, share ? box.y + box.h - 6 : box.y + box.h / 2];
  }

  draw(pen, w, hgt, theme) {
    const onScreen = pen.c === this.overlay.context;
    const cursor = this.playhead.cursor;
    this.cloudBox.hidden = this.cloud.size === 0;
    this.origin = this.overlay.canvas.getBoundingClientRect();
    this.isStacked = this.lanes.el.offsetTop >= this.river.el.offsetTop + this.river.el.offsetHeight;
    this.axis.box = this.local(this.gate.getBoundingClientRect());
    if (!onScreen) inkText(pen, this.stage, this.origin, theme);
    this.drawThreads(pen, theme, cursor, onScreen);
    this.lanes.drawCrowd(pen, this.local(this.lanes.crowdBox.getBoundingClientRect()), cursor);
    this.axis.draw(pen, theme, { cursor, theta: this.run.theta(cursor), wish: this.store.get("theta"), hidden: this.hidden, focus: this.focus });
    this.cloud.draw(pen, theme, { run: this.run, cursor, box: this.local(this.cloudBox.getBoundingClientRect()) });
    if (onScreen) this.flights.draw(pen, this.now ?? 0);
    this.origin = null;
  }

  drawThreads(pen, theme, cursor, onScreen) {
    const beat = this.playhead.place;
    const pulse = onScreen && this.playhead.playing && motionOk();
    for (const lane of this.lanes.crowd.slice(0, MOST_THREADS)) if (lane.closedAt >= cursor) this.thread(pen, theme, lane, { alpha: 0.14, width: 1 });
    for (const lane of this.lanes.slots) {
      if (!lane) continue;
      const age = lane.closedAt < cursor ? (beat - this.run.beats[lane.closedAt]) / LINGER_BEATS : 0;
      const curve = this.thread(pen, theme, lane, { alpha: 0.75 * (1 - Math.min(1, age)), width: 2 });
      if (!pulse || lane.phase(cursor) !== "thinking") continue;
      const [x, y] = onCurve(curve, ((this.now ?? 0) / 1300 + lane.stream * 0.37) % 1);
      pen.dot(x, y, 3, laneColor(lane, theme), 0.9);
    }
  }

  thread(pen, theme, lane, { alpha, width }) {
    const curve = bend(this.trigger(lane), this.port(lane), this.isStacked);
    const points = Array.from({ length: CURVE_STEPS + 1 }, (_, i) => onCurve(curve, i / CURVE_STEPS));
    pen.path(points, { stroke: laneColor(lane, theme), width, alpha });
    return curve;
  }

  /** Put the moment in words, at most once a second for screen readers. */
  say(now) {
    const { cursor } = this.playhead;
    const sum = this.run.counts(cursor);
    const parts = [`${number(sum.alive)} thinking`, `${number(sum.accepted)} accepted`, `${number(sum.rejected)} rejected`, `${number(sum.injected)} injected`];
    if (sum.failed) parts.push(`${number(sum.failed)} failed`);
    const model = this.run.start ? `${oneLine(this.run.start.model)} \u00b7 token ${number(this.run.numTokens(cursor))} \u00b7 ` : "";
    const state = { running: "live", paused: "engine paused", stopped: "stopped", failed: "engine failed", measuring: "measuring influence", done: "done" }[this.status] ?? "replay";
    this.frame.root.dataset.status = this.status || "replay";
    this.frame.meta.textContent = `${model}${parts.join(" \u00b7 ")} \u00b7 ${state}`;
    const wait = 1000 - (now - this.told); // the last word of a burst is said too, once its second is over
    if (wait > 0) { this.later ??= setTimeout(() => { this.later = undefined; this.wake(); }, wait); return; }
    this.told = now;
    this.frame.summary(`Live run, beat ${this.playhead.beat} of ${this.run.lastBeat}: ${sum.spawned} streams, ${parts.join(", ")}.`);
    this.overlay.canvas.setAttribute("aria-label", this.frame.summaryText);
  }

  table() {
    return this.run.order.map((lane) => ({ stream: lane.stream, task: lane.task, thought: lane.thought, similarity: lane.similarity,
      theta: lane.threshold, phase: lane.phase(this.run.length), tokens: lane.tokens.length }));
  }
}

function mount(frame, store) {
  const view = new LiveRunView(frame, store);
  frame.root.liveRun = view; // what tests and the curious may look at
  return () => { delete frame.root.liveRun; };
}
