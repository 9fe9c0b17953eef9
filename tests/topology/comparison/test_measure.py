"""Comparisons: the bound, the null model, sinks, thinning, and what a context adds."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex import POLICIES, Evidence, rank

from tests.engine.tiny import build_prism
from tests.topology.shapes import circle, gauss, hausdorff, walk
from warpviz.topology import compare
from warpviz.topology.hooks import StoppedError
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.distances import bottleneck, normalised_wasserstein

TEXT = "Mara keeps the copper key in the red box. The red box is in the cellar. " * 3


@pytest.fixture(scope="module")
def context():
    """A context of a tiny random model."""
    return build_prism().read(TEXT)


def evidence(points, *, seed):
    """Return evidence with these points and random attention."""
    generator = torch.Generator().manual_seed(seed)
    cloud = torch.from_numpy(np.asarray(points, dtype=np.float32))
    attention = torch.rand(8, len(cloud), generator=generator)
    return Evidence(points=cloud, keys=cloud, attention=attention, received=attention.mean(0))


@settings(max_examples=20)
@given(
    st.integers(30, 70),
    st.integers(1, 8),
    st.integers(0, 10_000),
    st.sampled_from(POLICIES),
    st.booleans(),
)
def test_no_row_ever_exceeds_its_bound(num, width, seed, policy, steps):
    """Bottleneck <= 2r for every policy, k and dimension, and for the null model's mean."""
    cloud = (walk if steps else gauss)(num, width, seed=seed)
    found = compare(
        evidence(cloud, seed=seed), ks=(8, 24), policies=(policy,), num_null=3, seed=seed
    )
    for row in found.rows:
        assert row.bound == 2 * row.radius
        assert row.bottleneck <= row.bound + 1e-9
        assert row.null_mean <= 2 * row.null_radius_mean + 1e-9
        assert 0 <= row.wasserstein <= 1
        assert row.num_certified <= row.num_bars <= max(row.num_bars_full, 10_000)


def test_every_number_can_be_recomputed_from_the_points_and_landmarks():
    """Two routes: rows equal what separate functions make of the points and landmarks returned."""
    source = evidence(circle(120, seed=1, noise=0.1, width=3), seed=1)
    found = compare(source, ks=(24, 40), policies=("hybrid", "h2o"), num_null=0)
    whole = diagrams(found.points)
    for row in found.rows:
        chosen = found.points[np.isin(found.used, found.landmarks[row.policy][row.k])]
        kept = diagrams(chosen)[row.dim]
        assert row.bottleneck == pytest.approx(bottleneck(whole[row.dim], kept))
        assert row.wasserstein == pytest.approx(normalised_wasserstein(whole[row.dim], kept))
        assert row.radius == pytest.approx(hausdorff(found.points, chosen))
        assert (row.num_landmarks, row.num_bars) == (len(chosen), len(kept))
        assert row.null_mean is None


def test_sinks_take_no_part_in_the_geometry():
    """Moving the first four tokens far away changes no number; they stay landmarks."""
    points = gauss(60, 3, seed=2).astype(np.float32)
    moved = points.copy()
    moved[:4] += 1e4
    orders = {"mine": np.arange(60)}
    near, far = (compare(cloud, ks=(20,), orders=orders, num_null=2) for cloud in (points, moved))
    assert near.rows == far.rows
    assert near.landmarks["mine"][20].tolist() == list(range(20))
    assert near.used[0] == 4
    assert near.rows[0].num_landmarks == 16


def test_all_tokens_lose_nothing():
    """Policy "all" has radius and distances zero, whatever k."""
    for row in compare(
        evidence(gauss(40, 3, seed=3), seed=3), ks=(8,), policies=("all",), num_null=1
    ).rows:
        assert (row.bottleneck, row.wasserstein, row.radius, row.num_landmarks) == (0, 0, 0, 36)


def test_farthest_points_cover_better_than_chance():
    """On a circle with a dense spot the radius is two deviations below the null model's."""
    points = np.concatenate([circle(60, seed=4), circle(300, seed=5, radius=0.05)])
    (row,) = compare(
        evidence(points, seed=4), ks=(24,), policies=("farthest",), num_null=20, max_dim=0
    ).rows
    assert row.radius < row.null_radius_mean - 2 * row.null_radius_std


