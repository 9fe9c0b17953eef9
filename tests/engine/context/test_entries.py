"""Entries that are not visible text become points in the text's units, and move none of these."""

from collections.abc import Iterator

import pytest
import torch
from warp_cortex import (
    Cortex,
    EntryProjector,
    GateConfig,
    Inject,
    Prism,
    StreamToken,
    SynapseConfig,
    injected_entries,
    text_entries,
)

from tests.engine.script import PROMPT, config, scripted
from tests.engine.tiny import build_prism

TEXT = "the brass key is in the cellar and the red box is in the mill"


@pytest.fixture(scope="module", params=["qwen2", "gpt2"])
def prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model, with and without rotary positions."""
    with build_prism(request.param) as built:
        yield built


@pytest.mark.parametrize("space", ["keys", "rotated", "values"])
@pytest.mark.parametrize(
    ("layer", "head"), [(None, None), (None, "mean"), (1, None), (0, 0), (1, "mean")]
)
def test_the_text_lies_where_the_text_lies(
    prism: Prism, space: str, layer: int | None, head: int | str | None
) -> None:
    """The text's own entries, projected like any others, are the text's own points."""
    if space == "keys" and prism.rotary is None:
        pytest.skip("keys that were never rotated are the rotated ones")
    context = prism.read(TEXT)
    placed = EntryProjector(context, space, layer=layer, head=head).points(
        text_entries(context, first=0)
    )
    assert torch.allclose(placed, context.points(space, layer=layer, head=head), atol=1e-5)


def test_later_text_is_placed_without_moving_the_earlier(prism: Prism) -> None:
    """What is written later gets places of its own; those of the first tokens keep every bit."""
    context = prism.read(TEXT)
    projector = EntryProjector(context.fork(), "rotated")
    before = projector.points(text_entries(context, first=0))
    first = context.num_tokens
    for _ in range(3):
        context.write(7)
    after = projector.points(text_entries(context, first=0))
    assert torch.equal(after[:first], before)
    assert torch.equal(projector.points(text_entries(context, first=first)), after[first:])


def test_hidden_states_are_kept_of_visible_tokens_only(prism: Prism) -> None:
    """The message says which spaces there are."""
    with pytest.raises(ValueError, match="keys"):
        EntryProjector(prism.read(TEXT), "hidden")


def test_thoughts_and_streams_can_be_read_between_two_events(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries are those the cache holds: of a thought, of a stream's task and its own tokens."""
    scripted(monkeypatch, prism)
    cortex = Cortex(
        prism, config(gate=GateConfig(theta=-1), synapse=SynapseConfig(k=20, space="rotated"))
    )
    said: dict[int, int] = {}
    seen = 0
    for event in cortex.run(PROMPT):
        if isinstance(event, StreamToken):
            said[event.stream] = said.get(event.stream, 0) + 1
        for entries in cortex.own_entries().values():
            assert torch.isfinite(entries.keys).all()
            assert entries.positions.tolist() == sorted(entries.positions.tolist())
            seen = max(seen, entries.num_entries)
        for stream, entries in cortex.own_entries().items():
            fresh = cortex.own_entries({stream: 2})[stream]
            assert torch.equal(fresh.keys, entries.keys[:, :, 2:])
        if isinstance(event, Inject):
            held = injected_entries(cortex.context)[event.injection]
            assert held.positions.tolist() == event.positions
            assert EntryProjector(cortex.context, "values").points(held).shape[0] == len(
                event.positions
            )
    assert seen > max(said.values())
    assert cortex.own_entries() == {}
    assert cortex.trace.of(Inject)


def test_a_cortex_that_has_not_run_holds_nothing(prism: Prism) -> None:
    """Asking early is no mistake."""
    assert Cortex(prism).own_entries() == {}
