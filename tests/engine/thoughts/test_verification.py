"""Draft and verify: probabilities are the model's own, and thresholds keep their promise."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from warp_cortex import Prism
from warp_cortex.context.context import Context
from warp_cortex.thoughts.strangers import (
    own_sentences,
    raised,
    share_passing,
    strangers,
    theta_for,
)
from warp_cortex.thoughts.verification import likelihood, log_probabilities, read_each, verdict

from tests.engine.tiny import build_prism, random_ids

SIMILARITIES = st.lists(st.floats(0, 1), min_size=1, max_size=60)


@pytest.fixture
def prism():
    """A tiny model, closed at the end."""
    with build_prism("qwen2") as found:
        yield found


def test_a_text_read_beside_others_has_the_probabilities_of_a_plain_continuation(prism: Prism):
    """Two routes: one batch over the shared cache, and transformers' own pass over everything."""
    ids = random_ids(40)
    context = Context(prism)
    context.read(ids)
    texts = [random_ids(9, seed=1), random_ids(5, seed=2), random_ids(12, seed=3)]
    length = context.store.length
    found = read_each(context, texts)
    assert context.store.length == length  # nothing is kept
    for text, (value, state) in zip(texts, found, strict=True):
        other = Context(prism)
        other.read(ids)
        before = other.logits
        log_probs = []
        for token in text:
            log_probs.append(float(before.float().log_softmax(-1)[token]))
            other.write(token)
            before = other.logits
        assert value == pytest.approx(likelihood(torch.tensor(log_probs)), rel=1e-3)
        torch.testing.assert_close(
            state.middle, other.middle[-len(text) :].float().mean(0), rtol=1e-3, atol=1e-4
        )


def test_log_probabilities_are_those_of_the_tokens():
    """The first is judged by the logits before the text, the others by those behind each token."""
    before = torch.tensor([0.0, 1.0, 2.0])
    every = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    expected = [before.log_softmax(-1)[2], every[0].log_softmax(-1)[0]]
    found = log_probabilities(before, every, [2, 0])
    torch.testing.assert_close(found, torch.stack(expected))


@given(SIMILARITIES, st.floats(0, 1))
def test_no_more_strangers_pass_than_promised(similarities, share):
    """At the threshold at most the chosen share of the strangers is let through."""
    theta = theta_for(similarities, share)
    below_one = [value for value in similarities if value < 1]
    if len(below_one) == len(similarities) and len(set(similarities)) == len(similarities):
        assert share_passing(similarities, theta) <= share + 1e-9


def test_a_threshold_of_nobody_is_refused():
    """Without a stranger a threshold means nothing."""
    with pytest.raises(ValueError, match="at least one similarity"):
        theta_for([], 0.05)


def test_the_texts_own_sentences_lift_the_threshold():
    """The middle of the gap if there is one, else the strangers' own threshold."""
    assert raised(0.1, [0.9, 0.3, 0.5, 0.7, 0.8, 0.6]) == 0.6
    assert raised(0.8, [0.5] * 20) == 0.8
    assert raised(0.1, []) == 0.1


def test_strangers_ship_and_sentences_are_found():
    """A few dozen statements, each a sentence; own sentences are whole and of a useful length."""
    texts = strangers()
    assert len(texts) >= 40
    assert all(text.endswith(".") for text in texts)
    assert own_sentences("Short. The tower has five floors. It is open on every day!") == [
        "The tower has five floors.",
        "It is open on every day!",
    ]


def test_a_verdict_is_the_share_of_yes_in_the_next_token():
    """Read on top of the context, of which nothing changes."""
    with build_prism("qwen2") as prism:
        context = Context(prism)
        context.read(random_ids(30, seed=1))
        before = context.store.length
        asked = random_ids(7, seed=2)
        whole = Context(prism)
        whole.read([*context.ids, *asked])
        assert whole.logits is not None
        shares = whole.logits.double().softmax(-1)
        want = float(shares[[3, 4]].sum() / shares[[3, 4, 9]].sum())
        assert verdict(context, asked, [3, 4], [9]) == pytest.approx(want, abs=1e-4)
        assert context.store.length == before
