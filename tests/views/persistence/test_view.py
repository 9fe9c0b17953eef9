"""PersistenceCompare: the same numbers as the topology package, live landmarks, loops, cancel,
store, still forms.
"""

import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from tests.views.clouds import made_up, vectors
from tests.views.leaks import num_pumps
from warpviz.topology import compare
from warpviz.topology.persistence.distances import bottleneck
from warpviz.topology.persistence.store import DiagramStore
from warpviz.views.base import wire
from warpviz.views.base.data_source import SKIP
from warpviz.views.persistence import view as persistence_view
from warpviz.views.persistence import wire_arrays
from warpviz.views.persistence.view import PersistenceCompare


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> DiagramStore:
    """One store for the module: the whole context is computed once."""
    return DiagramStore(root=tmp_path_factory.mktemp("diagrams"))


@pytest.fixture
def shape(store: DiagramStore):
    """A finished comparison of 150 tokens; afterwards nothing of it is alive."""
    view = PersistenceCompare(made_up(150, hostile=True), k=40, num_null=3, store=store).wait()
    yield view
    view.close()
    assert num_pumps() == 0


def test_the_numbers_are_the_topology_package_s(shape: PersistenceCompare) -> None:
    """Bottleneck, Wasserstein, radius, bound and certified bars equal those of `compare` on the
    same landmarks.
    """
    order = shape.source.ranked(space="keys", layer=-1, policy="hybrid", alpha=0.3).order
    rows = compare(
        shape.source.points(), orders={"hybrid": order}, ks=[40], num_null=0, skip=SKIP
    ).rows
    assert shape.pair is not None
    for row in rows:
        mine = shape.pair.numbers[row.dim]
        assert mine["bottleneck"] == pytest.approx(row.bottleneck)
        assert mine["wasserstein"] == pytest.approx(row.wasserstein)
        assert shape.pair.radius == pytest.approx(row.radius)
        assert mine["certified"] == row.num_certified


def test_distances_never_exceed_twice_the_radius(shape: PersistenceCompare) -> None:
    """For every k of the curve and every dimension: bottleneck <= 2r, and the null's quantiles are
    in order.
    """
    for rows in shape.curve.values():
        assert len(rows) >= 6
        for _k, radius, distance, low, mean, high in rows:
            assert distance <= 2 * radius + 1e-9
            assert low <= high
            assert low - 1e-9 <= mean <= high + 1e-9


def test_words_name_no_more_landmarks_than_there_are(shape: PersistenceCompare) -> None:
    """Beyond the last token k changes nothing, and the words say so."""
    shape.k = 1000
    shape.wait()
    assert "150 landmarks" in shape.summary()


def test_landmarks_follow_k_and_the_newest_wins(shape: PersistenceCompare) -> None:
    """After many quick changes the pair is that of the last k, matched against the whole."""
    for k in (10, 90, 30, 64):
        shape.k = k
    shape.wait()
    assert shape.pair is not None
    assert shape.full is not None
    assert shape.pair.k == 64
    assert shape.pair.numbers[1]["bottleneck"] == pytest.approx(
        bottleneck(shape.full[1], shape.pair.bars[1])
    )


