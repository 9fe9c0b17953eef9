// A run folded from rows: columns that only grow, every entry stamped with the index of its event (see live/timeline.py).

import { Emitter } from "../base/store.js";

export const NEVER = Number.MAX_SAFE_INTEGER;

/** Return how many entries of a sorted column are below `value`. */
export function countBelow(column, value) {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (column[mid] < value) low = mid + 1;
    else high = mid;
  }
  return low;
}

class StreamCard {
  constructor(stream) {
    this.stream = stream;
    this.task = "";
    this.kind = "";
    this.from = -1;
    this.to = -1;
    this.version = -1;
    this.tokens = [];
    this.tokenAt = [];
    this.thought = "";
    this.reason = "";
    this.accepted = false;
    this.similarity = null;
    this.threshold = null;
    this.scores = {};
    this.injection = -1;
    this.note = "";
    this.noteToken = -1;
    this.failure = "";
    this.finish = "";
    this.spawnedAt =
      this.thoughtAt =
      this.gatedAt =
      this.injectedAt =
      this.revokedAt =
      this.failedAt =
      this.finishedAt =
        NEVER;
  }

  /** When the stream stopped being alive. */
  get closedAt() {
    return Math.min(this.gatedAt, this.failedAt, this.finishedAt);
  }

  count(cursor) {
    return countBelow(this.tokenAt, cursor);
  }

  phase(cursor) {
    if (this.spawnedAt >= cursor) return "unborn";
    if (this.revokedAt < cursor) return "revoked";
    if (this.failedAt < cursor) return "failed";
    if (this.injectedAt < cursor) return "injected";
    if (this.gatedAt < cursor) return this.accepted ? "accepted" : "rejected";
    if (this.finishedAt < cursor) return "closed";
    return this.thoughtAt < cursor ? "thought" : "thinking";
  }
}

class Run {
  constructor() {
    this.rows = [];
    this.beats = [];
    this.start = null;
    this.tokens = [];
    this.tokenAt = [];
    this.cards = new Map();
    this.order = [];
    this.gated = [];
    this.gatedAt = [];
    this.notes = [];
    this.noteAt = [];
    this.influences = [];
    this.published = [];
    this.publishedAt = [];
    this.endedAt = NEVER;
    this.ending = "";
    this.failures = [];
    this.injections = new Map();
    this.open = new Set(); // cards that are alive now
    this.closings = []; // cards in the order of their closing, as in `when.closed`
    this.when = {
      spawned: [],
      closed: [],
      accepted: [],
      rejected: [],
      injected: [],
      revoked: [],
      failed: [],
    };
    this.marks = []; // {beat, kind}: what the timeline shows
    this.drama = new Map(); // beat -> how many notable events
    this.aliveByBeat = [0];
    this.numAlive = 0;
  }

  get length() {
    return this.rows.length;
  }

  get lastBeat() {
    return this.beats.length ? this.beats[this.beats.length - 1] : 0;
  }

  get prompt() {
    return this.start?.prompt ?? [];
  }

  push(rows) {
    for (const row of rows) this.add(row);
  }

  card(stream) {
    if (!this.cards.has(stream)) this.cards.set(stream, new StreamCard(stream));
    return this.cards.get(stream);
  }

  add(row) {
    const at = this.rows.length;
    this.rows.push(row);
    this.beats.push(row[1]);
    const wasOpen = row[2] !== null && this.cards.get(row[2])?.closedAt === NEVER;
    FOLDS[row[0]]?.(this, at, row);
    if (row[0] === "s") this.open.add(this.card(row[2]));
    else if ("gex".includes(row[0]) && wasOpen && this.open.delete(this.card(row[2]))) {
      this.closings.push(this.card(row[2]));
      this.when.closed.push(at);
    }
    this.numAlive = this.open.size;
    this.aliveByBeat[row[1]] = this.numAlive;
  }

  mark(row, kind) {
    this.marks.push({ beat: row[1], kind });
    this.drama.set(row[1], (this.drama.get(row[1]) ?? 0) + 1);
  }

  /** Return how many events have happened by the end of a beat. */
  cursorOf(beat) {
    return countBelow(this.beats, Math.floor(beat) + 1);
  }

  beatOf(cursor) {
    return cursor > 0 ? this.beats[Math.min(cursor, this.length) - 1] : 0;
  }

  /** Return how many visible tokens there are: the prompt's and those the River wrote. */
  numTokens(cursor) {
    return (cursor > 0 ? this.prompt.length : 0) + countBelow(this.tokenAt, cursor);
  }

  token(index) {
    return index < this.prompt.length
      ? this.prompt[index]
      : this.tokens[index - this.prompt.length];
  }

