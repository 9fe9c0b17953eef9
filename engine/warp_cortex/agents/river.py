"""The River: the main agent, writing one visible token at a time on top of its context."""

import itertools
from bisect import bisect_left, bisect_right

import torch
from torch import Generator

from warp_cortex.agents.sampling import choose, penalise
from warp_cortex.config import RiverConfig
from warp_cortex.context.context import Context
from warp_cortex.prism import Prism
from warp_cortex.thoughts.gate import GateState, Statistics


class River:
    """The main agent: its context, the tokens since the prompt, and the Gate's statistics."""

    def __init__(
        self, prism: Prism, config: RiverConfig, *, context: Context, sinks: int, seed: int
    ) -> None:
        self.prism = prism
        self.config = config
        self._temperature = 0.5 if config.temperature is None else config.temperature
        self.context = context
        self.sinks = sinks
        self.num_prompt = context.num_tokens
        self._generator = Generator().manual_seed(seed)
        self._ends = list(itertools.accumulate(map(len, context.tokens)))
        self._statistics = Statistics.empty(prism.spec.hidden_size)
        self._judged = 0
        self.measures_entropy = False
        self.entropy: float | None = None  # nats, of the choice of the latest token

    @property
    def num_written(self) -> int:
        """Visible tokens written since the prompt."""
        return self.context.num_tokens - self.num_prompt

    @property
    def text(self) -> str:
        """What it has written since the prompt."""
        return "".join(self.context.tokens[self.num_prompt :])

    def take_up(self, *, num_prompt: int) -> None:
        """Go on in a text of which only the first `num_prompt` tokens are the prompt.

        The draws that chose the others are spent, so that the next ones are those of the first run.
        """
        self.num_prompt = num_prompt
        logits = self.context.logits
        assert logits is not None
        for _ in range(self.num_written):
            choose(
                torch.zeros_like(logits), temperature=self._temperature, generator=self._generator
            )

    def why_done(self) -> str | None:
        """Return why no further token can be written, or None if one can."""
        if self.num_written >= self.config.max_tokens:
            return "max_tokens"
        if self.context.num_tokens >= self.prism.spec.max_positions:
            return "model positions"
        return None

    def step(self) -> tuple[int, str] | None:
        """Write one visible token; return its id and text, or None when the model ends its text.

        Raises:
            FloatingPointError: the model's logits are not finite.
        """
        logits = self.context.logits
        assert logits is not None
        if not bool(torch.isfinite(logits).all()):
            msg = "the River's logits are not finite; the model or its precision is broken"
            raise FloatingPointError(msg)
        self.entropy = _entropy(logits) if self.measures_entropy else None
        scores = penalise(
            logits, self.context.ids[self.num_prompt :], penalty=self.config.repetition_penalty
        )
        token = choose(scores, temperature=self._temperature, generator=self._generator)
        if token in self.prism.stop_ids:
            return None
        piece = self.context.write(token)
        self._ends.append((self._ends[-1] if self._ends else 0) + len(piece))
        self.forget()
        return token, piece

    def forget(self) -> None:
        """Let go of what lies between the sinks and the recent window, if the cache is bounded."""
        if self.config.window is not None:
            self.context.evict(sinks=self.sinks, window=self.config.window)

    def statistics(self) -> Statistics:
        """Return mean and spread of the middle states so far; only new states are added."""
        middle = self.context.middle
        if self._judged < middle.shape[0]:
            self._statistics = self._statistics.update(middle[self._judged :])
            self._judged = middle.shape[0]
        return self._statistics

    def recount(self) -> None:
        """Count all states anew, because a revoked thought has changed them."""
        self._statistics = Statistics.empty(self.prism.spec.hidden_size)
        self._judged = 0

    def state(self, span: tuple[int, int]) -> GateState:
        """Return what a thought is compared with: the trigger's middle state, and the last state.

        span: half-open character range of the visible text; the tokens it touches are averaged.
        """
        first = bisect_right(self._ends, span[0])
        stop = bisect_left(self._ends, span[1]) + 1
        rows = self.context.middle[first:stop] if first < stop else self.context.middle[-1:]
        assert self.context.last is not None
        return GateState(middle=rows.float().mean(0), last=self.context.last.float())


def _entropy(logits: torch.Tensor) -> float:
    """Return the entropy in nats of the next-token distribution given as logits [V]."""
    log_probs = logits.float().log_softmax(-1)
    return float(-(log_probs.exp() * log_probs).sum())
