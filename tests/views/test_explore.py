"""explore: one line, three linked views, honest errors."""

from pathlib import Path

import pytest

from tests.views.clouds import made_up, vectors
from warpviz.topology.persistence.store import DiagramStore
from warpviz.views.base import registry
from warpviz.views.cloud.view import KVCloud
from warpviz.views.explore import SYNC, explore
from warpviz.views.text.view import TokenText


def test_everything_shared_is_linked(tmp_path: Path) -> None:
    """k, alpha, layer, space, policy and selection move all views; each view keeps its own
    settings.
    """
    board = explore(
        made_up(90),
        k=30,
        colour="rank",
        tint="received",
        dim=0,
        num_null=0,
        projection="pca",
        store=DiagramStore(root=tmp_path),
    )
    cloud, text, shape = board.views
    assert (cloud.k, text.k, shape.k) == (30, 30, 30)
    assert (cloud.colour, text.tint, shape.dim) == ("rank", "received", 0)
    board.selection = [9, 9, 2]
    assert board.selection.tolist() == shape.selection.tolist() == [2, 9]
    shape.selection = [5]
    cloud.alpha = 0.1
    assert text.selection.tolist() == [5]
    assert shape.alpha == pytest.approx(0.1)
    assert all(set(view.links) == set(SYNC) for view in board.views)
    for view in board.views:
        assert view.wait().notice == ""
    page = board.to_html(tmp_path / "board.html").read_text(encoding="utf-8")
    assert page.count("data-trait") > 0
    assert '"KVCloud"' in page
    board.close()


def test_a_text_is_read_by_the_prism() -> None:
    """explore(prism, text) reads the text and shows its context; a cortex lends its prism."""

    class Prism:
        spec = None

        def read(self, text: str):
            assert text == "abc"
            return made_up(40)

    class Cortex:
        prism = Prism()

    for given in (Prism(), Cortex()):
        board = explore(given, "abc", num_null=0, projection="pca")
        assert board.views[0].source.num_tokens == 40
        board.close()
    with pytest.raises(TypeError, match="needs a text"):
        explore(Prism())


def test_a_page_written_at_once_is_complete(tmp_path: Path) -> None:
    """Writing the page right after the dashboard was made waits for what it has to hold."""
    board = explore(
        made_up(60), k=30, num_null=2, projection="pca", store=DiagramStore(root=tmp_path / "store")
    )
    page = board.to_html(tmp_path / "board.html").read_text(encoding="utf-8")
    for name in ("pca", "chain_start", "cluster", "full_h1", "match_h1", "curve_h0", "loop_full"):
        assert f'"name": "{name}"' in page
    board.close()


def test_a_saved_notebook_shows_every_view_without_a_kernel() -> None:
    """The static form holds a picture of the cloud and the text, words for all views, and nothing
    active.
    """
    board = explore(made_up(80, hostile=True), k=30, num_null=0, projection="pca")
    board.views[1].wait()
    bundle, _ = board._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"].count("<figure>") == 3
    assert bundle["text/html"].count("<svg") >= 2
    assert "<script" not in bundle["text/html"]
    assert "<img" not in bundle["text/html"]
    assert "30 landmarks chosen by hybrid" in bundle["text/plain"]
    board.close()


def test_a_cell_of_a_page_waits_for_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that will draw gets its views at once; the saved form then has words, and pictures of
    what was ready.
    """
    monkeypatch.setattr(registry, "current_cell", lambda: ("cell", "run"))
    monkeypatch.setattr(KVCloud, "settle", lambda *_: pytest.fail("the cell waited"))
    board = explore(made_up(60), k=30, num_null=0, projection="pca")
    monkeypatch.setattr(KVCloud, "ready", False)
    monkeypatch.setattr(TokenText, "ready", False)
    early, _ = board._repr_mimebundle_()
    monkeypatch.undo()
    for view in board.views:
        view.wait()
    late, _ = board._repr_mimebundle_()
    assert early["text/html"].count("<figcaption>") == 3
    assert early["text/html"].count("<svg") < late["text/html"].count("<svg") == 3
    board.close()


def test_mistakes_are_named() -> None:
    """Unknown settings suggest the nearest, k must fit, and a text needs something that reads."""
    with pytest.raises(ValueError, match="did you mean 'colour'"):
        explore(made_up(40), color="rank")
    with pytest.raises(ValueError, match="between 1 and 40"):
        explore(made_up(40), k=41)
    with pytest.raises(TypeError, match="got ndarray"):
        explore(vectors(40), "text")
    with pytest.raises(TypeError, match="got int"):
        explore(3)


def test_a_tiny_context_has_no_persistence() -> None:
    """Six tokens are shown as cloud and text; k starts at most at the number of tokens."""
    board = explore(vectors(6))
    assert len(board.views) == 2
    assert board.views[0].k == 6
    assert board.views[0].wait().notice == ""
    board.close()
