"""A Ray worker of `RayStreams`: one Prism, and a runner for each batch of streams it gets."""

from typing import Any

import numpy as np
import torch

from warp_cortex.agents.backend import StepOutcome
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.agents.streams import Stream
from warp_cortex.config import StreamConfig
from warp_cortex.prism import Prism
from warp_cortex.remote.codec import from_arrays, unpack


class Worker:
    """A Prism that is loaded once; settings and results are plain numbers and arrays."""

    def __init__(
        self, source: str, device: str, dtype: str, config: dict[str, Any], seed: int
    ) -> None:
        torch.set_num_threads(1)
        self._prism = Prism.load(
            source, device=device, dtype=getattr(torch, dtype.removeprefix("torch."))
        )
        self._config = StreamConfig(**{**config, "stop": tuple(config["stop"])})
        self._seed = seed

    def think(self, packed: dict[str, Any], orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Let every stream think to its end; return ids, text, reason, error and Gate states."""
        snapshot = unpack(packed, self._prism)
        runner = LocalRunner(self._prism, self._config, seed=self._seed)
        for order in orders:
            focus = None if order["focus"] is None else from_arrays(order["focus"], self._prism)
            stream = Stream(
                order["id"], order["task"], "remote", (0, 0), snapshot.version, order["prompt"]
            )
            runner.open(stream, snapshot, focus=focus)
        results: dict[int, dict[str, Any]] = {}
        while not runner.is_idle:
            for outcome in runner.step():
                if outcome.token is None:
                    results[outcome.stream.id] = _result(outcome)
        return [results[order["id"]] for order in orders]


def _result(outcome: StepOutcome) -> dict[str, Any]:
    stream = outcome.stream
    state = outcome.state
    empty = np.zeros(0, dtype=np.float32)
    return {
        "ids": stream.ids,
        "text": stream.text,
        "reason": stream.reason,
        "error": outcome.error,
        "middle": empty if state is None else state.middle.numpy(),
        "last": empty if state is None else state.last.numpy(),
    }
