"""A recording does its work once, then replays it; what cannot be recorded is done as it is. No GPU
is needed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from warp_cortex.decode import graphs


def test_a_step_that_cannot_be_recorded_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph that cannot be captured costs a warning and speed, not the River."""

    def refused(*_: object) -> None:
        msg = "operation not permitted when stream is capturing\nmany more lines"
        raise RuntimeError(msg)

    monkeypatch.setattr(graphs, "_captured", refused)
    done = []
    with pytest.warns(
        UserWarning,
        match="taken kernel by kernel: operation not permitted when stream is capturing$",
    ):
        recording = graphs.Recording(lambda: done.append(1), torch.device("cuda"))
    recording.run()
    assert done == [1]


def test_a_graph_is_replayed_in_place_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once captured, the work itself is not done again."""
    told: list[str] = []

    def captured(work: Callable[[], None], *_: object) -> SimpleNamespace:
        work()
        return SimpleNamespace(replay=lambda: told.append("replay"))

    monkeypatch.setattr(graphs, "_captured", captured)
    recording = graphs.Recording(lambda: told.append("work"), torch.device("cuda"))
    for _ in range(2):
        recording.run()
    assert told == ["work", "replay", "replay"]


def stand_in(name: str, told: list[Any]) -> SimpleNamespace:
    """Return what stands in for a CUDA stream and writes down whom it waits for."""
    return SimpleNamespace(
        name=name,
        priority=0,
        device_index=0,
        wait_stream=lambda one: told.append((name, "waits for", one.name)),
    )


def test_a_failed_capture_leaves_the_lane_on_its_own_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stream torch leaves current and the allocator it leaves recording are put right; what was
    done is waited for.

    The stand-ins do as torch's do, and write down what they are asked.
    """
    told: list[Any] = []
    now = ["here"]

    here, side = stand_in("here", told), stand_in("side", told)

    @contextmanager
    def on(stream: SimpleNamespace) -> Iterator[None]:
        before, now[0] = now[0], stream.name
        yield
        now[0] = before

    @contextmanager
    def graph(_: object, *, pool: object, stream: SimpleNamespace, **__: object) -> Iterator[None]:
        told.append(("capture into", pool))
        now[0] = stream.name
        yield  # a failed capture is never left

    def work() -> None:
        told.append(("work on", now[0]))
        if ("capture into", "pool") in told:
            msg = "operation not permitted when stream is capturing"
            raise RuntimeError(msg)

    fakes = {
        "current_stream": lambda _: here,
        "stream": on,
        "graph": graph,
        "CUDAGraph": SimpleNamespace,
        "graph_pool_handle": lambda: "pool",
        "set_stream": lambda stream: now.__setitem__(0, stream.name),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    monkeypatch.setattr(
        torch._C,
        "_cuda_endAllocateToPool",
        lambda *given: told.append(("end", *given)),
        raising=False,
    )
    with pytest.warns(UserWarning, match="taken kernel by kernel"):
        recording = graphs.Recording(work, torch.device("cuda"), stream=side)  # type: ignore[arg-type] # a stand-in
    assert not recording.is_graph
    assert now == ["here"]
    assert told == [
        ("side", "waits for", "here"),
        ("work on", "side"),
        ("here", "waits for", "side"),
        ("capture into", "pool"),
        ("work on", "side"),
        ("end", 0, "pool"),
    ]
