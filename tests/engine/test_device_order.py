"""What CUDA needs and a CPU gives for free: whoever reads what another lane has written waits for it on the device.

There is no GPU here: events and streams are stand-ins that write down when they are asked to wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from warp_cortex import Cortex, GateConfig, Prism, StreamBatch, StreamConfig
from warp_cortex.injection import Injector
from warp_cortex.lane import _marked

from tests.engine.script import PROMPT, config, run, scripted
from tests.engine.tiny import build_prism


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("llama") as built:
        yield built


def test_a_task_is_read_after_what_it_reads_is_written(prism: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stream is marked where it is opened, and its mark is waited for before its task is read."""
    told: list[str] = []
    admit = StreamBatch.admit

    def marked(_: Any) -> SimpleNamespace:
        number = sum(word.startswith("open") for word in told) + 1
        told.append(f"open {number}")
        return SimpleNamespace(wait=lambda: told.append(f"wait {number}"))

    def watched(self: StreamBatch, agents: list[int], *rest: Any) -> Any:
        told.extend(f"read {agent}" for agent in agents)
        return admit(self, agents, *rest)

    monkeypatch.setattr("warp_cortex.lane._marked", marked)
    monkeypatch.setattr(StreamBatch, "admit", watched)
    Cortex(prism, config(streams=StreamConfig(max_tokens=3, slots=2, stop=()))).fork(PROMPT, ["one", "two", "three"])
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
    """Revoking works where the River works; measuring, which may take long, only waits for what the River has done."""
    scripted(monkeypatch, prism)
    cortex, _ = run(prism, mode=mode, gate=GateConfig(theta=-1))
    assert cortex._council is not None
    assert cortex._council.stream is None, "this run had none"
    told: list[Any] = []

    @contextmanager
    def on(stream: Any) -> Iterator[None]:
        told.append(("enter", stream))
        yield
        told.append(("leave", stream))

    revoke, still = Injector.revoke, Injector.still
    monkeypatch.setattr(Injector, "revoke", lambda self, number: told.append("revoke") or revoke(self, number))
    monkeypatch.setattr(Injector, "still", lambda self: told.append("still") or still(self))
    monkeypatch.setattr("torch.cuda.stream", on)
    here = SimpleNamespace(wait_stream=lambda stream: told.append(("wait", stream)))
    monkeypatch.setattr("torch.cuda.current_stream", lambda _: here)
    cortex._council.stream = "high"  # type: ignore[assignment] # a stand-in
    cortex.influence(1)
    cortex.revoke(1)
    assert told == [("wait", "high"), "still", ("enter", "high"), "revoke", ("leave", "high")]
