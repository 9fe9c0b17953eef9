"""LiveRun on screen before its rows: they come late, and what should play plays by itself."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.views.fabricated import fabricate
from warpviz.live.rows import RowWriter
from warpviz.views.run.view import LiveRun

LIVE = "document.querySelector('.warpviz').liveRun"
# A page has no kernel: what is said to one goes nowhere, and the engine seems to run.
RUNNING = (
    f"const {{ store }} = {LIVE}; store.attempt = () => {{}}; store.live = true;"
    " store.apply({ op: 'patch', data: { status: 'running' } }, []);"
)
Open = Callable[..., Page]
LATE = {
    "state": "store.apply({ op: 'state', data: { ...store.data, rows } }, [])",
    "rows": "store.emit('events', [{ rows }])",
}


@pytest.mark.parametrize("how", sorted(LATE))
def test_a_run_whose_rows_come_late_plays_by_itself(show: Open, how: str) -> None:
    """On screen and empty, a saved run plays when its rows come; where motion is unwelcome it shows
    its end.
    """
    writer, trace = RowWriter(), fabricate(num_streams=4, num_tokens=100)
    rows = [row for row in map(writer.write, trace.events) if row is not None]
    for motion in ("no-preference", "reduce"):
        page = show(LiveRun(), motion=motion)
        assert page.evaluate(f"[{LIVE}.run.length, {LIVE}.playhead.playing]") == [0, False]
        page.evaluate(f"rows => {{ const store = {LIVE}.store; {LATE[how]}; }}", rows)
        if motion == "no-preference":
            page.wait_for_function(f"() => {LIVE}.playhead.playing && {LIVE}.playhead.beat > 3")
        else:
            page.wait_for_timeout(300)
            assert page.evaluate(f"[{LIVE}.playhead.playing, {LIVE}.playhead.atEnd]") == [
                False,
                True,
            ]


def test_a_live_run_whose_rows_come_late_is_followed(show: Open) -> None:
    """Live, the newest moment is on screen as rows come, and the end of the run ends the
    playing.
    """
    writer, trace = RowWriter(), fabricate(num_streams=4, num_tokens=60)
    rows = [row for row in map(writer.write, trace.events) if row is not None]
    page = show(LiveRun(), motion="no-preference")
    page.evaluate(f"() => {{ {RUNNING} }}")
    for part in (rows[:40], rows[40:90], rows[90:]):
        page.evaluate(f"rows => {LIVE}.store.emit('events', [{{ rows }}])", part)
        page.wait_for_function(f"() => {LIVE}.playhead.live && {LIVE}.playhead.atEnd")
    page.evaluate(f"() => {LIVE}.store.apply({{ op: 'patch', data: {{ status: 'done' }} }}, [])")
    page.wait_for_function(f"() => !{LIVE}.playhead.playing && !{LIVE}.pending")
    assert page.evaluate(f"{LIVE}.playhead.cursor") == len(rows)


def test_a_view_closed_in_mid_run_does_nothing_any_more(show: Open) -> None:
    """No frame, no timer, no painting after its end, though rows go on coming for another view of
    the same widget.
    """
    writer, trace = RowWriter(), fabricate(num_streams=6, num_tokens=80)
    rows = [row for row in map(writer.write, trace.events) if row is not None]
    page = show(LiveRun(), motion="no-preference")
    page.evaluate(f"() => {{ window.view = {LIVE}; }}")
    page.evaluate(f"() => {{ {RUNNING} }}")
    page.evaluate("rows => view.store.emit('events', [{ rows }])", rows[:60])
    page.wait_for_function("() => view.playhead.live && view.overlay.paints > 1")
    page.evaluate(
        "() => { view.frame.close(); window.painted = [view.overlay.paints, view.sky.paints]; }"
    )
    page.evaluate("rows => view.store.emit('events', [{ rows }])", rows[60:])
    page.wait_for_timeout(800)
    assert page.evaluate("[view.overlay.paints, view.sky.paints]") == page.evaluate(
        "window.painted"
    )
    assert page.evaluate("view.run.length") == len(rows)
    assert page.evaluate("document.querySelectorAll('section.warpviz').length") == 0
    assert (
        page.evaluate("[...view.source.listeners.values()].reduce((sum, set) => sum + set.size, 0)")
        == 0
    )


def test_two_views_of_one_widget_share_the_run_and_each_has_its_place(show: Open) -> None:
    """The rows are folded once; scrubbing or closing one view leaves the other as it was."""
    page = show(LiveRun(fabricate(num_streams=4, num_tokens=60), autoplay=False))
    page.evaluate(
        f"""() => {{ const one = {LIVE}; const el = document.createElement("div");
        document.getElementById("warpviz-root").append(el);
        window.one = one;
        window.frame = new one.frame.constructor(el, one.store);
        window.two = new one.constructor(window.frame, one.store); }}"""
    )
    assert page.evaluate("one.run === two.run")
    page.evaluate("() => { two.playhead.seek(3); two.repaint(); }")
    assert page.evaluate("[one.playhead.atEnd, two.playhead.beat]") == [True, 3]
    page.evaluate("() => window.frame.close()")
    page.wait_for_timeout(200)
    before = page.evaluate("one.overlay.paints")
    page.evaluate("() => one.repaint()")
    page.wait_for_function(f"() => one.overlay.paints > {before}")


def test_a_live_run_that_went_on_out_of_sight_plays_once_it_is_seen(show: Open) -> None:
    """Run All scrolls past a run that lasts two seconds: it is held, and plays from its beginning;
    after that there is no second time.
    """
    writer, trace = RowWriter(), fabricate(num_streams=4, num_tokens=90)
    rows = [row for row in map(writer.write, trace.events) if row is not None]
    page = show(LiveRun(), motion="no-preference")
    page.evaluate(
        """() => { const gap = document.createElement("div"); gap.style.height = "3000px";
        document.body.prepend(gap); }"""
    )
    page.wait_for_function(f"() => !{LIVE}.beginning.isSeen")
    page.evaluate(f"() => {{ {RUNNING} }}")
    for part in (rows[:90], rows[90:]):
        page.evaluate(f"rows => {LIVE}.store.emit('events', [{{ rows }}])", part)
    page.evaluate(f"() => {LIVE}.store.apply({{ op: 'patch', data: {{ status: 'done' }} }}, [])")
    page.wait_for_timeout(200)
    assert page.evaluate(f"[{LIVE}.playhead.cursor, {LIVE}.playhead.playing]") == [0, False]
    page.evaluate(f"() => {LIVE}.stage.scrollIntoView({{ block: 'center' }})")
    page.wait_for_function(f"() => {LIVE}.playhead.playing && {LIVE}.playhead.beat > 2")
    assert page.evaluate(f"{LIVE}.playhead.beat") < 60
    page.keyboard.press("End")
    page.evaluate(f"{LIVE}.playhead.seek(Infinity)")
    page.evaluate("() => scrollTo(0, 0)")
    page.wait_for_function(f"() => !{LIVE}.beginning.isSeen")
    page.evaluate(f"() => {LIVE}.stage.scrollIntoView({{ block: 'center' }})")
    page.wait_for_function(f"() => {LIVE}.beginning.isSeen")
    page.wait_for_timeout(200)
    assert page.evaluate(f"{LIVE}.playhead.atEnd")


def test_a_missed_run_that_still_goes_on_is_followed_once_it_has_been_shown(show: Open) -> None:
    """It plays from its beginning to the newest moment, and stays there."""
    writer, trace = RowWriter(), fabricate(num_streams=2, num_tokens=60)
    rows = [row for row in map(writer.write, trace.events) if row is not None]
    page = show(LiveRun(), motion="no-preference")
    page.evaluate("() => { document.body.style.paddingTop = '3000px'; }")
    page.wait_for_function(f"() => !{LIVE}.beginning.isSeen")
    page.evaluate(f"() => {{ {RUNNING} }}")
    page.evaluate(f"rows => {LIVE}.store.emit('events', [{{ rows }}])", rows[:-20])
    page.evaluate(f"() => {{ {LIVE}.playhead.speed = 8; {LIVE}.stage.scrollIntoView(); }}")
    page.wait_for_function(f"() => {LIVE}.playhead.playing && !{LIVE}.playhead.live")
    page.wait_for_function(f"() => {LIVE}.playhead.live && {LIVE}.playhead.atEnd")
    page.evaluate(f"rows => {LIVE}.store.emit('events', [{{ rows }}])", rows[-20:])
    page.wait_for_function(f"() => {LIVE}.playhead.cursor === {len(rows)}")


def test_a_run_that_failed_before_it_began_keeps_no_empty_frames(show: Open) -> None:
    """Its error is all there is to see; one that failed on its way keeps what it has."""
    page = show(LiveRun())
    page.evaluate(f"() => {{ {RUNNING} }}")
    page.evaluate(f"() => {LIVE}.store.apply({{ op: 'patch', data: {{ status: 'failed' }} }}, [])")
    page.wait_for_function(
        "() => document.querySelector('.warpviz').getBoundingClientRect().height < 220"
    )
    writer, trace = RowWriter(), fabricate(num_streams=2, num_tokens=30)
    rows = [row for row in map(writer.write, trace.events) if row is not None]
    page.evaluate(f"rows => {LIVE}.store.emit('events', [{{ rows }}])", rows)
    page.wait_for_function(
        "() => document.querySelector('.warpviz').getBoundingClientRect().height > 400"
    )
