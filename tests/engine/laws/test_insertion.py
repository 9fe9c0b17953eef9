"""Law 4, before the last tokens: a thought that entered there is what having read it there would
be.
"""

from collections.abc import Iterator

import pytest
import torch
from transformers import DynamicCache
from warp_cortex import Context, InjectionConfig, Prism
from warp_cortex.thoughts.injection import Injector

from tests.engine.laws.test_injection import TEXT, TIGHT, assert_same_bits, family_of, river
from tests.engine.oracle import feed, triangle
from tests.engine.tiny import FAMILIES, build_prism, random_ids


@pytest.fixture(scope="module", params=[f for f in FAMILIES if f != "gemma2"])
def prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model of one family."""
    with build_prism(request.param) as built:
        yield built


@pytest.fixture(scope="module")
def qwen() -> Iterator[Prism]:
    """One family, where the law does not depend on the model."""
    with build_prism("qwen2") as built:
        yield built


BACK = InjectionConfig(template="{thought}", anchor="past", back=6)


def test_a_thought_before_the_last_tokens_is_what_reading_it_there_would_be(prism: Prism) -> None:
    """The last tokens see exactly transformers' cache of the text before them and the thought, and
    the next token is chosen with it.
    """
    context = river(prism)
    thought = "the key is red"
    made = Injector(context, BACK).inject(thought, stream=1)
    family = family_of(prism)
    cache = DynamicCache()
    feed(family, TEXT[:34], cache=cache)
    ids = prism.encode(thought)
    first = 34 - len(ids)
    mask = triangle(len(ids), 34)
    mask[:, first:34] = float("-inf")  # visible tokens at its own places
    feed(family, ids, positions=range(first, 34), cache=cache, mask=mask)
    want = feed(
        family, TEXT[34:], positions=range(34, 40), cache=cache, mask=triangle(6, 34 + len(ids))
    )
    assert context.logits is not None
    torch.testing.assert_close(context.logits, want[-1], **TIGHT)
    assert made.positions == tuple(range(first, 34))
    assert made.at == 40
    assert context.positions.tolist() == list(range(40))
    assert context.kinds == ["text"] * 34 + ["injected"] * len(ids) + ["text"] * 6


def test_what_is_revoked_from_before_the_last_tokens_was_never_there(qwen: Prism) -> None:
    """Tokens that the River wrote one by one come back to the bit, whatever was injected since; the
    influence begins with the word after it, the first that it could change.
    """
    written = tuple(random_ids(8, seed=3))
    context = river(qwen, written=written)
    injector = Injector(context, BACK)
    first = injector.inject("the lamp is in the cellar", stream=1)
    second = injector.inject("no, in the barn", stream=2)
    context.write(50)
    assert injector.influence(first.id).first_position == 47
    assert len(injector.influence(second.id).kl) == 2
    injector.revoke(second.id)
    assert injector.revoke(first.id) == 7
    untouched = river(qwen, written=(*written, 50))
    assert_same_bits(context, untouched)


def test_a_text_shorter_than_what_is_read_again_keeps_its_first_token(qwen: Prism) -> None:
    """The first token is an attention sink and stays before the thought."""
    context = Context(qwen)
    context.read(TEXT[:4])
    Injector(context, BACK).inject("ab", stream=1)
    assert context.kinds == ["text", "injected", "injected", "text", "text", "text"]


def test_a_failure_while_a_thought_enters_leaves_the_cache_alone(
    qwen: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error between thought and last tokens, such as no memory, changes no bit."""
    context = river(qwen)
    untouched = river(qwen)
    injector = Injector(context, BACK)
    forward = Context._forward

    def failing(self: Context, ids: list[int], places: range, **more: object) -> object:
        if ids == TEXT[34:]:
            msg = "out of memory"
            raise RuntimeError(msg)
        return forward(self, ids, places, **more)  # type: ignore[arg-type] # as given

    monkeypatch.setattr(Context, "_forward", failing)
    with pytest.raises(RuntimeError, match="out of memory"):
        injector.inject("the key is red", stream=1)
    assert not injector.active
    assert_same_bits(context, untouched)
