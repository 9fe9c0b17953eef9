"""Law 4: an injected thought is what having read it would be, and what is revoked was never there,
to the bit.
"""

from collections.abc import Iterator
from itertools import permutations

import pytest
import torch
from transformers import DynamicCache
from warp_cortex import ANCHORS, Context, InjectionConfig, Prism
from warp_cortex.thoughts.injection import GAP, Injector

from tests.engine.oracle import cache_of, feed, triangle
from tests.engine.tiny import FAMILIES, build_prism, random_ids

TIGHT = {"rtol": 1e-4, "atol": 2e-5}
TEXT = random_ids(40, seed=1)
PLAIN = InjectionConfig(template="{thought}")


@pytest.fixture(scope="module", params=[f for f in FAMILIES if f != "gemma2"])
def prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model of one family, lent to the engine."""
    with build_prism(request.param) as built:
        yield built


@pytest.fixture(scope="module")
def qwen() -> Iterator[Prism]:
    """One family, where the law does not depend on the model."""
    with build_prism("qwen2") as built:
        yield built


def river(prism: Prism, *, written: tuple[int, ...] = ()) -> Context:
    """Return a context that read the text and wrote some tokens."""
    context = Context(prism)
    context.read(TEXT)
    for token in written:
        context.write(token)
    return context


def bits(context: Context) -> list[torch.Tensor]:
    """Return everything a River would go on from."""
    store = context.store
    assert context.logits is not None
    assert context.last is not None
    held = [
        store.data[:, :, :, : store.length],
        store.positions[: store.length],
        store.tags[: store.length],
    ]
    return [*held, context.logits, context.last, context.middle, torch.tensor(context.ids)]


def assert_same_bits(one: Context, other: Context) -> None:
    """Assert that two Rivers can never be told apart."""
    for left, right in zip(bits(one), bits(other), strict=True):
        assert left.shape == right.shape
        assert torch.equal(left, right)


def family_of(prism: Prism) -> str:
    """Return which family's twin is the oracle."""
    return prism.spec.name.removeprefix("tiny-")


def test_a_thought_at_the_next_positions_is_what_reading_it_would_be(prism: Prism) -> None:
    """The next visible token, at its own position, sees exactly transformers' cache of the text and
    the thought.
    """
    context, thought = river(prism), "the key is red"
    Injector(context, PLAIN).inject(thought, stream=1)
    context.write(77)
    cache = DynamicCache()
    feed(family_of(prism), TEXT, cache=cache)
    feed(family_of(prism), prism.encode(thought), cache=cache)
    want = feed(family_of(prism), [77], positions=range(len(TEXT), len(TEXT) + 1), cache=cache)
    assert context.logits is not None
    torch.testing.assert_close(context.logits, want[-1], **TIGHT)


@pytest.mark.parametrize("anchor", ANCHORS)
def test_anchors_choose_the_virtual_positions_and_nothing_else(qwen: Prism, anchor: str) -> None:
    """A thought's entries are those of its tokens at the anchor's positions; the visible text keeps
    its own.
    """
    context = river(qwen)
    before = cache_of(context.store.share())
    made = Injector(context, InjectionConfig(template="{thought}", anchor=anchor)).inject(
        "red", stream=1
    )
    first = {"next": 40, "past": 37, "gap": 40 + GAP}[anchor]
    assert made.positions == tuple(range(first, first + 3))
    mask = triangle(3, 40)
    feed("qwen2", qwen.encode("red"), positions=range(first, first + 3), cache=before, mask=mask)
    for layer in range(qwen.spec.num_layers):
        keys = context.store.data[layer, 0, None, :, : context.store.length]
        torch.testing.assert_close(keys, before.layers[layer].keys, **TIGHT)
    assert context.positions.tolist() == list(range(40))
    assert context.kinds == ["text"] * 40 + ["injected"] * 3
    assert context.next_position == 40


def test_an_injection_leaves_the_rivers_next_choice_alone(prism: Prism) -> None:
    """Visible tokens, their entries, states and the logits already computed keep every bit."""
    context, untouched = river(prism), river(prism)
    Injector(context, PLAIN).inject("a thought", stream=1)
    rows = context.store.text_rows()
    assert torch.equal(context.store.data[:, :, :, rows], untouched.store.data[:, :, :, :40])
    assert context.logits is not None
    assert untouched.logits is not None
    assert torch.equal(context.logits, untouched.logits)
    assert torch.equal(context.middle, untouched.middle)


@pytest.mark.parametrize("written", [(), (50, 60, 70)])
def test_what_is_revoked_was_never_there(prism: Prism, written: tuple[int, ...]) -> None:
    """Revoking leaves a River bit-identical to one that never held the thought, also with text
    written since.
    """
    context = river(prism)
    injector = Injector(context, PLAIN)
    made = injector.inject("the lamp is in the cellar", stream=1)
    for token in written:
        context.write(token)
    assert injector.revoke(made.id) == len(written)
    assert injector.num_tokens == 0
    untouched = river(prism, written=written)
    assert_same_bits(context, untouched)
    context.write(99)
    untouched.write(99)
    assert_same_bits(context, untouched)


