// What every row of a run does to it.

/** @import { Row, Run } from "./run.js" */

/**
 * What each row does to a run, by code; `at` is the index of the row.
 *
 * @type {Record<string, (run: Run, at: number, row: Row) => void>}
 */
export const FOLDS = {
  r(run, _, row) {
    const [, , model, prompt, seed, theta, special] = row;
    run.start ??= { model, prompt, seed, theta, special: new Set(special ?? []) };
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
  c(run, at, row) {
    run.measured.push({ scorer: row[2], theta: row[3], share: row[4], strangers: row[5] });
    run.measuredAt.push(at);
  },
  s(run, at, row) {
    const card = Object.assign(run.card(row[2]), {
      task: row[3],
      kind: row[4],
      from: row[5],
      to: row[6],
      version: row[7],
      why: row[8] ?? "",
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
  f(run, _, row) {
    run.influences.push(row);
  },
  e(run, at, row) {
    if (row[2] !== null) {
      Object.assign(run.card(row[2]), { failure: row[3], failedAt: at });
      run.when.failed.push(at);
    }
    run.mark(row, "reject");
  },
  x(run, at, row) {
    if (row[2] === null) return; // the end of the run
    Object.assign(run.card(row[2]), { finish: row[3], finishedAt: at });
  },
};
