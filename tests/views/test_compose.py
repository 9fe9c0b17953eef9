"""Links and compositions: every linked view follows, in any direction, without echoes to the
browser.
"""

from typing import Any

import pytest

from warpviz.views.base.pump import Patch
from warpviz.views.base.view import View
from warpviz.views.compose import compose, link


class Plain(View):
    """A view of nothing."""

    entry = "text/view.js"

    def state(self) -> Patch:
        """Return nothing."""
        return Patch()

    def summary(self) -> str:
        """Return one word."""
        return "nothing"


@pytest.fixture
def three():
    """Three views; closed afterwards."""
    views = [Plain(k=4 + n) for n in range(3)]
    yield views
    for view in views:
        view.close()


def from_browser(view: View, **state: Any) -> None:
    """Set traits as a message from the page does."""
    view.set_state(state)


def test_all_composed_views_follow_any_of_them(three: list[Plain]) -> None:
    """The first view's values win at the start; then a change anywhere, from Python or the page,
    reaches all.
    """
    board = compose(three, sync=["k", "selection"])
    assert [view.k for view in three] == [4, 4, 4]
    for number, view in enumerate(three):
        view.k = 20 + number
        assert [other.k for other in three] == [20 + number] * 3
        from_browser(view, k=40 + number, selection=[number, 9])
        assert [other.k for other in three] == [40 + number] * 3
        assert all(other.selection.tolist() == [number, 9] for other in three)
    assert len({view.links["k"] for view in three}) == 1
    assert three[0].links["k"] != three[0].links["selection"]
    board.close()


def test_a_change_from_the_page_is_not_echoed_to_linked_views(
    three: list[Plain], monkeypatch: Any
) -> None:
    """The page links its views by itself: the kernel follows silently; a change from Python is
    sent.
    """
    sent: list[tuple[str, Any]] = []
    link(three[0], three[1], "k")
    link(three[1], three[2], "k")
    for view in three:
        monkeypatch.setattr(
            view, "send_state", lambda key=None, view=view: sent.append((view.uid, key))
        )
    from_browser(three[0], k=33)
    assert [view.k for view in three] == [33, 33, 33]
    assert sent == []
    three[0].k = 34
    assert {uid for uid, _ in sent} == {view.uid for view in three}


def test_unlinked_views_go_their_own_way(three: list[Plain]) -> None:
    """After `unlink` neither side follows, and the second has left the page's group."""
    made = link(three[0], three[1], "alpha", "k")
    made[1].unlink()
    three[0].k = 50
    assert three[1].k == 4
    assert "k" not in three[1].links
    three[0].alpha = 0.1
    assert three[1].alpha == pytest.approx(0.1)


def test_bad_compositions_are_refused(three: list[Plain]) -> None:
    """No views, wrong spans and unknown traits are ValueErrors that say what is accepted."""
    with pytest.raises(ValueError, match="at least one view"):
        compose([])
    with pytest.raises(ValueError, match="3 whole numbers from 1 to 12"):
        compose(three, spans=[1, 2])
    with pytest.raises(ValueError, match="1 to 12"):
        compose(three, spans=[1, 2, 13])
    with pytest.raises(ValueError, match="no trait 'kk'"):
        link(three[0], three[1], "kk")


def test_a_composition_finds_its_views_by_name(three: list[Plain]) -> None:
    """Views are found by class name or stem; others are a KeyError that lists them."""
    board = compose(three)
    assert board["Plain"] is three[0]
    with pytest.raises(KeyError, match="no view 'Other'"):
        board["Other"]
