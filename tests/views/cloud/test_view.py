"""The cloud: nearest landmarks for every k, stable places, one job that is always up to date, still
forms.
"""

import json
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views.clouds import HOSTILE, made_up, vectors, words
from tests.views.leaks import num_pumps
from warpviz.views.base.data_source import source_of, source_of_arrays
from warpviz.views.base.nearest import chains
from warpviz.views.base.newest_worker import NewestWorker
from warpviz.views.cloud.view import KVCloud


@pytest.fixture
def cloud():
    """A cloud of 120 hostile tokens in PCA; afterwards nothing of it is alive."""
    view = KVCloud(made_up(120, hostile=True), projection="pca", k=24).wait()
    yield view
    view.close()
    assert num_pumps() == 0
    assert not [
        thread
        for thread in threading.enumerate()
        if thread.name in ("warpviz-cloud", "warpviz-umap")
    ]


@given(st.integers(2, 40), st.integers(1, 12), st.integers(0, 5))
@settings(max_examples=40)
def test_chains_give_the_nearest_landmark_for_every_k(num: int, picks: int, seed: int) -> None:
    """For every k the chain's answer is the smallest distance to the first k landmarks, computed
    the long way.
    """
    rng = np.random.default_rng(seed)
    points = rng.integers(-3, 4, size=(num, 3)).astype(np.float32)  # many ties and copies
    order = rng.permutation(num)[:picks]
    links = chains(points, order)
    for k in range(1, len(order) + 1):
        rows, distances = links.at(k)
        every = np.linalg.norm(points[:, None].astype(float) - points[order[:k]][None], axis=2)
        assert np.allclose(distances, every.min(axis=1), atol=1e-5)
        assert np.allclose(every[np.arange(num), rows], every.min(axis=1), atol=1e-5)
        assert (rows < k).all()


def test_chains_are_small_and_refuse_nothing_to_chain() -> None:
    """A nested ranking needs far fewer entries than tokens times landmarks; no landmarks are an
    error.
    """
    points = vectors(400)
    links = chains(points, np.random.default_rng(0).permutation(400)[:128])
    assert len(links.pick) < 400 * 10
    assert links.start[-1] == len(links.pick)
    with pytest.raises(ValueError, match="at least one landmark"):
        chains(points, np.zeros(0, np.int64))


def test_the_browser_gets_one_consistent_state(cloud: KVCloud) -> None:
    """State arrays agree in length with the tokens and with each other; the data is strict JSON
    after cleaning.
    """
    state = cloud.state()
    num = cloud.source.num_tokens
    assert state.arrays["pca"].shape == (num, 3)
    assert state.arrays["kind"].shape == state.arrays["received"].shape == (num,)
    assert state.arrays["chain_start"].shape == (num + 1,)
    assert len(state.arrays["order"]) == len(state.arrays["radii"]) == num
    assert (np.diff(state.arrays["radii"][4:]) <= 1e-6).all()
    assert state.data["busy"] == ""
    assert state.data["tokens"][10] == HOSTILE[0]


def test_tokens_are_grouped_after_the_first_picture(cloud: KVCloud) -> None:
    """Clusters, their names and neighbours take a while to find: they follow the picture, stay
    while the points stay, and go with other points.
    """
    num = cloud.source.num_tokens
    state = cloud.wait().state()
    assert state.arrays["cluster"].shape == (num,)
    assert state.arrays["near"].shape == state.arrays["near_distance"].shape == (num, 8)
    assert len(state.data["cluster_names"]) == state.arrays["cluster"].max() + 1
    assert all(state.data["cluster_names"])
    cloud.alpha = 0.1
    assert cloud.wait().state().arrays["cluster"].shape == (num,)
    cloud.head = -2
    assert cloud.wait().scene.detailed == ("keys", -1, -2)


def test_a_new_alpha_gives_a_new_ranking_and_the_newest_wins(cloud: KVCloud) -> None:
    """Settings changed in quick succession end in the state of the last one."""
    before = cloud.state().arrays["order"]
    for alpha in (0.1, 0.9, 0.2, 1.0):
        cloud.alpha = alpha
    cloud.wait()
    attention_only = cloud.source.ranked(space="keys", layer=-1, policy="hybrid", alpha=1.0).order
    assert cloud.state().arrays["order"].tolist() == attention_only.tolist()
    assert before.tolist() != attention_only.tolist()
    cloud.policy = "no such policy"
    cloud.wait()
    assert "no such policy" in cloud.notice
    cloud.policy = "farthest"
    cloud.wait()
    assert cloud.notice == ""


def test_pca_never_stretches_so_discs_are_honest(cloud: KVCloud) -> None:
    """Distances on the screen never exceed those between the vectors: each token lies in its
    landmark's disc.
    """
    points, seen = cloud.source.points().astype(float), cloud.coordinates.astype(float)
    true = np.linalg.norm(points[:, None] - points[None], axis=2)
    flat = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    assert (flat <= true + 1e-3).all()