def test_a_large_cloud_is_thinned_but_keeps_every_landmark():
    """Above the cap the cloud is a subsample with all landmarks, for which the bound holds."""
    points = gauss(300, 4, seed=6)
    found = compare(
        evidence(points, seed=6),
        ks=(16, 32),
        policies=("hybrid", "recent"),
        num_null=1,
        max_points=60,
    )
    assert 60 <= len(found.used) < 80
    for by_k in found.landmarks.values():
        assert np.isin(by_k[32][by_k[32] >= 4], found.used).all()
    assert all(row.bottleneck <= row.bound for row in found.rows)
    assert any("tokens left out" in note for note in found.notes)


def test_landmarks_nest_and_the_radius_does_not_grow_with_k():
    """The landmarks of a smaller k are among those of a larger one."""
    found = compare(
        evidence(walk(90, 5, seed=7), seed=7),
        ks=(32, 8, 16),
        policies=("hybrid", "farthest"),
        recent=2,
        num_null=0,
    )
    assert found.ks == (8, 16, 32)
    for policy in found.policies:
        marks = found.landmarks[policy]
        rows = found.select(policy=policy, dim=0)
        assert set(marks[8]) < set(marks[16]) < set(marks[32])
        assert rows[0].radius >= rows[1].radius >= rows[2].radius


def test_a_k_filled_by_what_is_always_kept_says_so():
    """At k = 16 nothing is left to choose: policies agree, and a note says why."""
    source = evidence(gauss(60, 3, seed=13), seed=13)
    found = compare(source, ks=(16, 32), policies=("hybrid", "farthest"), num_null=0)
    assert np.array_equal(found.landmarks["hybrid"][16], found.landmarks["farthest"][16])
    assert [note for note in found.notes if "k = 16: the first 4 and the last 16 tokens" in note]
    free = compare(source, ks=(32,), num_null=0)
    assert not [note for note in free.notes if "fill it" in note]


def test_one_size_and_one_policy_need_no_list():
    """A lone k, a lone name and numpy's whole numbers are read as what they are."""
    points = gauss(60, 3, seed=15)
    listed = compare(points, ks=(24, 32), policies=("farthest",), num_null=0)
    assert compare(points, ks=np.array([32, 24]), policies="farthest", num_null=0) == listed
    assert compare(points, ks=np.int64(24), policies=["farthest"], num_null=0).ks == (24,)


def test_a_context_brings_its_model_tokens_and_every_space(context):
    """Model, checksum and texts are the context's; each space, layer and head can be compared."""
    found = compare(context, ks=(16,), policies=("hybrid", "snapkv", "tova", "keydiff"), num_null=2)
    assert (found.model, found.tokens) == (context.prism.spec.name, context.num_tokens)
    assert found.checksum == context.prism.spec.checksum
    assert "".join(found.token_texts) == TEXT
    for space, layer, head in (
        ("rotated", None, None),
        ("values", 1, 0),
        ("hidden", None, None),
        ("keys", 2, "mean"),
    ):
        rows = compare(
            context, ks=(16,), policies=("random",), space=space, layer=layer, head=head, num_null=0
        ).rows
        assert all(row.bottleneck <= row.bound + 1e-9 for row in rows)


def test_a_context_is_compared_in_the_points_it_gives(context):
    """The points recorded are the context's own, float32, without the sinks."""
    found = compare(context, ks=(16,), policies=("stride",), layer=1, num_null=0)
    assert np.array_equal(found.points, context.points("keys", layer=1).numpy()[4:])


def test_landmarks_are_chosen_in_the_layer_they_are_measured_in(context):
    """The engine's own choice from that layer's evidence; another layer, other landmarks."""
    chosen = {}
    for layer in (None, 0, 2):
        found = compare(context, ks=(32,), policies=("hybrid",), layer=layer, num_null=0)
        order = rank(context.evidence("keys", layer=layer), k=32, policy="hybrid", alpha=0.3).order
        assert found.landmarks["hybrid"][32].tolist() == sorted(order.tolist())
        chosen[layer] = found.landmarks["hybrid"][32].tolist()
    assert chosen[0] != chosen[None] != chosen[2]


