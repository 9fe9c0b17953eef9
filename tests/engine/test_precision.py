"""Autocast around the engine changes nothing: a model has a precision of its own."""

from collections.abc import Iterator

import pytest
import torch
from warp_cortex import (
    Cortex,
    CortexConfig,
    Failure,
    GateConfig,
    Prism,
    RiverConfig,
    StreamConfig,
    SynapseConfig,
)
from warp_cortex.precision import in_own_precision, own_precision
from warp_cortex.trace.trace import to_record

from tests.engine.tiny import build_model, build_tokenizer

TEXT = "hello there [TASK: look for the key] my friend"
CASTS = (torch.bfloat16, torch.float16)


@pytest.fixture(params=["llama", "gemma2", "gpt2"])
def prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A model with the compiled decoder, and two without."""
    with Prism(build_model(request.param), build_tokenizer()) as built:
        yield built


@pytest.mark.parametrize("cast", CASTS)
def test_a_context_is_the_same_to_the_bit(prism: Prism, cast: torch.dtype) -> None:
    """Read, written to, looked at and forked over."""

    def looked_at() -> list[torch.Tensor]:
        context = prism.read(TEXT)
        context.write(40)
        assert context.logits is not None
        return [context.logits, context.points("hidden"), context.attention(), context.received()]

    config = CortexConfig(synapse=SynapseConfig(k=8), streams=StreamConfig(max_tokens=3))
    want = looked_at()
    streams = [stream.ids for stream in Cortex(prism, config).fork(TEXT, ["a", "b"])]
    with torch.autocast("cpu", dtype=cast):
        got = looked_at()
        assert [stream.ids for stream in Cortex(prism, config).fork(TEXT, ["a", "b"])] == streams
    assert all(map(torch.equal, got, want))


@pytest.mark.parametrize("cast", CASTS)
def test_a_run_says_the_same(prism: Prism, cast: torch.dtype) -> None:
    """Every event; and the code between two events still computes under autocast."""
    config = CortexConfig(
        synapse=SynapseConfig(k=8),
        river=RiverConfig(max_tokens=4),
        streams=StreamConfig(max_tokens=3),
        gate=GateConfig(theta=-1),
    )
    want = [to_record(event) for event in Cortex(prism, config).run(TEXT)]
    got = []
    with torch.autocast("cpu", dtype=cast):
        for event in Cortex(prism, config).run(TEXT):
            assert not isinstance(event, Failure)
            assert torch.is_autocast_enabled("cpu")
            got.append(to_record(event))
    timeless = [[{**record, "time_s": None} for record in records] for records in (got, want)]
    assert timeless[0] == timeless[1]


def test_a_prism_may_be_made_under_autocast() -> None:
    """It is judged in its own precision."""
    with (
        torch.autocast("cpu", dtype=torch.bfloat16),
        Prism(build_model("llama"), build_tokenizer()) as prism,
    ):
        assert prism.decoder is not None


def test_the_block_is_nothing_where_autocast_is_off() -> None:
    """And where it is on, it is on again behind it."""
    with own_precision():
        assert not torch.is_autocast_enabled("cpu")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with own_precision():
            assert not torch.is_autocast_enabled("cpu")
        assert torch.is_autocast_enabled("cpu")


def test_a_generator_that_is_given_up_is_closed() -> None:
    """Its own cleaning up runs at once."""
    closed = []

    @in_own_precision
    def numbers() -> Iterator[int]:
        try:
            yield from range(3)
        finally:
            closed.append(torch.is_autocast_enabled("cpu"))

    found = numbers()
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]
    assert closed == [False]