def test_new_tokens_move_nothing_that_stands(cloud: KVCloud) -> None:
    """Extending keeps every old coordinate bit for bit and adds one place per new token."""
    old = cloud.coordinates.copy()
    cloud.extend([" new", " words"], vectors(122)[120:], kinds=["text", "injected"])
    assert cloud.coordinates[:120].tobytes() == old.tobytes()
    assert cloud.coordinates.shape == (122, 2)
    assert cloud.state().arrays["kind"].tolist()[-2:] == [0, 1]
    assert cloud.state().data["tokens"][-2:] == [" new", " words"]


@pytest.mark.slow
def test_umap_replaces_pca_when_it_is_ready() -> None:
    """Asked for UMAP, the state first holds PCA and says so, then UMAP; the same seed gives the
    same bits.
    """
    seen = []
    made = []
    for _ in range(2):
        view = KVCloud(made_up(40), projection="umap", n_neighbors=5, k=10)
        view.observe(lambda change: seen.append(change["new"]), "notice")
        view.wait(280)
        assert view.shown == "umap"
        assert view.state().arrays["umap2"].shape == (40, 2)
        made.append(view.coordinates.tobytes())
        view.close()
    assert made[0] == made[1]
    assert seen == []


def test_large_clouds_show_some_and_every_landmark() -> None:
    """Beyond the limit an even choice is drawn, landmarks among it, and the summary names the
    whole.
    """
    view = KVCloud(made_up(900), projection="pca", max_points=600, k=30).wait()
    drawn = view.state().arrays["index"]
    assert 512 <= len(drawn) <= 600
    assert view.state().arrays["pca"].shape == (len(drawn), 3)
    assert np.isin(
        view.source.ranked(space="keys", layer=-1, policy="hybrid", alpha=0.3).order, drawn
    ).all()
    assert "900 tokens" in view.summary()
    view.close()


def test_the_table_names_every_token_and_its_landmark(cloud: KVCloud) -> None:
    """K rows are landmarks, at distance zero from themselves; the selection is marked."""
    cloud.selection = [3, 5]
    frame = cloud.to_table()
    assert isinstance(frame, pd.DataFrame)
    assert frame["landmark"].sum() == 24
    assert (frame.loc[frame["landmark"], "distance"] == 0).all()
    assert frame.index[frame["selected"]].tolist() == [3, 5]
    assert frame["text"].tolist() == words(120, hostile=True)


@pytest.mark.parametrize("dims", [2, 3])
def test_still_forms_hold_the_same_points(cloud: KVCloud, dims: int, tmp_path: Path) -> None:
    """SVG parses, escapes hostile text and carries provenance; the plotly figure has every token
    once.
    """
    cloud.dims = dims
    figure = cloud.to_figure()
    assert sum(len(trace.x) for trace in figure.data) == 120
    root = ET.fromstring(cloud.to_svg(tmp_path / "cloud.svg"))
    space = "{http://www.w3.org/2000/svg}"
    facts = json.loads(root.find(f"{space}metadata").text)
    assert (facts["model"], facts["k"], facts["alpha"]) == ("made up", 24, 0.3)
    assert len(root.findall(f"{space}path")) == 24
    assert len(root.findall(f"{space}circle")) == 120  # a landmark is a hollow mark on its dot


def test_text_and_still_forms_refuse_what_is_no_context() -> None:
    """Anything but a context, a cortex or vectors is a TypeError that names it."""
    with pytest.raises(TypeError, match="got str"):
        source_of("text")
    source = source_of_arrays(vectors(10))
    assert source_of(source) is source
    assert source_of(vectors(10)).num_tokens == 10


def test_the_newest_request_wins_and_errors_reach_the_owner() -> None:
    """Of many requests the last always runs; a job that was overtaken learns it; an error does not
    end the worker.
    """
    done: list[int] = []
    errors: list[BaseException] = []
    gate = threading.Event()
    newest = NewestWorker(on_error=errors.append)
    learnt = []

    def slow(overtaken) -> None:
        assert gate.wait(30)
        learnt.append(overtaken())

    newest.submit(slow)
    for number in range(100):
        newest.submit(lambda _, number=number: done.append(number))
    gate.set()
    assert newest.wait(3)
    assert done[-1] == 99
    assert learnt in ([True], [])
    newest.submit(lambda _: 1 / 0)
    assert newest.wait(3)
    assert isinstance(errors[0], ZeroDivisionError)
    newest.submit(lambda _: done.append(7))
    assert newest.wait(3)
    assert done[-1] == 7
    assert newest.close()
    newest.submit(lambda _: done.append(8))
    assert done[-1] == 7