  /** Return the cards that are alive, or were until `linger` beats ago, in the order of their spawning. */
  present(cursor, linger) {
    const first = countBelow(this.when.closed, this.cursorOf(this.beatOf(cursor) - linger - 1));
    const list = [...this.open];
    for (let i = first; i < this.closings.length; i += 1) list.push(this.closings[i]);
    return list.filter((card) => card.spawnedAt < cursor).sort((a, b) => a.spawnedAt - b.spawnedAt);
  }

  /** Return how many streams there were of each fate: a search per column, however long the run. */
  counts(cursor) {
    const { closed, ...sum } = Object.fromEntries(
      Object.entries(this.when).map(([name, column]) => [name, countBelow(column, cursor)]),
    );
    return { ...sum, alive: sum.spawned - closed };
  }

  theta(cursor) {
    const count = countBelow(this.gatedAt, cursor);
    return count
      ? this.gated[count - 1].threshold
      : ((cursor > 0 ? this.start?.theta : null) ?? null);
  }

  landmarks(cursor) {
    const count = countBelow(this.publishedAt, cursor);
    return count ? this.published[count - 1][5] : [];
  }

  /**
   * Return the influence per visible token (the strongest of all injections, or of one) as a Map, and its maximum.
   * It is measured after the fact, so it belongs to the moment of the injection, not to that of its measurement.
   */
  influence(cursor, injection = null) {
    const tint = new Map();
    let most = 0;
    for (const [, , id, first, kl] of this.influences) {
      if (
        (injection !== null && id !== injection) ||
        !(this.injections.get(id)?.injectedAt < cursor)
      )
        continue;
      kl.forEach((value, i) => tint.set(first + i, Math.max(value ?? 0, tint.get(first + i) ?? 0)));
    }
    for (const value of tint.values()) most = Math.max(most, value);
    return { tint, most };
  }
}

/** What each row does to a run. */
const FOLDS = {
  r(run, at, row) {
    run.start ??= { model: row[2], prompt: row[3], seed: row[4], theta: row[5] };
  },
  t(run, at, row) {
    run.tokens.push(row[2]);
    run.tokenAt.push(at);
  },
  p(run, at, row) {
    run.published.push(row);
    run.publishedAt.push(at);
    run.mark(row, "publish");
  },
  s(run, at, row) {
    const card = Object.assign(run.card(row[2]), {
      task: row[3],
      kind: row[4],
      from: row[5],
      to: row[6],
      version: row[7],
      spawnedAt: at,
    });
    run.order.push(card);
    run.when.spawned.push(at);
    run.mark(row, "spawn");
  },
  k(run, at, row) {
    const card = run.card(row[2]);
    card.tokens.push(row[3]);
    card.tokenAt.push(at);
  },
  h(run, at, row) {
    Object.assign(run.card(row[2]), { thought: row[3], reason: row[4], thoughtAt: at });
  },
  g(run, at, row) {
    const card = Object.assign(run.card(row[2]), {
      accepted: row[3] === 1,
      similarity: row[4],
      threshold: row[5],
      scorer: row[6],
      scores: row[7],
      gatedAt: at,
    });
    run.gated.push(card);
    run.gatedAt.push(at);
    run.when[card.accepted ? "accepted" : "rejected"].push(at);
    run.mark(row, card.accepted ? "accept" : "reject");
  },
  i(run, at, row) {
    const card = Object.assign(run.card(row[3]), {
      injection: row[2],
      note: row[4],
      noteToken: row[5],
      injectedAt: at,
    });
    run.injections.set(row[2], card);
    run.notes.push(card);
    run.noteAt.push(at);
    run.when.injected.push(at);
    run.mark(row, "inject");
  },
  v(run, at, row) {
    const card = run.injections.get(row[2]);
    if (!card) return;
    card.revokedAt = at;
    run.when.revoked.push(at);
  },
  f(run, at, row) {
    run.influences.push(row);
  },
  e(run, at, row) {
    run.failures.push({ at, stream: row[2], message: row[3] });
    if (row[2] !== null) {
      Object.assign(run.card(row[2]), { failure: row[3], failedAt: at });
      run.when.failed.push(at);
    }
    run.mark(row, "reject");
  },
  x(run, at, row) {
    if (row[2] === null) {
      run.endedAt = Math.min(run.endedAt, at);
      run.ending ||= row[3];
      return;
    }
    Object.assign(run.card(row[2]), { finish: row[3], finishedAt: at });
  },
};

/** Return the run behind a store, folded once however many views show it. */
export function runOf(store) {
  if (store.source) return store.source;
  const source = (store.source = new Emitter());
  const fill = () => {
    source.run = new Run();
    source.run.push(store.data.rows ?? []);
  };
  fill();
  store.on("data", ({ full }) => {
    if (full) {
      fill();
      source.emit("reset");
    } else source.emit("status");
  });
  store.on("events", (events) => {
    for (const event of events) source.run.push(event.rows ?? []);
    source.emit("grown");
  });
  return source;
}
