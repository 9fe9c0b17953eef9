"""Names for groups of tokens: the words that stand out in each."""

from collections import Counter
from collections.abc import Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

NUM_WORDS = 3
LEAST_SHARE = 0.02  # of its group; a rarer word does not tell what the group is


def telling_words(
    tokens: Sequence[str], groups: NDArray[np.integer], *, num: int = NUM_WORDS
) -> list[str]:
    """Return for every group, in order, the words that are frequent in it and rare elsewhere.

    Words are scored by c-TF-IDF (Grootendorst, 2022, arXiv 2203.05794): the word's share of the
    group times log(1 + A / f), with f its count in all groups and A the mean size of a group.
    Marks of punctuation name a group only where it has no word. Negative groups are noise.

    groups: [T], one per token.
    """
    size = int(groups.max()) + 1 if len(groups) else 0
    counts = [Counter[str]() for _ in range(size)]
    for token, group in zip(tokens, groups.tolist(), strict=True):
        word = token.strip()
        if word and group >= 0:
            counts[group][word] += 1
    everywhere = sum(counts, Counter[str]())
    mean = everywhere.total() / max(size, 1)
    names = []
    for held in counts:
        words = {word: n for word, n in held.items() if any(map(str.isalnum, word))} or dict(held)
        least = LEAST_SHARE * held.total()
        score = {
            word: n * log(1 + mean / everywhere[word]) for word, n in words.items() if n >= least
        }
        best = sorted(score, key=lambda word: (-score[word], word))[:num]
        names.append(", ".join(best))
    return names
