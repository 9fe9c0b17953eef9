"""A River that writes what a test tells it to: everything but the choice of its tokens is real."""

from typing import TYPE_CHECKING

import pytest
from torch import Tensor
from warp_cortex import (
    Cortex,
    CortexConfig,
    Event,
    Prism,
    RiverConfig,
    RouterConfig,
    StreamConfig,
    SynapseConfig,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

END = 2  # the tiny tokenizer's end of text
PROMPT = "The lamp is in the cellar. The key is in the box. "
SCRIPT = "Now [TASK: find the lamp] and then [TASK: find the key] so we go on writing. "


def scripted(monkeypatch: pytest.MonkeyPatch, prism: Prism, text: str = SCRIPT) -> None:
    """Make every River started from now on write `text` and then end."""
    scripts: dict[object, Iterator[int]] = {}  # by the River's own generator of random numbers

    def choose(_: Tensor, *, temperature: float, generator: object) -> int:
        return next(scripts.setdefault(generator, iter(prism.encode(text))), END)

    monkeypatch.setattr("warp_cortex.agents.river.choose", choose)


def config(**changes: object) -> CortexConfig:
    """Return settings under which the script opens two short streams."""
    settings = {
        "river": RiverConfig(max_tokens=200),
        "streams": StreamConfig(max_tokens=8, slots=4, stop=()),
        "synapse": SynapseConfig(k=20),
        "router": RouterConfig(max_rate=1.0),
    }
    return CortexConfig(**{**settings, **changes})  # type: ignore[arg-type] # a test's own keywords


def run(prism: Prism, **changes: object) -> tuple[Cortex, list[Event]]:
    """Run to the end."""
    cortex = Cortex(prism, config(**changes))
    return cortex, list(cortex.run(PROMPT))