def test_measuring_waits_until_the_page_has_painted(
    store: DiagramStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processor belongs to the first picture: the long computation begins when a browser says
    it has painted.
    """
    monkeypatch.setattr(persistence_view, "FIRST_S", 60.0)
    with PersistenceCompare(made_up(150, hostile=True), k=40, num_null=0, store=store) as view:
        time.sleep(0.05)
        assert view.base is None
        view._on_message(view, {"op": "ack", "seq": 1}, [])
        assert view._slow.wait(60)
        assert view.base is not None


def test_what_is_not_on_screen_waits_for_the_slider_to_rest(
    shape: PersistenceCompare, monkeypatch
) -> None:
    """An answer to k carries the diagrams with one dimension matched; loops and the rest only
    follow a k that stays.
    """
    monkeypatch.setattr(persistence_view, "REST_S", 60.0)
    looked = []
    monkeypatch.setattr(
        wire_arrays, "loop_arrays", lambda *_, **__: looked.append(shape.pair.k) or {}
    )
    for k in (41, 42, 43):
        shape.k = k
        deadline = time.monotonic() + 10
        while shape.pair.k != k and time.monotonic() < deadline:
            time.sleep(0.005)
        assert set(shape.pair.numbers) == {1}
        assert set(shape.pair.bars) == {0, 1}
    assert looked == []
    monkeypatch.setattr(persistence_view, "REST_S", 0.0)
    shape.k = 44
    shape.wait()
    assert looked == [44]
    assert set(shape.pair.numbers) == {0, 1}


def test_the_matching_shipped_has_every_bar_once(shape: PersistenceCompare) -> None:
    """Each bar of both sides is matched with one bar or the diagonal; the largest cost is the
    distance.
    """
    arrays = shape.state().arrays
    for dim in (0, 1):
        match = arrays[f"match_h{dim}"]
        left, right = match[:, 0], match[:, 1]
        assert sorted(left[left >= 0]) == list(range(len(arrays[f"full_h{dim}"])))
        assert sorted(right[right >= 0]) == list(range(len(arrays[f"marks_h{dim}"])))
        assert match[:, 2].max() == pytest.approx(shape.pair.numbers[dim]["bottleneck"], rel=1e-5)


def test_radii_for_every_k_are_the_true_ones(shape: PersistenceCompare) -> None:
    """The radius shipped for k is the largest distance to the nearest landmark outside the sinks,
    the long way.
    """
    radii, base = shape.state().arrays["base_radii"], shape.base
    points = shape.source.points().astype(float)[SKIP:]
    for k in (25, 40, 100):
        kept = base.order[:k]
        kept = kept[kept >= SKIP] - SKIP
        true = np.linalg.norm(points[:, None] - points[kept][None], axis=2).min(axis=1).max()
        assert radii[k - 1] == pytest.approx(true, rel=1e-5)


def test_loops_are_tokens_of_the_context(shape: PersistenceCompare) -> None:
    """The long circle's bar has a loop of at least three distinct tokens that goes round:
    neighbours stay near.
    """
    arrays = shape.state().arrays
    for side in ("full", "marks"):
        start = arrays[f"loop_{side}_start"]
        tokens = arrays[f"loop_{side}"][start[0] : start[1]].astype(int)
        assert len(set(tokens)) == len(tokens) >= 3
        assert tokens.min() >= SKIP
        birth, death = arrays[f"{side if side == 'full' else 'marks'}_h1"][0]
        ring = shape.source.points()[tokens]
        steps = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1)
        assert steps.max() <= birth * 1.0001 < death


def test_a_second_view_finds_the_diagrams_on_disk(
    shape: PersistenceCompare, store: DiagramStore, monkeypatch
) -> None:
    """The same points are computed once per machine: no process is started again."""
    monkeypatch.setattr(
        "warpviz.topology.persistence.persistence_process.ChildProcess",
        lambda *_: pytest.fail("a process was started"),
    )
    with PersistenceCompare(
        made_up(150, hostile=True), k=40, num_null=0, store=store
    ).wait() as again:
        assert again.notice == ""
        assert again.full[1].tobytes() == shape.full[1].tobytes()


def test_cancel_stops_and_compute_starts_again(tmp_path: Path) -> None:
    """Cancelling ends the process and says so; computing again finishes."""
    view = PersistenceCompare(
        vectors(700, width=12), k=40, num_null=0, store=DiagramStore(root=tmp_path)
    )
    while view.base is None and not view.notice:
        time.sleep(0.01)
    view._on_message(view, {"op": "cancel"}, [])
    view.wait()
    assert view.full is None
    assert view.state().data["busy"]["what"] == "cancelled"
    assert "not" not in view.notice
    with pytest.raises(ValueError, match="no diagrams yet"):
        view.to_figure()
    view.close()


def test_too_few_tokens_and_bad_dimensions_are_said() -> None:
    """A context without topology is an error shown in the view; a bad dimension is refused at
    once.
    """
    with PersistenceCompare(vectors(5), num_null=0).wait() as view:
        assert "at least 3 tokens" in view.notice
    with pytest.raises(ValueError, match="max_dim must be one of"):
        PersistenceCompare(vectors(30), max_dim=5)
    with pytest.raises(ValueError, match="max_points must be a whole number of at least 3, got 0"):
        PersistenceCompare(vectors(30), max_points=0)


def test_still_forms_and_comparison(shape: PersistenceCompare, tmp_path: Path) -> None:
    """Table, figure and SVG hold every bar; a saved comparison of the view reloads equal."""
    from warpviz.topology import load_comparison

    frame = shape.to_table()
    bars = sum(len(bars) for bars in shape.full.values()) + sum(
        len(bars) for bars in shape.pair.bars.values()
    )
    assert len(frame) == bars
    assert shape.to_figure().data
    root = ET.fromstring(shape.to_svg(tmp_path / "p.svg"))
    marks = [
        el for el in root.iter("{http://www.w3.org/2000/svg}circle") if el.get("fill") != "none"
    ]
    assert len(marks) == sum(len(bars) for bars in shape.pair.bars.values())
    made = shape.comparison(num_null=2)
    files = made.save(tmp_path / "saved")
    assert load_comparison(files["json"]) == made
    assert made.token_texts == tuple(wire.clean(text) for text in shape.source.tokens)
    assert made.model == shape.source.facts["model"]
    assert "2r" in shape.summary()


def test_the_json_export_reloads_and_is_the_same_twice(
    shape: PersistenceCompare, tmp_path: Path
) -> None:
    """Two exports are byte-identical, and what `warpviz.load` reads has the numbers on screen."""
    import warpviz

    first, second = (
        shape.to_json(tmp_path / "one" / "c.json"),
        shape.to_json(tmp_path / "two" / "c.json"),
    )
    assert first.read_bytes() == second.read_bytes()
    assert (first.parent / "c_points.npz").read_bytes() == (
        second.parent / "c_points.npz"
    ).read_bytes()
    loaded = warpviz.load(first)
    row = loaded.select(k=40, dim=1)[0]
    assert row.bottleneck == pytest.approx(shape.pair.numbers[1]["bottleneck"])


def test_other_complexes_replace_the_diagrams_and_come_back(shape: PersistenceCompare) -> None:
    """Alpha changes both sides, a witness complex the landmarks' only; back at Rips everything is
    as it was.
    """
    rips = shape.full[1].copy()
    kept = shape.pair.bars[1].copy()
    shape.complex = "alpha"
    shape.wait()
    assert shape.notice == ""
    assert shape.full[1].tobytes() != rips.tobytes()
    assert shape.pair.numbers[1]["bottleneck"] <= 2 * shape.pair.radius
    shape.complex = "witness-weak"
    shape.wait()
    assert shape.full[1].tobytes() == rips.tobytes()
    assert shape.pair.bars[1].tobytes() != kept.tobytes()
    assert "can exceed" not in shape.summary(), "2r bounds the distance of two Rips complexes"
    assert not [trace for trace in shape.to_figure().data if "2r" in (trace.name or "")]
    assert "shaded" not in shape.to_svg()
    shape.complex = "rips"
    shape.wait()
    assert shape.pair.bars[1].tobytes() == kept.tobytes()


def test_two_dimensional_holes_on_request() -> None:
    """max_dim 2 gives H2 bars, thins the cloud to what H2 can bear, and keeps the bound."""
    angles = np.random.default_rng(0).normal(size=(220, 3))
    sphere = angles / np.linalg.norm(angles, axis=1, keepdims=True)
    with PersistenceCompare(
        sphere.astype(np.float32), max_dim=2, k=120, num_null=0, dim=2
    ).wait() as view:
        assert view.notice == ""
        assert view.get_state("max_dim") == {"max_dim": 2}
        lengths = np.diff(view.full[2]).ravel()
        assert lengths[0] > 3 * lengths[1:].max(initial=0.0)
        assert view.pair.numbers[2]["bottleneck"] <= 2 * view.pair.radius
