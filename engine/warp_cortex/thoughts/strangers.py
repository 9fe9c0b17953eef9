"""Strangers: thoughts that do not belong to a text, against which a threshold means something."""

import json
import math
import re
from collections.abc import Mapping, Sequence

from warp_cortex.assets import bundled

SENTENCE = re.compile(r"[A-Z][^.!?\n]*[.!?]")
FEWEST = 5  # words of a sentence that states something
MOST = 40


def strangers() -> list[str]:
    """Return the statements that ship for calibration; they belong to no sample text."""
    path = bundled("strangers") / "thoughts.json"
    texts: list[str] = json.loads(path.read_text(encoding="utf-8"))["thoughts"]
    return texts


def theta_for(similarities: Sequence[float], share: float) -> float:
    """Return the smallest threshold under which at most `share` of the strangers pass.

    A similarity passes if it is at least the threshold, which hence lies just above the first of
    those that must not: in the middle between it and the next one, or a little above the highest.

    Raises:
        ValueError: there is no stranger.
    """
    ranked = sorted(similarities, reverse=True)
    if not ranked:
        msg = "a threshold needs at least one similarity of a stranger, got none"
        raise ValueError(msg)
    passing = math.floor(share * len(ranked))
    if passing >= len(ranked):
        return ranked[-1]
    above = ranked[passing - 1] if passing else ranked[0] + abs(ranked[0]) * 0.02 + 1e-6
    return max(-1.0, min(1.0, (above + ranked[passing]) / 2))


def raised(theta: float, own: Sequence[float]) -> float:
    """Return a threshold that also keeps out what only sounds like the text.

    theta: that of the strangers. own: similarities of the text's own sentences. A draft is likely
    to the model that wrote it, true or not, so it must be likelier than a third of these sentences.
    """
    return max(theta, sorted(own)[len(own) // 3]) if own else theta


def own_sentences(text: str, most: int = 16) -> list[str]:
    """Return up to `most` sentences of a text, evenly spread over it."""
    found = [" ".join(sentence.split()) for sentence in SENTENCE.findall(text)]
    whole = [sentence for sentence in found if FEWEST <= len(sentence.split()) <= MOST]
    step = max(1, len(whole) // most)
    return whole[::step][:most]


def is_heading(thought: str, text: str) -> bool:
    """Return whether a thought is a line of a text that ends without a full stop: its heading."""
    said = thought.strip().rstrip(".").casefold()
    lines = (line.strip() for line in text.splitlines())
    return any(line[-1].isalnum() and line.casefold() == said for line in lines if line)


def share_passing(similarities: Sequence[float], theta: float) -> float:
    """Return which share of the strangers passes a threshold, in [0, 1]."""
    return sum(value >= theta for value in similarities) / len(similarities)


def sorted_by_scorer(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Return every scorer's similarities of the strangers, sorted, from one mapping a stranger."""
    return {name: sorted(round(row[name], 6) for row in rows) for name in rows[0]}
