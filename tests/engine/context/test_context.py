"""A context: reading, writing, evicting, forking, and its point clouds."""

import threading
from collections.abc import Iterator

import pytest
import torch
from warp_cortex import Context, InjectionConfig, Prism
from warp_cortex.thoughts.injection import Injector

from tests.engine.oracle import cache_of, feed, reference
from tests.engine.tiny import FAMILIES, build_prism, random_ids

TIGHT = {"rtol": 1e-4, "atol": 2e-5}
TEXT = random_ids(40, seed=1)


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def any_prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model of one family."""
    with build_prism(request.param) as built:
        yield built


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """One family, where the law does not depend on the model."""
    with build_prism("qwen3") as built:
        yield built


def river(prism: Prism, *, chunk: int = 2048) -> Context:
    """Return a context that read the text."""
    context = Context(prism)
    assert context.read(TEXT, chunk=chunk)
    return context


@pytest.mark.parametrize("chunk", [1, 7, 39, 40])
def test_reading_in_chunks_equals_one_pass(any_prism: Prism, chunk: int) -> None:
    """Chunked prefill gives the logits, entries and states of one pass and of transformers."""
    whole = river(any_prism)
    pieces = river(any_prism, chunk=chunk)
    for one, other in ((whole.logits, pieces.logits), (whole.last, pieces.last)):
        assert one is not None
        assert other is not None
        torch.testing.assert_close(one, other, **TIGHT)
    torch.testing.assert_close(whole.middle, pieces.middle, **TIGHT)
    torch.testing.assert_close(whole.store.share().values, pieces.store.share().values, **TIGHT)
    assert whole.logits is not None
    torch.testing.assert_close(
        whole.logits, feed(any_prism.spec.name.removeprefix("tiny-"), TEXT)[-1], **TIGHT
    )


def test_states_are_the_models_own(any_prism: Prism) -> None:
    """The middle state enters the middle layer; from the last one the vocabulary is projected."""
    context = river(any_prism)
    twin = reference(any_prism.spec.name.removeprefix("tiny-"))
    with torch.no_grad():
        states = twin(input_ids=torch.tensor([TEXT]), output_hidden_states=True).hidden_states
    torch.testing.assert_close(context.middle, states[any_prism.middle_layer][0], **TIGHT)
    assert context.last is not None
    torch.testing.assert_close(context.last, states[-1][0, -1], **TIGHT)


def test_writing_equals_reading(any_prism: Prism) -> None:
    """Token by token, text, entries, states and logits become those of reading all at once."""
    written = Context(any_prism)
    read = Context(any_prism)
    written.read(TEXT[:30])
    pieces = "".join(written.write(token) for token in TEXT[30:])
    read.read(TEXT)
    assert written.ids == read.ids == TEXT
    assert written.text == read.text
    assert read.text.endswith(pieces)
    torch.testing.assert_close(written.store.share().keys, read.store.share().keys, **TIGHT)
    torch.testing.assert_close(written.middle, read.middle, **TIGHT)


def test_points_have_the_shapes_they_promise(prism: Prism) -> None:
    """Every space, layer and head choice gives float32 [T, P], centred unless asked otherwise."""
    context = river(prism)
    spec = prism.spec
    layers = spec.num_layers
    heads = spec.num_kv_heads
    size = spec.head_dim
    for space in ("keys", "rotated", "values"):
        assert context.points(space).shape == (40, layers * heads * size)
        assert context.points(space, layer=1).shape == (40, heads * size)
        assert context.points(space, layer=-1, head=1).shape == (40, size)
        assert context.points(space, head="mean").shape == (40, layers * size)
        assert context.points(space).dtype == torch.float32
        assert context.points(space).mean(0).abs().max() < 1e-5
        assert torch.equal(context.points(space, layer=-1), context.points(space, layer=layers - 1))
        assert context.points(space, centre=False).mean(0).abs().max() > 1e-2
    assert context.points("hidden").shape == (40, spec.hidden_size)
    assert torch.equal(context.points("hidden", centre=False), context.middle)


def test_no_layer_drowns_the_others(prism: Prism) -> None:
    """Of all layers together each has unit mean square; one layer alone keeps its scale."""
    cloud = river(prism).points("values")
    for part in cloud.chunk(prism.spec.num_layers, dim=1):
        assert float(part.square().mean()) == pytest.approx(1, rel=1e-4)
    alone = river(prism).points("values", layer=0)
    assert float(alone.square().mean()) != pytest.approx(1, rel=1e-2)


def test_a_heads_points_are_its_entries(prism: Prism) -> None:
    """Rotated keys and values are the cache's numbers, by head; mean averages the heads."""
    context = river(prism)
    block = context.store.data[2, :, :, :40]
    for which, space in enumerate(("rotated", "values")):
        assert torch.equal(context.points(space, layer=2, head=1, centre=False), block[which, 1])
        mean = context.points(space, layer=2, head="mean", centre=False)
        torch.testing.assert_close(mean, block[which].mean(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"space": "key"},
            r"space 'key' is unknown; .*keys, rotated, values, hidden; did you mean 'keys'\?",
        ),
        ({"layer": 3}, "layer must be a whole number from 0 to 2, got 3"),
        ({"layer": -4}, "layer must be a whole number from 0 to 2, got -4"),
        ({"head": 2}, "head must be a whole number from 0 to 1, got 2"),
        ({"head": "max"}, "head must be a whole number from 0 to 1, got 'max'"),
        ({"layer": True}, "layer must be a whole number from 0 to 2, got True"),
    ],
)
def test_wrong_clouds_are_named(prism: Prism, options: dict[str, object], message: str) -> None:
    """A space, layer or head that does not exist is named with what would be accepted."""
    with pytest.raises(ValueError, match=message):
        river(prism).points(**options)


