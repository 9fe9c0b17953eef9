"""Checks of clouds and indices, distances, farthest-point samples."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topology.shapes import gauss
from warpviz.topology import compare
from warpviz.topology.persistence.diagrams import COMPLEXES, diagrams
from warpviz.topology.points import (
    between,
    cloud,
    copies,
    farthest_sample,
    num_duplicates,
    one_of,
    pairwise,
    rows,
)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_cloud_with_one_bad_number_is_refused_and_the_row_is_named(bad):
    """No engine is ever given NaN or infinity: the first bad row is named."""
    points = gauss(9, 3, seed=0)
    points[5, 1] = bad
    with pytest.raises(ValueError, match=r"1 of 9 rows are not, the first is row 5"):
        cloud(points)


@pytest.mark.parametrize("kind", [*COMPLEXES, "compare"])
def test_coordinates_beyond_float32_are_refused(kind):
    """Squared distances would overflow: no bars, or a crash; float32's largest numbers pass."""
    points = gauss(12, 3, seed=2)
    points[7, 2] = -1e200
    measure = partial(compare, ks=(8,), policies=("farthest",))
    if kind != "compare":
        measure = partial(diagrams, complex=kind)
    with pytest.raises(ValueError, match=r"within 3.4e\+38 of 0.* got -1e\+200 in row 7"):
        measure(points)
    largest = gauss(12, 3, seed=2)
    largest *= float(np.finfo(np.float32).max) / np.abs(largest).max()
    if kind != "compare":
        assert np.isfinite(diagrams(largest, complex=kind)[0]).all()


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (4, 0)])
def test_a_cloud_has_rows_and_coordinates(shape):
    """Anything that is not [N, P] with P >= 1 is refused by its shape."""
    with pytest.raises(ValueError, match="must be an array"):
        cloud(np.zeros(shape))


def test_a_cloud_needs_its_least_number_of_points():
    """An empty cloud names how many points there must be."""
    with pytest.raises(ValueError, match="at least 1 rows, got 0"):
        cloud(np.zeros((0, 3)))


@pytest.mark.parametrize(
    "kind",
    [
        "float64",
        torch.from_numpy,
        lambda points: torch.from_numpy(points).requires_grad_(),
        lambda points: torch.from_numpy(points).to(torch.bfloat16),
        lambda points: points.tolist(),
        lambda points: [torch.from_numpy(row) for row in points],
        pd.DataFrame,
        lambda points: pd.DataFrame(points).astype(object),
    ],
)
def test_whatever_holds_numbers_is_a_cloud(kind):
    """Arrays, tensors of any kind, lists and data frames give the same float64 cloud."""
    points = np.arange(12, dtype=np.float32).reshape(4, 3)  # exact in every type
    given_ = points.astype(kind) if isinstance(kind, str) else kind(points)
    found = cloud(given_)
    assert found.dtype == np.float64
    assert np.array_equal(found, points)


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ("a text", "points must be numbers .* got str"),
        ([[1.0, 2.0], [3.0]], "all rows of one length, got list"),
        (np.array([[1 + 1j, 2]]), "got ndarray of complex128"),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), "got DataFrame"),
        (None, "must be an array|must be numbers"),
        ({"a": 1}, "must be numbers"),
    ],
)
def test_what_is_no_numbers_is_named(given_, said):
    """One line that names the type, whatever numpy would have said."""
    with pytest.raises((TypeError, ValueError), match=said) as caught:
        cloud(given_)
    assert "\n" not in str(caught.value)


def test_rows_are_sorted_and_checked():
    """Landmark indices come back sorted; repeats and outsiders are refused."""
    assert rows([3, 1, 2], num_points=4).tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="1 repeated"):
        rows([1, 1], num_points=4)
    with pytest.raises(ValueError, match=r"0\.\.3, got 1\.\.4"):
        rows([1, 4], num_points=4)
    assert rows(np.array([3.0, 1.0]), num_points=4).tolist() == [1, 3]
    assert rows([], num_points=4).tolist() == []


