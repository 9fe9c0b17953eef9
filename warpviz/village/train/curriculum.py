"""What the next batch holds: longer contexts once the shorter ones are answered."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from warpviz.village.train.batches import TrainingBatch, collate
from warpviz.village.train.rows import Shape, make_row

if TYPE_CHECKING:
    from warpviz.village.world.tokens import Encoder

STAGES = (
    Shape(64, 9, 1, drill=0.7, inline=0.0),
    Shape(128, 12, 3, drill=0.3, inline=0.2),
    Shape(256, 14, 6, drill=0.1, inline=0.4),
    Shape(512, 18, 9, drill=0.04),
    Shape(1024, 24, 12, drill=0.02),
    Shape(1500, 28, 12),
)
LAST = len(STAGES) - 1
_FINAL_MIX = (1, 4, 19, 28, 40, 8)
PASS_MARK = 0.8


@dataclass(slots=True)
class Stage:
    """How far the curriculum is: the stage and a running accuracy of stream answers at it."""

    index: int = 0
    accuracy: float = 0.0
    steps: int = 0

    def update(self, accuracy: float, progress: float) -> None:
        """Take in one batch's accuracy; go on when it is high enough, or late enough."""
        self.steps += 1
        self.accuracy = 0.97 * self.accuracy + 0.03 * accuracy
        ready = self.accuracy > PASS_MARK and self.steps > 60
        if self.index < LAST and (ready or progress > 0.05 * (self.index + 1)):
            self.index = self.index + 1
            self.accuracy = 0.0
            self.steps = 0


def draw_shape(stage: int, random: Random) -> Shape:
    """Return the shape of a batch: mostly the current stage, sometimes a shorter one.

    At the end it is drawn from a fixed mix.
    """
    if stage >= LAST:
        index = random.choices(range(len(STAGES)), _FINAL_MIX)[0]
    else:
        index = stage if random.random() < 0.75 else random.randint(0, stage)
    base = STAGES[index]
    tokens = round(base.num_tokens * random.uniform(0.75, 1.1))
    every = random.choice((20.0, 26.0, 26.0, 40.0))
    return Shape(
        tokens,
        base.num_streams,
        base.num_rivers,
        drill=base.drill,
        inline=base.inline,
        facts_every=every,
    )


def draw_batch(
    seed: int, step: int, stage: int, batch_tokens: int, encoder: Encoder
) -> TrainingBatch:
    """The batch of a step: a pure function of its arguments."""
    random = Random(f"batch:{seed}:{step}")
    shape = draw_shape(stage, random)
    rows = []
    total = 0
    while total < batch_tokens:
        rows.append(make_row(random.getrandbits(60), shape, encoder))
        total += len(rows[-1].ids)
    return collate(rows)
