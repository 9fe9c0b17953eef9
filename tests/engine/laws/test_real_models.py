"""The laws on real models, against transformers' own pass, in every precision they have."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, DynamicCache
from warp_cortex import (
    Context,
    InjectionConfig,
    Prism,
    StreamBatch,
    Synapse,
    SynapseConfig,
    bundled,
)
from warp_cortex.attention.shared import Plan
from warp_cortex.model.compatibility import error
from warp_cortex.thoughts.injection import Injector

from tests.engine import real
from tests.engine.oracle import cache_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("real models")]

LENGTH = 200  # tokens of ordinary English
LATER = 24  # of them are written one by one
THOUGHT = "the lighthouse is closed on Tuesdays"
PRECISIONS = {
    "smollm2": (torch.float32, torch.bfloat16, torch.float16),
    "gemma3-270m": (torch.float32, torch.bfloat16),  # transformers' own float16 overflows
}
CASES = [(name, dtype) for name, dtypes in PRECISIONS.items() for dtype in dtypes]


@dataclass(frozen=True)
class Real:
    """A real model lent to the engine, its twin, and what the twin makes of the text.

    want: the twin's logits [LENGTH, V]. spreads: the error between the twin's two implementations
    at every token. allowed: the largest error that one answer may have.
    """

    prism: Prism
    twin: Any
    ids: list[int]
    want: Tensor
    spreads: Tensor
    allowed: float

    @torch.no_grad()
    def feed(self, ids: list[int], first: int = 0, cache: DynamicCache | None = None) -> Tensor:
        """Return the twin's logits [T, V] after reading ids from position `first` on."""
        positions = torch.arange(first, first + len(ids))[None]
        held = DynamicCache() if cache is None else cache
        made: Tensor = self.twin(
            input_ids=torch.tensor([ids]), position_ids=positions, past_key_values=held
        ).logits
        return made[0]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def model(request: pytest.FixtureRequest) -> Iterator[Real]:
    """One model in one precision."""
    name, dtype = request.param
    folder = real.folder_of(name)
    twin = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    with Prism.load(folder, dtype=dtype) as prism:
        text = bundled("contexts/guide.txt").read_text(encoding="utf-8")
        ids = prism.encode(text, start=True)[:LENGTH]
        lent = Real(prism, twin, ids, *spread(twin, ids), 0.0)
        allowed = 1e-3 if dtype == torch.float32 else 2 * float(lent.spreads.max())
        yield Real(prism, twin, ids, lent.want, lent.spreads, allowed)


@torch.no_grad()
def spread(twin: Any, ids: list[int]) -> tuple[Tensor, Tensor]:
    """Return a model's logits [T, V], and by how much its two implementations differ, [T]."""
    found = {}
    for name in ("eager", "sdpa"):
        twin.set_attn_implementation(name)
        found[name] = twin(input_ids=torch.tensor([ids])).logits[0]
    return found["sdpa"], errors(found["eager"], found["sdpa"])


def errors(ours: Tensor, own: Tensor) -> Tensor:
    """Return the error of every token's logits."""
    return torch.tensor([error(one, other) for one, other in zip(ours, own, strict=True)])


def agree(model: Real, got: Tensor | None, want: Tensor) -> None:
    """Assert that one answer [V] is the twin's, as closely as the twin agrees with itself."""
    assert got is not None
    assert error(got, want) <= model.allowed


def read(model: Real, count: int = LENGTH) -> Context:
    """Read the first tokens of the text in pieces."""
    context = Context(model.prism)
    context.read(model.ids[:count], chunk=64)
    return context


def test_two_hundred_tokens_agree_as_closely_as_transformers_with_itself(model: Real) -> None:
    """The logits behind every token of one pass, each and in the mean."""
    places = torch.arange(LENGTH)
    plan = Plan(places[None], places[None], causal=True, span=LENGTH)
    view = model.prism.new_store(LENGTH).view(places)
    got = model.prism.forward(torch.tensor([model.ids]), plan, view, every=True).every
    assert got is not None
    found = errors(got[0], model.want)
    assert float(found.max()) <= model.allowed
    assert float(found.mean()) <= 1e-4 + 1.5 * float(model.spreads.mean())


def test_tokens_written_one_by_one_agree_as_closely(model: Real) -> None:
    """The decode steps, compiled or not, each and in the mean."""
    context = read(model, LENGTH - LATER)
    got = []
    for token in model.ids[LENGTH - LATER :]:
        context.write(token)
        assert context.logits is not None
        got.append(context.logits)
    found = errors(torch.stack(got), model.want[LENGTH - LATER :])
    assert float(found.max()) <= model.allowed
    assert float(found.mean()) <= 1e-4 + 1.5 * float(model.spreads.mean())


def test_reading_in_pieces_is_reading(model: Real) -> None:
    """The prefill, whatever the chunk."""
    agree(model, read(model).logits, model.want[-1])


def test_every_token_as_a_landmark_is_the_models_continuation(model: Real) -> None:
    """Streams in one batch go on as the text itself does."""
    start = LENGTH - LATER
    snapshot = Synapse(SynapseConfig(k=start)).publish(read(model, start))
    batch = StreamBatch(model.prism, snapshot)
    ids = model.ids[start:]
    got = [*batch.admit([0, 1], [ids[:4], ids[:2]], [None, None]).logits]
    got += [*batch.step(torch.tensor([ids[4], ids[2]])).logits]
    for row, place in zip(got, (3, 1, 4, 2), strict=True):
        agree(model, row, model.want[start + place])


def test_a_shared_block_is_a_private_copy(model: Real) -> None:
    """A stream over some landmarks has the logits of transformers' cache holding their copies."""
    snapshot = Synapse(SynapseConfig(k=48)).publish(read(model))
    prompt = model.prism.encode(" Question: when is it open?")
    batch = StreamBatch(model.prism, snapshot)
    got = batch.admit([0], [prompt], [None]).logits[0]
    want = model.feed(prompt, LENGTH, cache_of(snapshot.kv))[-1]
    agree(model, got, want)


def test_an_injected_thought_is_what_reading_it_would_be(model: Real) -> None:
    """The next token, at its own position, sees text and thought; revoked, only the text."""
    context = read(model)
    injector = Injector(context, InjectionConfig(template="{thought}"))
    made = injector.inject(THOUGHT, stream=1)
    token = model.ids[5]
    context.write(token)
    cache = DynamicCache()
    model.feed(model.ids, cache=cache)
    plain = model.feed([*model.ids, token])[-1]
    model.feed(model.prism.encode(THOUGHT), LENGTH, cache)
    want = model.feed([token], LENGTH, cache)[-1]
    agree(model, context.logits, want)
    assert error(want, plain) > model.allowed
    assert injector.revoke(made.id) == 1
    agree(model, context.logits, plain)
    untouched = read(model)
    untouched.write(token)
    assert torch.equal(context.logits, untouched.logits)
    held = context.store.length
    assert torch.equal(context.store.data[:, :, :, :held], untouched.store.data[:, :, :, :held])