def test_an_unknown_name_is_answered_with_the_nearest():
    """A misspelt choice suggests the one that was meant; a hopeless one lists all."""
    with pytest.raises(ValueError, match="did you mean 'rips'"):
        one_of("complex", "ripps", ("rips", "alpha"))
    with pytest.raises(ValueError, match=r"accepted: rips, alpha$"):
        one_of("complex", "zzz", ("rips", "alpha"))


def test_pairwise_is_the_textbook_distance():
    """3-4-5: the distance matrix is Euclidean, symmetric, with zeros on the diagonal."""
    found = pairwise(np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]))
    assert found.tolist() == [[0, 5, 3], [5, 0, 4], [3, 4, 0]]
    assert between(np.zeros((1, 2)), np.array([[3.0, 4.0]])).tolist() == [[5.0]]


def test_duplicates_are_counted_beyond_the_first():
    """Ten equal points are one point and nine duplicates."""
    assert num_duplicates(np.ones((10, 2))) == 9
    assert num_duplicates(gauss(10, 2, seed=2)) == 0


def test_copies_are_found_whatever_the_unit():
    """Copies to a rounding are found, the first of each is none; distinct points never are."""
    points = gauss(30, 5, seed=3)
    near = np.concatenate([points, points[:10] + 1e-9])
    for unit in (1.0, 1e6, 1e-6):
        assert copies(unit * near).tolist() == [False] * 30 + [True] * 10
        assert copies(unit * near, distances=pairwise(unit * near)).sum() == 10
    assert copies(np.ones((4, 2))).tolist() == [False, True, True, True]


@settings(max_examples=40)
@given(st.integers(20, 80), st.integers(1, 6), st.floats(0, 12), st.integers(0, 1000))
def test_a_far_point_makes_no_copies(num, width, power, seed):
    """However far one point lies, no other two become copies; those that are stay found."""
    points = gauss(num, width, seed=seed)
    far = np.full((1, width), 10.0**power)
    assert not copies(np.concatenate([points, far])).any()
    assert copies(np.concatenate([points, far, points[:3] * (1 + 1e-8)])).sum() == 3


def test_an_offset_common_to_all_makes_no_copies():
    """A cloud far from 0 has its spread for a size, not its distance from 0."""
    assert not copies(1e9 + gauss(50, 3, seed=5)).any()


def test_farthest_points_of_a_line_are_its_ends_then_its_middle():
    """From 0 on 0..8: the far end, the middle, the quarters; the radius halves."""
    line = np.arange(9.0)[:, None]
    sample = farthest_sample(line, 5)
    assert sample.order.tolist() == [0, 8, 4, 2, 6]
    assert sample.radius == 1.0


@given(st.integers(2, 40), st.integers(1, 50), st.integers(0, 1000))
def test_farthest_samples_nest_and_their_radius_never_grows(num, count, seed):
    """A sample of k begins that of k + 1, of distinct rows, with the radius of the definition."""
    points = gauss(num, 3, seed=seed)
    small = farthest_sample(points, count)
    large = farthest_sample(points, count + 1)
    assert len(small.order) == min(count, num)
    assert len(set(large.order.tolist())) == len(large.order)
    assert large.order[: len(small.order)].tolist() == small.order.tolist()
    assert large.radius <= small.radius
    assert small.radius == pytest.approx(
        between(points, points[small.order]).min(axis=1).max(), abs=1e-12
    )


def test_copies_are_picked_last_and_only_to_fill_up():
    """Among copies each distinct point is taken once before any copy."""
    points = np.repeat(np.array([[0.0], [5.0], [9.0]]), 4, axis=0)
    order = farthest_sample(points, 5).order
    assert len(set(points[order[:3], 0])) == 3
    assert len(set(order.tolist())) == 5


def test_kept_rows_come_first():
    """Rows that must stay begin the sample."""
    order = farthest_sample(np.arange(9.0)[:, None], 3, keep=np.array([4, 5])).order
    assert order[:2].tolist() == [4, 5]
    assert order[2] == 0