def test_same_arguments_same_comparison(context):
    """The same call gives equal comparisons; another seed another null model and random policy."""
    one, two, three = (compare(context, ks=(32,), num_null=4, seed=seed) for seed in (5, 5, 6))
    assert one == two
    assert one != three
    assert one.rows[0].null_mean != three.rows[0].null_mean
    assert not np.array_equal(one.landmarks["random"][32], three.landmarks["random"][32])


def test_h2_is_compared_on_request():
    """With max_dim 2 there are rows for three dimensions."""
    found = compare(
        evidence(gauss(40, 3, seed=8), seed=8),
        ks=(16,),
        policies=("hybrid",),
        max_dim=2,
        num_null=1,
    )
    assert [row.dim for row in found.rows] == [0, 1, 2]


def test_notes_name_the_rule_and_the_certificate():
    """Where a user picks k: the author's rule; where alpha: what it certifies."""
    notes = " ".join(
        compare(
            evidence(gauss(50, 3, seed=9), seed=9), ks=(16,), policies=("hybrid",), num_null=0
        ).notes
    )
    assert "k = 16 is below the rule 43 n^0.26" in notes
    assert "alpha = 0.3: the cover radius is at most 3.5 times" in notes


def test_the_certificate_is_against_what_keeps_the_same_tokens(context):
    """Twelve clumps, twelve landmarks, four of them in one clump: the note names these four."""
    rows = np.concatenate([[0] * 4, np.arange(12).repeat(4), [0] * 4])
    clumps = 10.0 * np.eye(12)[rows] + 0.01 * gauss(len(rows), 12, seed=11)
    found = compare(evidence(clumps, seed=11), ks=(16,), policies=("hybrid",), recent=4, num_null=0)
    best = hausdorff(clumps[4:], clumps[np.arange(4, 52, 4)])  # one of each clump
    assert found.rows[0].radius > 100 * best
    assert found.notes[1].endswith(
        "3.5 times the best possible with the same sinks and recent tokens"
    )
    one_head = compare(context, ks=(16,), policies=("hybrid",), head=0, num_null=0)
    assert not [note for note in one_head.notes if "best possible" in note]


def test_progress_rises_to_one_and_stop_is_obeyed():
    """Fractions never fall and end at 1; a stop leaves with StoppedError."""
    seen = []
    source = evidence(gauss(50, 3, seed=10), seed=10)
    compare(source, ks=(8, 16), num_null=2, progress=lambda fraction, _: seen.append(fraction))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)
    with pytest.raises(StoppedError):
        compare(source, ks=(8, 16), should_stop=lambda: True)


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"ks": (4,)}, "k must be at least 5"),
        ({"ks": (51,)}, "k must be at most 50"),
        ({"ks": ()}, "at least one k and one policy"),
        ({"policies": ()}, "at least one k and one policy"),
        ({"policies": ("hybird",)}, "did you mean 'hybrid'"),
        ({"alpha": 2.0}, "alpha must be between 0 and 1"),
        ({"max_dim": 5}, r"max_dim must be one of \[0, 1, 2\], got 5"),
        ({"num_null": -1}, "num_null must be a whole number of at least 0, got -1"),
        ({"ks": (16.5,)}, "k must be a whole number of at least 1, got 16.5"),
        ({"orders": {"a/b": np.arange(50)}}, "policy name 'a/b'"),
        ({"orders": {"mine": np.arange(10)}}, "k must be at most 10 for policy 'mine', got 16"),
        ({"orders": {"mine": np.zeros(20)}}, "must not repeat"),
        (
            {"orders": {"mine": np.arange(20) + 0.9}},
            "landmarks of policy 'mine' must be whole numbers.* got 0.9",
        ),
        (
            {"policies": ("all",), "max_points": 0},
            "max_points must be a whole number of at least 1, got 0",
        ),
        ({"orders": {"mine": np.arange(40, 60)}}, "landmarks of policy 'mine' must lie in"),
        ({"orders": {"mine": [0, 1, 2, 3, 9, 9]}, "ks": (6,)}, "must not repeat"),
    ],
)
def test_bad_arguments_are_named(settings_, said):
    """Each bad value is answered with what would be accepted."""
    with pytest.raises(ValueError, match=said):
        compare(
            evidence(gauss(50, 3, seed=11), seed=11), **{"ks": (16,), "num_null": 0, **settings_}
        )