def test_points_are_of_held_visible_tokens_only(prism: Prism) -> None:
    """Injected entries and evicted ones have no point; those left keep theirs."""
    context = river(prism)
    before = context.points("values", layer=0, centre=False)
    Injector(context, InjectionConfig()).inject("a thought", stream=1)
    assert torch.equal(context.points("values", layer=0, centre=False), before)
    context.evict(sinks=2, window=10)
    held = [0, 1, *range(30, 40)]
    assert context.positions.tolist() == held
    assert torch.equal(context.points("values", layer=0, centre=False), before[held])
    assert torch.equal(context.points("hidden", centre=False), context.middle[held])
    evidence = context.evidence()
    assert (evidence.num_tokens, evidence.attention.shape, evidence.received.shape) == (
        12,
        (32, 12),
        (12,),
    )


def test_eviction_comes_in_batches_and_keeps_sinks_window_and_thoughts(prism: Prism) -> None:
    """Eviction waits for a quarter of the window, and never takes a sink or a thought."""
    context = river(prism)
    context.evict(sinks=2, window=32)
    assert len(context.positions) == 40
    Injector(context, InjectionConfig(template="{thought}")).inject("x", stream=1)
    for token in random_ids(5, seed=2):
        context.write(token)
        context.evict(sinks=2, window=32)
    assert context.positions.tolist() == [0, 1, *range(11, 43), 43, 44]
    assert context.kinds.count("injected") == 1
    assert context.num_tokens == len(context.ids) == len(context.tokens) == 45


def test_an_evicted_token_is_out_of_sight(prism: Prism) -> None:
    """After evicting, the River's logits are transformers' over the entries that are left."""
    context = river(prism)
    context.evict(sinks=2, window=10)
    cache = cache_of(context.store.share())
    context.write(9)
    assert context.logits is not None
    torch.testing.assert_close(
        context.logits, feed("qwen3", [9], positions=range(40, 41), cache=cache)[-1], **TIGHT
    )


def test_a_fork_is_independent(prism: Prism) -> None:
    """Neither context sees what the other writes: text, entries, states, partial characters."""
    context = river(prism)
    for token in prism.encode("é")[:1]:  # half a character
        context.write(token)
    fork = context.fork()
    rest = prism.encode("é")[1]
    assert fork.write(rest) == context.write(rest) == "é"
    fork.write(5)
    assert context.num_tokens == fork.num_tokens - 1 == 42
    other = river(prism)
    for token in prism.encode("é"):
        other.write(token)
    assert torch.equal(context.middle, other.middle)
    assert torch.equal(context.store.share().keys, other.store.share().keys)


def test_a_fork_costs_nothing_until_it_writes(prism: Prism) -> None:
    """Entries and states are shared by reference, and the first to write moves to its own."""
    context = river(prism)
    fork = context.fork()
    assert fork.store.data.data_ptr() == context.store.data.data_ptr()
    assert fork.middle.data_ptr() == context.middle.data_ptr()
    before = [fork.store.share().keys.clone(), fork.middle.clone()]
    for token in random_ids(60, seed=5):
        context.write(token)
    assert all(map(torch.equal, before, (fork.store.share().keys, fork.middle)))
    fork.write(9)
    assert fork.store.data.data_ptr() != context.store.data.data_ptr()
    assert torch.equal(context.middle[:40], before[1])


def test_a_viewer_may_look_while_the_river_writes(prism: Prism) -> None:
    """A fork taken by another thread is whole: clouds, attention and text fit together."""
    context = river(prism)
    done = threading.Event()

    def write() -> None:
        for token in random_ids(300, seed=6):
            context.write(token)
        done.set()

    writer = threading.Thread(target=write, name="writer")
    writer.start()
    looks = 0
    while not done.is_set():
        still = context.fork()
        count = len(still.positions)
        assert still.points("values", layer=0).shape[0] == still.points("hidden").shape[0] == count
        assert still.received().shape == (count,)
        assert still.evidence().num_tokens == count <= still.num_tokens == len(still.tokens)
        looks += 1
    writer.join()
    assert looks > 3


def test_reading_can_be_watched_and_stopped(prism: Prism) -> None:
    """Progress counts tokens; a stop between two chunks leaves what was read."""
    seen: list[tuple[int, int]] = []
    context = Context(prism)
    stopped = context.read(
        TEXT, chunk=15, progress=lambda *done: seen.append(done), should_stop=lambda: len(seen) == 2
    )
    assert not stopped
    assert seen == [(15, 40), (30, 40)]
    assert context.num_tokens == len(context.positions) == len(context.middle) == 30


def test_a_text_beyond_the_models_positions_is_refused_before_anything_is_read(
    prism: Prism,
) -> None:
    """The error names both numbers and how much to cut."""
    context = Context(prism)
    with pytest.raises(
        ValueError, match=r"513 tokens do not fit: tiny-qwen3 has 512 positions; .* by 1 tokens"
    ):
        context.read([5] * 513)
    context.read([5] * 512)
    with pytest.raises(ValueError, match="shorten the text by 1 tokens"):
        context.write(5)
    assert context.num_tokens == 512
