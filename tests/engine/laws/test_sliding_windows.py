"""Sliding windows and soft caps are honoured by position, for shared and private entries, or the
model is refused.
"""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache
from warp_cortex import (
    Context,
    InjectionConfig,
    Prism,
    SharedKV,
    StreamBatch,
    Synapse,
    SynapseConfig,
)
from warp_cortex.thoughts.injection import GAP, Injector

from tests.engine.oracle import cache_of
from tests.engine.tiny import build_model, build_tokenizer, random_ids

TIGHT = {"rtol": 1e-4, "atol": 2e-5}
WINDOW = 16
TEXT = random_ids(50, seed=1)
PROMPT = random_ids(20, seed=2)
MODELS = {"gemma2": {}, "mistral": {"sliding_window": WINDOW}, "phi3": {"sliding_window": WINDOW}}


@pytest.fixture(scope="module", params=sorted(MODELS))
def family(request: pytest.FixtureRequest) -> str:
    """The family under test."""
    return str(request.param)


@pytest.fixture(scope="module")
def prism(family: str) -> Iterator[Prism]:
    """A model some or all of whose layers are blind beyond sixteen positions."""
    with Prism(build_model(family, **MODELS[family]), build_tokenizer(), name=family) as built:
        yield built


def by_position(queries: Tensor, keys: Tensor, window: int | None) -> Tensor:
    """Return the additive mask [T, S]: nothing ahead, and nothing `window` positions back or
    further.
    """
    distance = queries[:, None] - keys[None]
    hidden = distance < 0 if window is None else (distance < 0) | (distance >= window)
    return torch.zeros(distance.shape).masked_fill(hidden, float("-inf"))


@torch.no_grad()
def go_on(family: str, ids: list[int], first: int, held: Tensor, cache: DynamicCache) -> Tensor:
    """Return the twin's logits [V] after ids from position `first` on, its windows given by
    position.
    """
    model = build_model(family, **MODELS[family])
    model.set_attn_implementation("eager")
    places = torch.arange(first, first + len(ids))
    seen = torch.cat((held, places))
    masks = {
        "full_attention": by_position(places, seen, None),
        "sliding_attention": by_position(places, seen, WINDOW),
    }
    masks = {name: mask[None, None] for name, mask in masks.items()}
    types = getattr(model.config, "layer_types", None)
    mask = masks if types and len(set(types)) > 1 else masks["sliding_attention"]
    out = model(
        input_ids=torch.tensor([ids]),
        position_ids=places[None],
        past_key_values=cache,
        attention_mask=mask,
    )
    logits: Tensor = out.logits[0, -1]
    return logits


def river(prism: Prism, *, chunk: int = 2048) -> Context:
    """Return a context longer than three windows."""
    context = Context(prism)
    context.read(TEXT, chunk=chunk)
    return context


@pytest.mark.parametrize("chunk", [2048, 13])
def test_reading_equals_the_model_itself(family: str, prism: Prism, chunk: int) -> None:
    """A text longer than the window has the logits of the untouched model, read in one piece or in
    chunks.
    """
    with torch.no_grad():
        want = build_model(family, **MODELS[family])(input_ids=torch.tensor([TEXT])).logits[0, -1]
    got = river(prism, chunk=chunk).logits
    assert got is not None
    torch.testing.assert_close(got, want, **TIGHT)


def test_writing_equals_the_model_itself(family: str, prism: Prism) -> None:
    """Token by token, the window moves along."""
    context = river(prism)
    for token in PROMPT:
        context.write(token)
    with torch.no_grad():
        want = build_model(family, **MODELS[family])(
            input_ids=torch.tensor([TEXT + PROMPT])
        ).logits[0, -1]
    assert context.logits is not None
    torch.testing.assert_close(context.logits, want, **TIGHT)


@pytest.mark.parametrize("k", [6, 30, 50])
def test_shared_landmarks_are_hidden_by_their_position(family: str, prism: Prism, k: int) -> None:
    """Streams see a landmark in a sliding layer only while it lies inside the window, and their own
    entries too.
    """
    snapshot = Synapse(SynapseConfig(k=k, sinks=2, recent=3)).publish(river(prism))
    batch = StreamBatch(prism, snapshot)
    got = batch.admit([0, 1], [PROMPT, PROMPT[:4]], [None, None]).logits
    for row, ids in enumerate((PROMPT, PROMPT[:4])):
        want = go_on(family, ids, len(TEXT), snapshot.kv.positions, cache_of(snapshot.kv))
        torch.testing.assert_close(got[row], want, **TIGHT)
    got = batch.step(torch.tensor([9, 10])).logits
    want = go_on(family, [*PROMPT, 9], len(TEXT), snapshot.kv.positions, cache_of(snapshot.kv))
    torch.testing.assert_close(got[0], want, **TIGHT)


def test_a_thought_ahead_is_seen_and_sees_no_further_than_the_window(
    family: str, prism: Prism
) -> None:
    """Injected with a gap, a thought looks back from its virtual positions, not from the end of the
    text.
    """
    short = TEXT[:4]  # shorter than the window, so only the gap makes the window matter
    context = Context(prism)
    context.read(short)
    Injector(context, InjectionConfig(template="{thought}", anchor="gap")).inject("ahead", stream=1)
    cache = DynamicCache()
    held = torch.arange(len(short))
    go_on(family, short, 0, held[:0], cache)
    first = len(short) + GAP
    go_on(family, prism.encode("ahead"), first, held, cache)
    for layer, entry in enumerate(cache.layers):
        got = context.store.data[layer, :, :, : context.store.length]
        torch.testing.assert_close(got[0], entry.keys[0], **TIGHT)
        torch.testing.assert_close(got[1], entry.values[0], **TIGHT)


def test_a_bias_reaches_every_layer_and_group(family: str, prism: Prism) -> None:
    """A landmark with log-mass log 3 weighs as much as three copies of it, window and soft cap
    included.
    """
    context = river(prism)
    rows = torch.tensor([0, 5, 45, 49])
    once = context.store.gather(rows)
    mass = (
        torch.tensor([0.0, 0.0, 3.0, 0.0])
        .clamp_min(1)
        .log()
        .expand(*once.keys.shape[:2], 4)
        .contiguous()
    )
    heavy = SharedKV(once.keys, once.values, once.positions, mass)
    thrice = context.store.gather(torch.tensor([0, 5, 45, 45, 45, 49]))
    logits = []
    for block in (heavy, thrice):
        synapse = Synapse(SynapseConfig(k=4, sinks=2, recent=2)).publish(context)
        snapshot = type(synapse)(
            1, len(TEXT), block, once.positions, once.positions, 0.0, "test", "", ""
        )
        logits.append(
            StreamBatch(prism, snapshot).admit([0, 1], [PROMPT, PROMPT[:4]], [None, None]).logits
        )
    torch.testing.assert_close(logits[0], logits[1], **TIGHT)
