// The words of the views, each in one line.

/** @type {Record<string, string[]>} the words that a view explains, by view */
export const WORDS = {
  run: ["River", "stream", "task", "thought", "gate", "\u03b8", "strangers", "injection"].concat([
    "influence",
    "with / without",
    "landmark",
    "step",
  ]),
  cloud: ["key", "landmark", "k", "pick", "cell", "cover radius", "2r", "attention"].concat([
    "cluster",
    "density",
    "PCA",
    "UMAP",
  ]),
  text: ["landmark", "k", "pick", "attention", "cover radius", "injection"],
  persistence: ["H0", "H1", "birth", "death", "bottleneck", "random landmarks"].concat([
    "cover radius",
    "2r",
    "certified bar",
    "Wasserstein",
    "intrinsic dimension",
    "landmark",
    "k",
  ]),
  gate: ["gate", "\u03b8", "thought", "good / bad", "precision", "recall", "false accepts"].concat([
    "AUC",
    "strangers",
  ]),
  council: ["own bytes", "a copy each", "shared landmarks", "KV cache", "River", "stream", "step"],
};

/** @type {Record<string, string>} */
export const GLOSSARY = {
  River: "The main agent: it writes the text.",
  stream: "A side agent. It thinks about one task with the landmarks as its only view of the text.",
  task: "What a stream is asked; the marked words of the text opened it.",
  thought: "What a stream has written when it ends.",
  gate: "Accepts or rejects a thought by how similar it is to the River's state.",
  "\u03b8": "The least similarity that the gate accepts.",
  injection: "An accepted thought enters the River's cache; the visible text does not change.",
  influence:
    "How far a thought moved the prediction of a word: the KL divergence of the two predictions, " +
    "with the thought and without it, in nats. 0 is no change.",
  "with / without":
    "The text as written, and what the River would have written with the same random numbers had " +
    "the thought not entered.",
  step: "One token of the River, or one round of the streams while the River waits.",
  landmark: "A token whose key and value all streams can see.",
  k: "How many landmarks there are.",
  pick: "The place of a landmark in the order of choosing: the first k picks are the landmarks.",
  key: "What attention compares a token by: one vector per token, layer and head.",
  "cover radius": "The largest distance from a token to its nearest landmark, r.",
  "2r":
    "A bound that always holds: no persistence diagram of the landmarks is further than 2r from " +
    "the whole context's. It is usually far from tight.",
  PCA: "The plane that keeps most of the variance. Distances on it are never too long.",
  UMAP: "A picture that keeps neighbours. Its axes and distances have no unit.",
  density: "Contours around equal shares of the points, drawn beyond 2,000 points.",
  cluster: "One of up to eight k-means groups, named by the words that stand out in it.",
  cell: "The tokens whose nearest landmark is the same.",
  attention: "The mean attention that a token receives from the last tokens.",
  H0: "Components: each bar is a group of points that merges with another at its end.",
  H1: "Loops: each bar is a ring of points, from where it closes to where it is filled.",
  birth: "The distance at which a feature appears; components are there from 0 on.",
  death: "The distance at which it vanishes.",
  bottleneck: "The largest move that turns one diagram into the other. Small is similar.",
  Wasserstein:
    "The mean move between two diagrams as a share of their bars: 0 for equal diagrams, 1 for " +
    "diagrams that share nothing.",
  "random landmarks": "The same number of tokens drawn at random: what any choice should beat.",
  "certified bar": "A bar longer than 2r: it must have a partner in the whole context.",
  "intrinsic dimension": "How many directions the points vary in, estimated from neighbours.",
  "good / bad": "The label of a thought, if you gave labels: whether it is right.",
  precision: "Of the accepted thoughts, the share that is good.",
  recall: "Of the good thoughts, the share that is accepted.",
  "false accepts": "Of the bad thoughts, the share that is accepted.",
  AUC: "How well the similarity separates good from bad: 1 perfectly, 0.5 not at all.",
  strangers: "Thoughts of other texts, judged here: what the gate should reject.",
  "KV cache": "The keys and values of the tokens an agent has read: the memory it needs.",
  "shared landmarks": "Keys and values that are stored once and seen by every stream.",
  "own bytes": "What one more agent costs: the keys and values of its own task and thought.",
  "a copy each": "What one more agent would cost if it held the whole text itself.",
};
