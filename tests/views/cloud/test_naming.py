"""Names of groups, and the nearest tokens of every token."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from warpviz.views.cloud.naming import telling_words
from warpviz.views.cloud.neighbours import MOST_TOKENS, nearest_tokens


def test_a_group_is_named_by_what_is_frequent_in_it_and_rare_elsewhere() -> None:
    """Words that all groups share tell nothing; marks of punctuation are no words."""
    red = [" red", " red", " the", " blue", ".", " blue", " red"]
    places = [" the", " cellar", " mill", ".", " mill", " cellar", " mill", "."]
    tokens = red + places
    groups = np.array([0] * len(red) + [1] * len(places))
    assert telling_words(tokens, groups, num=2) == ["red, blue", "mill, cellar"]
    assert telling_words([".", ",", "."], np.array([0, 0, 0]), num=1) == ["."]
    assert telling_words([" a", " b"], np.array([-1, 0])) == ["b"]
    assert telling_words([], np.zeros(0, np.uint8)) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_neighbours_are_those_of_the_whole_distance_matrix(num, size, seed):
    """Two routes, one answer: in blocks, and from all differences."""
    points = np.random.default_rng(seed).normal(size=(num, size)).astype(np.float32)
    near, far = nearest_tokens(points, num=4)
    assert near.shape == far.shape
    if num < 2:
        assert not len(near)
        return
    whole = np.linalg.norm(points[:, None].astype(float) - points[None], axis=2)
    np.fill_diagonal(whole, np.inf)
    assert np.allclose(far, np.sort(whole, axis=1)[:, : near.shape[1]], atol=1e-5)
    assert np.allclose(np.take_along_axis(whole, near.astype(int), 1), far, atol=1e-5)
    assert not (near == np.arange(num)[:, None]).any()


def test_too_many_tokens_have_no_list() -> None:
    """The matrix of their distances is not computed."""
    near, far = nearest_tokens(np.zeros((MOST_TOKENS + 1, 2), np.float32))
    assert len(near) == len(far) == 0
