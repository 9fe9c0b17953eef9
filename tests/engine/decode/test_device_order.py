"""What CUDA needs and a CPU gives for free: whoever reads what another lane has written waits for
it on the device.

There is no GPU here: events and streams are stand-ins that write down when they are asked to wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from warp_cortex import Cortex, GateConfig, Prism, StreamBatch, StreamConfig
from warp_cortex.agents.runner import _marked
from warp_cortex.attention.shared import Limits
from warp_cortex.cache.slots import Slots
from warp_cortex.context.queries import QueryLog
from warp_cortex.decode.decoder import Decoder
from warp_cortex.thoughts.injection import Injector

from tests.engine.script import PROMPT, config, run, scripted
from tests.engine.tiny import build_prism


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("llama") as built:
        yield built


def test_a_task_is_read_after_what_it_reads_is_written(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every stream is marked where it is opened, and its mark is waited for before its task is
    read.
    """
    told: list[str] = []
    admit = StreamBatch.admit

    def marked(_: Any) -> SimpleNamespace:
        number = sum(word.startswith("open") for word in told) + 1
        told.append(f"open {number}")
        return SimpleNamespace(wait=lambda: told.append(f"wait {number}"))

    def watched(self: StreamBatch, agents: list[int], *rest: Any) -> Any:
        told.extend(f"read {agent}" for agent in agents)
        return admit(self, agents, *rest)

    monkeypatch.setattr("warp_cortex.agents.runner._marked", marked)
    monkeypatch.setattr(StreamBatch, "admit", watched)
    Cortex(prism, config(streams=StreamConfig(max_tokens=3, slots=2, stop=()))).fork(
        PROMPT, ["one", "two", "three"]
    )
    for stream in (1, 2, 3):
        order = [word.split()[0] for word in told if word.endswith(str(stream))]
        assert order == ["open", "wait", "read"]


def test_a_cpu_needs_no_marks(prism: Prism) -> None:
    """Elsewhere than on CUDA nothing is recorded and nobody waits."""
    assert _marked(prism.device) is None


@pytest.mark.parametrize("mode", ["cooperative", "concurrent"])
def test_thoughts_are_taken_back_on_the_rivers_own_stream(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Revoking works where the River works; measuring, which may take long, only waits for what the
    River has done.
    """
    scripted(monkeypatch, prism)
    cortex, _ = run(prism, mode=mode, gate=GateConfig(theta=-1))
    assert cortex._run is not None
    assert cortex._run.device_stream is None, "this run had none"
    told: list[Any] = []

    @contextmanager
    def on(stream: Any) -> Iterator[None]:
        told.append(("enter", stream))
        yield
        told.append(("leave", stream))

    revoke, still = Injector.revoke, Injector.still
    monkeypatch.setattr(
        Injector, "revoke", lambda self, number: told.append("revoke") or revoke(self, number)
    )
    monkeypatch.setattr(Injector, "still", lambda self: told.append("still") or still(self))
    monkeypatch.setattr("torch.cuda.stream", on)
    here = SimpleNamespace(wait_stream=lambda stream: told.append(("wait", stream)))
    monkeypatch.setattr("torch.cuda.current_stream", lambda _: here)
    cortex._run.device_stream = "high"  # type: ignore[assignment] # a stand-in
    cortex.influence(1)
    cortex.revoke(1)
    assert told == [("wait", "high"), "still", ("enter", "high"), "revoke", ("leave", "high")]


@pytest.mark.parametrize(("tokens", "moves"), [(1, 0), (8, 1)])
def test_keeping_queries_waits_for_no_device(
    monkeypatch: pytest.MonkeyPatch, tokens: int, moves: int
) -> None:
    """Which queries to keep goes to the device once a chunk, and of a written token not at all."""
    log, moved, to = QueryLog(window=1, samples=2), [], Tensor.to

    def watched(self: Tensor, device: torch.device) -> Tensor:
        moved.extend([self.shape] if self.device != device else [])
        return to(self, device)

    monkeypatch.setattr(Tensor, "to", watched)
    log.plan(0, tokens, tokens)
    for layer in range(3):
        log.tap(layer, torch.ones(1, 2, tokens, 4, device="meta"), Limits())
    log.commit(torch.zeros(tokens, dtype=torch.long, device="meta"), reading=tokens > 1)
    assert len(moved) == moves
    assert len(log.positions) == (3 if tokens > 1 else 1)


def test_counting_entries_waits_for_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lengths a scheduler counts are handed to the device behind the pass that is still going
    on there.
    """
    slots = Slots(
        num_layers=1,
        num_kv_heads=1,
        head_dim=2,
        dtype=torch.float32,
        device="meta",
        slots=2,
        capacity=4,
    )
    slots.admit([None, None])
    waits, copy = [], Tensor.copy_

    def watched(self: Tensor, given: Tensor, *, non_blocking: bool = False) -> Tensor:
        waits.append(not non_blocking)
        return copy(self, given, non_blocking=non_blocking)

    monkeypatch.setattr(Tensor, "copy_", watched)
    slots.advance(0, [1, 2])
    assert waits == [False]
    assert slots.lengths == [1, 2]


def test_a_step_is_launched_on_the_models_own_gpu(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several GPUs, one that is not the current one: kernels go where their tensors are."""
    told: list[Any] = []

    @contextmanager
    def current(device: torch.device) -> Iterator[None]:
        told.append(device)
        yield
        told.append("left")

    decoder = Decoder(prism.model, prism.layout)
    monkeypatch.setattr("torch.cuda.device", current)
    monkeypatch.setattr(decoder, "device", torch.device("cuda", 1))
    monkeypatch.setattr(decoder, "_states", lambda *_: told.append("step"))
    decoder.states(torch.zeros(1), torch.zeros(1), torch.zeros(1), None)  # type: ignore[arg-type] # nothing looks at it
    assert told == [torch.device("cuda", 1), "step", "left"]
