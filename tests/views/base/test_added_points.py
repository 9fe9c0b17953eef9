"""Points added to a cloud: kinds, places, and that nothing of the text moves for
it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from warp_cortex import (
    Context,
    Cortex,
    CortexConfig,
    GateConfig,
    Inject,
    Prism,
    Thought,
    injected_entries,
)

from warpviz.views.base.added_points import (
    AddedPoints,
    Placer,
    added_by_run,
    given_points,
    injected_pieces,
)
from warpviz.views.base.data_source import source_of, source_of_arrays
from warpviz.views.cloud.view import KVCloud
from warpviz.views.text.view import TokenText

PROMPT = (
    "Alma put the brass key in the cellar. Corin put the rope in the mill. "
    "[TASK: where is the brass key]"
)


def vectors(num: int, *, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return made-up points."""
    return np.random.default_rng(seed).normal(size=(num, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    """A small text in which a thought was injected."""
    with Prism.load("village") as prism:
        read = prism.read(PROMPT * 3)
        ids = prism.encode(" [Ref: the key is in the cellar]")
        read.encode_at(ids, range(read.num_tokens, read.num_tokens + len(ids)), tag=5)
        yield read


def part(kind: str, points: np.ndarray[Any, Any], about: str = "") -> AddedPoints:
    """Return entries of one kind."""
    return given_points(
        [f" {kind}"] * len(points), points, [kind] * len(points), [about] * len(points)
    )


def test_injected_entries_are_points_of_their_own_kind(context: Context) -> None:
    """Every entry of the cache is a point: the text's where they were, then the injected ones, in
    every space.
    """
    count = injected_entries(context)[5].num_entries
    source = source_of(context)
    with KVCloud(source, projection="pca") as view:
        for space, num_added in (
            ("keys", count),
            ("rotated", count),
            ("values", count),
            ("hidden", 0),
        ):
            view.space = space
            view.wait()
            table = view.to_table()
            # the begin token is a special one
            texts = ["special"] + ["text"] * (context.num_tokens - 1)
            assert table.kind.tolist() == texts + ["injected"] * num_added
            assert np.isfinite(table[["x", "y"]].to_numpy()).all()
            assert np.array_equal(
                view.scene.plane.coords[: context.num_tokens], view.maker.plane(look(view)).coords
            )
        assert f"Added points: {count} injected" in view.summary()


def look(view: KVCloud) -> Any:
    """Return the view's settings."""
    from warpviz.views.cloud.scene import Geometry
    from warpviz.views.cloud.view import GEOMETRY

    return Geometry(**{name: getattr(view, name) for name in GEOMETRY})


def test_other_views_of_the_text_know_nothing_of_it(context: Context) -> None:
    """The text stays the text: its tokens, its ranking, and the view that writes it."""
    source = source_of(context)
    assert source.num_tokens == context.num_tokens
    assert len(source.all_tokens) > source.num_tokens
    assert len(source.points()) == context.num_tokens
    with TokenText(source) as text:
        assert len(text.to_table()) == context.num_tokens


@pytest.mark.timeout(900)
def test_a_cloud_grows_by_kinds_and_nothing_moves() -> None:
    """PCA and UMAP keep every old coordinate bit for bit; kinds, remarks and tokens follow in
    order.
    """
    source = source_of_arrays(vectors(40))
    with KVCloud(source, projection="umap") as view:
        view.wait(800)  # a process compiles UMAP, on a machine that may be busy
        flat, map_ = view.scene.plane.coords.copy(), view.scene.umap[2].coords.copy()
        view.add_points(
            [
                part("written", vectors(2, seed=1)),
                part("injected", vectors(3, seed=2), "thought of stream 1"),
            ]
        )
        view.extend([" s"], vectors(1, seed=3), kinds=["stream"], about=["stream 2"])
        assert np.array_equal(view.scene.plane.coords[:40], flat)
        assert np.array_equal(view.scene.umap[2].coords[:40], map_)
        state = view.state()
        assert state.data["kind_names"] == ["text", "written", "injected", "stream"]
        assert state.arrays["kind"].tolist() == [0] * 40 + [1, 1, 2, 2, 2, 3]
        assert state.data["about"] == ["", "", *["thought of stream 1"] * 3, "stream 2"]
        assert len(state.data["tokens"]) == len(view.coordinates) == 46


def test_what_came_before_the_first_picture_is_in_it() -> None:
    """Nothing is lost however early it comes, and a change of settings shows all of it again."""
    with KVCloud(source_of_arrays(vectors(30)), projection="pca") as view:
        view.extend([" new"], vectors(1, seed=1), kinds=["stream"])
        view.wait()
        assert len(view.coordinates) == 31
        view.dims = 3
        view.wait()
        assert view.to_table().kind.tolist()[-1] == "stream"


def test_vectors_of_another_width_are_not_drawn() -> None:
    """Points of another space cannot lie among these; they wait until theirs is chosen."""
    with KVCloud(source_of_arrays(vectors(30)), projection="pca") as view:
        view.wait()
        view.extend([" odd"], np.ones((1, 3)), kinds=["injected"])
        assert len(view.coordinates) == 30
        assert view.to_table().kind.tolist() == ["text"] * 30
        assert len(view.state().data["tokens"]) == 31


def test_counts_that_differ_are_named() -> None:
    """As many vectors, kinds and remarks as tokens."""
    with pytest.raises(ValueError, match="2 tokens need as many vectors"):
        given_points([" a", " b"], vectors(1), None, None)


def test_every_still_form_shows_the_kinds() -> None:
    """The figure has a trace, the SVG a mark, the table a row, the words a count, in every
    colour.
    """
    with KVCloud(source_of_arrays(vectors(40)), projection="pca") as view:
        view.wait()
        view.add_points([part("injected", vectors(2, seed=1)), part("stream", vectors(1, seed=2))])
        assert {"injected", "stream"} <= {trace.name for trace in view.to_figure().data}
        assert "#009E73" in view.to_svg()
        assert "2 injected, 1 stream" in view.summary()
        for colour in ("position", "received", "kind", "cluster", "rank", "distance", "cell"):
            view.colour = colour
            view.complete()
            assert len(view.to_svg()) > 1000


def test_a_finished_run_shows_its_thoughts() -> None:
    """After a run: injected entries named by their stream, and every judged thought as a hidden
    state.
    """
    with Prism.load("village") as prism:
        cortex = Cortex(prism, CortexConfig(gate=GateConfig(theta=-1)))
        for _ in cortex.run(PROMPT * 4):
            pass
        parts = added_by_run(cortex.context, cortex.trace)
        entered, judged = cortex.trace.of(Inject), cortex.trace.of(Thought)
        assert judged
        assert sum(len(item.tokens) for item in parts if item.kinds[0] == "injected") == sum(
            len(event.positions) for event in entered
        )
        thoughts = next(item for item in parts if item.kinds[0] == "stream")
        assert thoughts.tokens == tuple(event.text for event in judged)
        assert thoughts.vectors("keys", -1, -1) is None
        hidden = thoughts.vectors("hidden", -1, -1)
        assert hidden is not None
        assert hidden.shape == (len(judged), prism.spec.hidden_size)


def test_units_are_measured_once(context: Context) -> None:
    """The same entries lie at the same place whatever else was asked before."""
    placer, entries = Placer(context), injected_entries(context)[5]
    first = placer.vectors(entries)("keys", -1, -1)
    placer.vectors(entries)("values", 0, 0)
    again = placer.vectors(entries)("keys", -1, -1)
    assert np.array_equal(np.asarray(first), np.asarray(again))
    assert injected_pieces(context.prism, "", 3) == ["", "", ""]
