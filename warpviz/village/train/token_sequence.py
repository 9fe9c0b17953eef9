"""A growing sequence of tokens with the weights, positions and marks that training needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from warpviz.village.world.phrase import Phrase
    from warpviz.village.world.tokens import Encoder


class Mark(IntEnum):
    """What a weighted token measures; REF marks injected tokens, which no window ever hides."""

    NONE = 0
    STREAM = 1
    STREAM_SPARSE = 2
    STREAM_HOPS = 3
    STREAM_HOPS_SPARSE = 4
    STREAM_NOTHING = 5
    RIVER = 6
    RIVER_HOPS = 7
    RIVER_UNKNOWN = 8
    REF_AGREE = 9
    REF_CHANGED = 10
    REF_SUPPLIED = 11
    REF_IRRELEVANT = 12
    TRIGGER = 13
    DRILL = 14
    REF = 15


@dataclass(frozen=True, slots=True)
class Weights:
    """Loss weights inside one phrase: the first token, other tokens, and the value's tokens."""

    opener: float
    rest: float
    value: float


SILENT = Weights(0.0, 0.0, 0.0)
PROSE = Weights(0.0, 0.2, 0.2)
FILLER = Weights(1.0, 0.2, 0.2)
NEED = Weights(1.0, 0.3, 0.1)
TRIGGER = Weights(1.0, 1.0, 1.0)
ANSWER = Weights(1.0, 1.0, 4.0)
UNKNOWN = Weights(4.0, 1.0, 1.0)


@dataclass(slots=True)
class TokenSequence:
    """Tokens in cache order; `at` is the position the next visible token takes."""

    encoder: Encoder
    at: int = 0
    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of tokens so far."""
        return len(self.ids)

    def tokens(self, ids: list[int], weights: list[float], marks: list[int]) -> None:
        """Append visible tokens."""
        self.ids += ids
        self.weights += weights
        self.marks += marks
        self.positions += range(self.at, self.at + len(ids))
        self.at += len(ids)

    def add(
        self, phrase: Phrase, how: Weights, mark: Mark = Mark.NONE, *, slots: str = "vc"
    ) -> None:
        """Append a phrase; value tokens (slots in `slots`) get the value weight and the mark."""
        ids, spans = self.encoder.phrase(phrase)
        weights = [how.rest] * len(ids)
        marks = [0] * len(ids)
        weights[0] = how.opener
        for slot, start, end in spans:
            if slot in slots:
                weights[start:end] = [how.value] * (end - start)
                marks[start:end] = [int(mark)] * (end - start)
        self.tokens(ids, weights, marks)

    def add_text(
        self, text: str, how: Weights, mark: Mark = Mark.NONE, *, whole: bool = False
    ) -> None:
        """Append plain text; the mark goes on the first token, or on all if `whole`."""
        ids = self.encoder.ids(text)
        marks = [int(mark)] * len(ids) if whole else [int(mark)] + [0] * (len(ids) - 1)
        self.tokens(ids, [how.opener] + [how.rest] * (len(ids) - 1), marks)

    def inject(self, text: str, random: Random) -> None:
        """Append reference tokens, mostly at positions that the next visible tokens take again."""
        ids = self.encoder.ids(text)
        draw = random.random()
        start = self.at
        if draw < 0.08:
            start = max(0, self.at - len(ids))
        elif draw < 0.16:
            self.at += len(ids)
        self.ids += ids
        self.weights += [0.0] * len(ids)
        self.marks += [int(Mark.REF)] * len(ids)
        self.positions += range(start, start + len(ids))
