"""A recording does its work once, then replays it; what cannot be recorded is done as it is. No GPU is needed."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from warp_cortex import replays


def test_a_step_that_cannot_be_recorded_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph that cannot be captured costs a warning and speed, not the River."""

    def refused(*_: object) -> None:
        msg = "operation not permitted when stream is capturing\nmany more lines"
        raise RuntimeError(msg)

    monkeypatch.setattr(replays, "_captured", refused)
    done = []
    with pytest.warns(UserWarning, match="taken kernel by kernel: operation not permitted when stream is capturing$"):
        recording = replays.Recording(lambda: done.append(1), torch.device("cuda"))
    recording.run()
    assert done == [1]


def test_a_graph_is_replayed_in_place_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once captured, the work itself is not done again."""
    told: list[str] = []

    def captured(work: Callable[[], None], *_: object) -> SimpleNamespace:
        work()
        return SimpleNamespace(replay=lambda: told.append("replay"))

    monkeypatch.setattr(replays, "_captured", captured)
    recording = replays.Recording(lambda: told.append("work"), torch.device("cuda"))
    for _ in range(2):
        recording.run()
    assert told == ["work", "replay", "replay"]
