"""A text that does not fit is refused before any work; estimated bytes are those held."""

from collections.abc import Iterator

import pytest
import torch
from warp_cortex import Context, Cortex, CortexConfig, Prism, RiverConfig, Synapse, SynapseConfig
from warp_cortex.context import budget
from warp_cortex.context.budget import available_bytes, bytes_to_read, check_fits
from warp_cortex.context.queries import QueryLog

from tests.engine.tiny import build_prism, random_ids

TEXT = "what does not fit is refused"


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("qwen2", max_position_embeddings=4096) as built:
        yield built


def test_the_estimate_is_what_is_held(prism):
    """The cache to the byte; queries and states no more than said, and not far less."""
    for count in (40, 900):
        context = Context(prism, capacity=count)
        context.read(random_ids(count), chunk=128)
        estimate = bytes_to_read(prism, count, chunk=128)
        assert context.store.num_bytes == estimate.cache
        held = context.queries.num_bytes + context.middle.untyped_storage().nbytes()
        assert held <= estimate.remembered <= 5 * held


def test_the_log_keeps_no_more_queries_than_the_estimate_says():
    """The numbers of remembered queries are the log's own."""
    log = QueryLog()
    assert (log.samples, log.window) == (budget.SAMPLES, budget.WINDOW)


def test_choosing_landmarks_holds_three_clouds(prism):
    """Evidence and point clouds are counted unless every token is shared."""
    with_choice, without = (
        bytes_to_read(prism, 3000, publishes=publishes) for publishes in (True, False)
    )
    context = Context(prism, capacity=3000)
    synapse = Synapse(SynapseConfig())
    context.read(random_ids(20))
    synapse.follow(context)
    assert with_choice.accumulated == synapse.num_bytes
    cloud = context.points("keys")
    assert with_choice.choice == 2 * 3000 * cloud.shape[1] * cloud.element_size()
    assert without.choice == without.accumulated == 0
    for found in (with_choice, without):
        assert found.total == found.cache + found.remembered + found.accumulated + max(
            found.work, found.choice
        )


def test_longer_texts_need_more(prism):
    """Everything but the chunk's work grows with the text."""
    short = bytes_to_read(prism, 2048)
    long = bytes_to_read(prism, 4096)
    assert (long.cache, long.choice, long.work) == (2 * short.cache, 2 * short.choice, short.work)
    assert long.total > short.total


def test_what_does_not_fit_is_named_in_bytes(prism):
    """One byte too few is refused with the bytes needed, those there, and what would fit."""
    need = bytes_to_read(prism, 3000).total
    assert check_fits(prism, 3000, available=need).total == need
    with pytest.raises(
        ValueError, match=rf"3000 tokens do not fit: tiny-qwen2 needs {need:,} bytes"
    ) as error:
        check_fits(prism, 3000, available=need - 1)
    assert f"{need - 1:,} are available on cpu" in str(error.value)
    with pytest.raises(ValueError, match="about 1500 tokens would fit"):
        check_fits(prism, 3000, available=(need + 1) // 2)


def test_positions_come_first(prism):
    """A text longer than the model's positions is refused for that, whatever memory there is."""
    with pytest.raises(
        ValueError,
        match=r"5000 tokens do not fit: tiny-qwen2 has 4096 positions; shorten .* by 904",
    ):
        check_fits(prism, 5000, available=1 << 60)


def test_the_device_is_asked():
    """Available bytes of the processor are those of its memory."""
    assert 0 < available_bytes(torch.device("cpu")) < 1 << 50


def test_reading_fails_before_it_starts(prism, monkeypatch):
    """A text that does not fit is refused before the model is called or a cache allocated."""

    def never(*_: object, **__: object) -> None:
        pytest.fail("the model was called, or a cache made")

    monkeypatch.setattr(budget, "available_bytes", lambda _: 1000)
    monkeypatch.setattr(prism, "forward", never)
    monkeypatch.setattr(prism, "new_store", never)
    with pytest.raises(
        ValueError, match=r"28 tokens do not fit: .* but 1,000 are available on cpu"
    ):
        prism.read(TEXT)
    config = CortexConfig(synapse=SynapseConfig(k=4), river=RiverConfig(max_tokens=2))
    with pytest.raises(
        ValueError, match=r"30 tokens do not fit: .* but 1,000 are available on cpu"
    ):
        list(Cortex(prism, config).run(TEXT))
