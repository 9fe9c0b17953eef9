"""One definition of landmarks and of their radius: views, comparisons and the engine agree."""

import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex import Evidence, SynapseConfig, cover_radius, rank

from tests.topology.shapes import gauss, hausdorff, walk
from warpviz.topology import compare
from warpviz.topology.landmarks import RECENT, SINKS, cover_radii, num_recent
from warpviz.views.base.data_source import ALWAYS, SKIP, source_of_arrays
from warpviz.views.persistence.comparison_model import ground, marks_at

clouds = st.builds(
    lambda make, num, width, seed: make(num, width, seed=seed).astype(np.float32),
    st.sampled_from([gauss, walk]),
    st.integers(40, 90),
    st.integers(1, 8),
    st.integers(0, 10_000),
)


def ranking(points, *, k, policy="farthest"):
    """Return the engine's own ranking of points without attention, with its own defaults."""
    cloud = torch.from_numpy(points)
    even = torch.full((1, len(points)), 1 / len(points))
    evidence = Evidence(points=cloud, keys=cloud, attention=even, received=even[0])
    return rank(evidence, k=k, policy=policy, generator=torch.Generator().manual_seed(0))


def test_the_numbers_kept_are_the_engine_s():
    """Sinks and recent tokens have one number each; `rank` and `compare` default to it."""
    assert (SynapseConfig().sinks, SynapseConfig().recent) == (SINKS, RECENT) == (SKIP, ALWAYS - 4)
    defaults = inspect.signature(rank).parameters
    assert (defaults["sinks"].default, defaults["recent"].default) == (SINKS, RECENT)
    assert inspect.signature(compare).parameters["skip"].default == SINKS
    assert inspect.signature(cover_radius).parameters["skip"].default == SINKS


@settings(max_examples=25)
@given(clouds, st.integers(21, 38), st.sampled_from(["farthest", "random", "keydiff", "stride"]))
def test_all_agree_on_the_landmarks_and_radius_of_a_k(points, k, policy):
    """Engine, comparison, cloud, text and persistence: the same tokens, the same cover radius."""
    order = ranking(points, k=k, policy=policy).order.numpy()
    (row,) = compare(points, ks=k, policies=policy, num_null=0, max_dim=0).rows
    found = compare(points, ks=k, policies=policy, num_null=0, max_dim=0)
    source = source_of_arrays(points)
    ranked = source.ranked(space="keys", layer=-1, policy=policy, alpha=0.3)
    pair = marks_at(ground(points, ranked.order, skip=SKIP, most=1000), k, max_dim=0)
    marks = np.sort(order).tolist()
    assert found.landmarks[policy][k].tolist() == marks
    assert ranked.landmarks(k).tolist() == marks
    kept = np.sort(order[order >= SINKS]) - SINKS
    true = hausdorff(points[SINKS:].astype(float), points[SINKS:][kept].astype(float))
    engine = cover_radius(torch.from_numpy(points[SINKS:]), kept.tolist(), skip=0)
    for radius in (row.radius, ranked.radii[k - 1], pair.radius, engine):
        assert radius == pytest.approx(true, rel=1e-5, abs=1e-5)


@settings(max_examples=25)
@given(clouds, st.integers(5, 40), st.lists(st.integers(5, 40), max_size=3))
def test_a_k_does_not_depend_on_the_others_asked_for(points, k, others):
    """Landmarks, distances, radius and null model of a k are the same alone and in company."""
    wanted = {"policies": ("farthest", "random"), "num_null": 2}
    alone = compare(points, ks=(k,), **wanted)
    many = compare(points, ks=(k, *others), **wanted)
    assert many.select(k=k) == list(alone.rows)
    for policy in alone.policies:
        assert np.array_equal(alone.landmarks[policy][k], many.landmarks[policy][k])


@settings(max_examples=40)
@given(clouds, st.integers(0, 6), st.integers(1, 40), st.floats(0, 4), st.integers(0, 1000))
def test_radii_are_hausdorff_distances(points, skip, count, power, seed):
    """For every k, however far the cloud lies from 0: the definition; NaN where sinks are alone."""
    shifted = points.astype(float) + 10**power
    order = np.random.default_rng(seed).permutation(len(points))[:count]
    radii = cover_radii(shifted, order, skip=skip)
    for k in range(1, count + 1):
        kept = order[:k][order[:k] >= skip]
        if not len(kept):
            assert np.isnan(radii[k - 1])
        else:
            true = hausdorff(shifted[skip:], shifted[kept])
            assert radii[k - 1] == pytest.approx(true, rel=1e-6)


def test_all_tokens_leave_no_radius():
    """A landmark lies at distance 0 from itself, far from 0 and in large clouds as well."""
    points = gauss(2500, 3, seed=1) + 1e6
    assert cover_radii(points, np.arange(2500))[-1] == 0.0
    assert np.isnan(cover_radii(gauss(6, 2, seed=2), np.arange(4))).all()


@settings(max_examples=25)
@given(clouds, st.integers(5, 40))
def test_the_engine_s_own_radius_is_never_larger(points, k):
    """In a run sinks are landmarks, too, and may cover; in a picture they take no part."""
    found = ranking(points, k=k)
    ours = cover_radii(points, found.order.numpy())
    assert (found.radii.numpy()[SINKS:] <= ours[SINKS:] * (1 + 1e-5) + 1e-5).all()


def test_a_thinned_cloud_has_the_radius_of_the_whole():
    """Above the cap the diagrams are those of a part, the radius is still that of all tokens."""
    points = gauss(400, 4, seed=3).astype(np.float32)
    whole, part = (
        compare(points, ks=32, policies="farthest", num_null=0, max_points=most)
        for most in (1000, 60)
    )
    assert len(part.used) < 100
    assert part.rows[0].radius == whole.rows[0].radius
    assert all(row.bottleneck <= row.bound for row in part.rows)


def test_recent_tokens_are_counted_from_an_order():
    """Latest first after the sinks, up to the first other one."""
    window = np.arange(59, 43, -1)
    assert num_recent(np.r_[:4, window], num_tokens=60) == RECENT
    assert num_recent(np.r_[:4, 59, 58, 10, 57], num_tokens=60) == 2
    assert num_recent(np.arange(4), num_tokens=60) == 0