def river_that_held(prism: Prism, kept: set[int]) -> tuple[Context, Injector]:
    """Return a River into which only some of three thoughts ever went, two of them at the same
    moment.
    """
    context = river(prism)
    injector = Injector(context, PLAIN)
    for number, then in ((1, (50, 60)), (2, ()), (3, (70,))):
        if number in kept:
            injector._count = number - 1
            injector.inject(f"thought {number}", stream=number)
        for token in then:
            context.write(token)
    return context, injector


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_thoughts_may_be_revoked_in_any_order(qwen: Prism, order: tuple[int, ...]) -> None:
    """After each revocation the River has the bits of one that only ever held the thoughts that are
    left.
    """
    context, injector = river_that_held(qwen, {1, 2, 3})
    kept = {1, 2, 3}
    for number in order:
        injector.revoke(number)
        kept.discard(number)
        assert_same_bits(context, river_that_held(qwen, kept)[0])


def test_influence_is_the_kl_between_the_two_rivers(prism: Prism) -> None:
    """KL per token equals that of logits computed on two separate Rivers, and measuring changes
    nothing.
    """
    written = (50, 60, 70)
    context, without = river(prism), river(prism)
    injector = Injector(context, PLAIN)
    made = injector.inject("the lamp is in the cellar", stream=1)
    wanted = []
    for token in written:
        context.write(token)
        without.write(token)
        assert context.logits is not None
        assert without.logits is not None
        p, q = context.logits.double().log_softmax(-1), without.logits.double().log_softmax(-1)
        wanted.append(float((p.exp() * (p - q)).sum()))
    before = [tensor.clone() for tensor in bits(context)]
    effect = injector.influence(made.id)
    assert effect.first_position == len(TEXT)
    assert effect.kl == pytest.approx(wanted, abs=1e-9)
    assert min(effect.kl) > 1e-6
    assert all(0 < mass < 1 for mass in effect.attention_mass)
    assert all(map(torch.equal, before, bits(context)))


def test_influence_needs_a_token_to_show_in(qwen: Prism) -> None:
    """Right after an injection there is nothing to compare, and the answer is empty, not zero."""
    context = river(qwen)
    injector = Injector(context, PLAIN)
    made = injector.inject("noise", stream=1)
    effect = injector.influence(made.id)
    assert (effect.first_position, effect.kl, effect.attention_mass) == (40, (), ())


def test_more_injected_entries_draw_more_attention(prism: Prism) -> None:
    """The attention mass is a share of one: it grows with the number of injected entries."""
    masses = []
    for thought in ("x", "x" * 30):
        context = river(prism)
        injector = Injector(context, PLAIN)
        made = injector.inject(thought, stream=1)
        context.write(50)
        masses.append(injector.influence(made.id).attention_mass[0])
    assert 0 < masses[0] < masses[1] < 1


def test_a_bounded_river_keeps_thoughts_and_can_revoke_them(qwen: Prism) -> None:
    """Evicting keeps sinks, recent text and thoughts; revoking then equals a River that evicted
    without them.
    """
    context, untouched = river(qwen), river(qwen)
    injector = Injector(context, PLAIN)
    made = injector.inject("kept", stream=1)
    for step, token in enumerate(random_ids(30, seed=4)):
        context.write(token)
        untouched.write(token)
        if step == 20:
            context.evict(sinks=3, window=16)
            untouched.evict(sinks=3, window=16)
    assert context.kinds.count("injected") == 4
    held = context.positions.tolist()
    assert held == untouched.positions.tolist() == [0, 1, 2, *range(45, 70)]
    assert injector.revoke(made.id) == 25
    assert context.kinds == ["text"] * 28
    assert context.positions.tolist() == held
    assert context.num_tokens == 70
    assert context.ids == untouched.ids
    assert context.text == untouched.text


def test_a_prompt_shorter_than_the_sinks_survives_revoking(qwen: Prism) -> None:
    """A thought between the sinks, evicted around: rereading puts every token back at its own
    position.
    """
    context = Context(qwen)
    context.read(TEXT[:2])
    injector = Injector(context, PLAIN)
    made = injector.inject("x", stream=1)
    ids = random_ids(40, seed=5)
    for token in ids:
        context.write(token)
    context.evict(sinks=4, window=8)
    held = context.positions.tolist()
    injector.revoke(made.id)
    assert context.positions.tolist() == held == [0, 1, 2, 3, *range(34, 42)]
    assert context.ids == TEXT[:2] + ids
    assert context.middle.shape == (42, qwen.spec.hidden_size)


def test_what_does_not_fit_is_refused(qwen: Prism) -> None:
    """The cap counts injected tokens; positions must exist; an unknown number is named."""
    context = river(qwen)
    injector = Injector(context, InjectionConfig(template="{thought}", max_tokens=5))
    made = injector.inject("abc", stream=1)
    assert not injector.can_inject("abc")
    with pytest.raises(ValueError, match="stream 7 does not fit: at most 5 injected tokens"):
        injector.inject("abc", stream=7)
    injector.revoke(made.id)
    assert injector.can_inject("abc")
    with pytest.raises(ValueError, match="no injection 1 is in the cache; there are: none"):
        injector.revoke(made.id)
    assert not Injector(context, InjectionConfig(template="{thought}", enabled=False)).can_inject(
        "abc"
    )
    far = Injector(context, InjectionConfig(template="{thought}", anchor="gap"))
    assert not far.can_inject("x" * (qwen.spec.max_positions - GAP - 39))
    assert far.can_inject("x" * (qwen.spec.max_positions - GAP - 40))
