"""The scene of a cloud: each part once per setting, whatever is asked first and from wherever."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.views.clouds import made_up
from warpviz.views.cloud import scene as cloud_scene
from warpviz.views.cloud.scene import Geometry, Maker

LOOK = Geometry(
    space="keys",
    layer=-1,
    head=-1,
    policy="hybrid",
    alpha=0.3,
    projection="pca",
    dims=2,
    metric="euclidean",
    n_neighbors=5,
    min_dist=0.1,
)


def test_parts_depend_on_what_they_must() -> None:
    """Alpha touches the ranking alone; the number of axes touches no key; neighbours touch UMAP
    alone.
    """
    assert replace(LOOK, alpha=0.4).cloud == LOOK.cloud
    assert replace(LOOK, alpha=0.4).umap == LOOK.umap
    assert replace(LOOK, alpha=0.4).which != LOOK.which
    assert replace(LOOK, dims=3).umap == LOOK.umap
    assert replace(LOOK, n_neighbors=9).umap != LOOK.umap
    assert replace(LOOK, n_neighbors=9).cloud == LOOK.cloud
    assert replace(LOOK, layer=1).umap != LOOK.umap


@given(st.floats(0, 1), st.floats(0, 1))
def test_min_dist_is_the_same_up_to_a_slider_s_step(one: float, two: float) -> None:
    """Two settings share a UMAP exactly if they agree to four digits."""
    same = replace(LOOK, min_dist=one).umap == replace(LOOK, min_dist=two).umap
    assert same == (round(one, 4) == round(two, 4))


def test_every_part_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty threads that ask for the plane get one plane, computed once."""
    calls = []
    real = cloud_scene.pca
    monkeypatch.setattr(
        cloud_scene, "pca", lambda *args, **settings: calls.append(1) or real(*args, **settings)
    )
    maker = Maker(made_up(60), seed=0, max_points=100)
    found = []
    threads = [threading.Thread(target=lambda: found.append(maker.plane(LOOK))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert all(plane is found[0] for plane in found)
    assert found[0].coords.shape == (60, 3)


def test_clusters_are_numbered_by_size() -> None:
    """Cluster numbers fit the wire and fall in size."""
    groups = Maker(made_up(120), seed=0, max_points=500).clusters(LOOK)
    assert groups.dtype == np.uint8
    counts = np.bincount(groups)
    assert (np.diff(counts) <= 0).all()
    assert counts.sum() == 120


def test_few_tokens_have_no_umap_and_thinning_keeps_landmarks() -> None:
    """Below 16 tokens there is no UMAP; above the limit the choice holds every landmark, sorted,
    without repeats.
    """
    assert Maker(made_up(12), seed=0, max_points=100).umap(LOOK) is None
    maker = Maker(made_up(700), seed=0, max_points=520)
    index = maker.index(LOOK)
    order = maker.source.ranked(**LOOK.which).order
    assert set(order.tolist()) <= set(index.tolist())
    assert (np.diff(index) > 0).all()
    assert maker.known_umap(LOOK) == {}
