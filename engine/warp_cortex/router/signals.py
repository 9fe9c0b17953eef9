"""Triggers that need no words of the River: its uncertainty, and the number of tokens it wrote."""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field

WARM_UP = 16  # tokens before a quantile of the entropies means anything
WINDOW = 256  # entropies that the running quantile is taken over


@dataclass(slots=True)
class UncertainTrigger:
    """Fires where the entropy of the River's next token crosses a running quantile.

    quantile: of the last 256 entropies, in [0, 1]. least_nats: no entropy below this one fires.
    gap: tokens between two firings at least.
    """

    quantile: float = 0.9
    least_nats: float = 1.0
    gap: int = 24
    _latest: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _sorted: list[float] = field(default_factory=list)
    _since: int = 0

    def feed(self, entropy: float) -> str | None:
        """Take the entropy (nats) of the choice of one token; return why it fires, or None."""
        self._since += 1
        limit = self._limit()
        fires = (
            limit is not None
            and entropy > limit
            and entropy >= self.least_nats
            and self._since >= self.gap
        )
        self._note(entropy)
        if not fires:
            return None
        self._since = 0
        return f"entropy {entropy:.2f} nats, above the {self.quantile:.0%} quantile {limit:.2f}"

    def _limit(self) -> float | None:
        if len(self._sorted) < WARM_UP:
            return None
        return self._sorted[min(len(self._sorted) - 1, int(self.quantile * len(self._sorted)))]

    def _note(self, entropy: float) -> None:
        if len(self._latest) == WINDOW:
            del self._sorted[bisect_left(self._sorted, self._latest[0])]
        self._latest.append(entropy)
        insort(self._sorted, entropy)


@dataclass(slots=True)
class ScheduleTrigger:
    """Fires every so many tokens, with the next of a list of standing tasks.

    tasks: asked in turn. every: tokens between two of them.
    """

    tasks: tuple[str, ...]
    every: int = 48
    _num_tokens: int = 0
    _next: int = 0

    def feed(self) -> tuple[str, str] | None:
        """Count one token; return the task that is due and why, or None."""
        self._num_tokens += 1
        if not self.tasks or self._num_tokens % self.every:
            return None
        task = self.tasks[self._next % len(self.tasks)]
        self._next += 1
        return task, f"{self._num_tokens} tokens written"
