"""LiveRun on screen before its rows: they come late, and what should play plays by itself."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.viz.fabricated import fabricate
from warpviz.live.rows import RowWriter
from warpviz.views.live_run import LiveRun

LIVE = "document.querySelector('.warpviz').liveRun"
Open = Callable[..., Page]
LATE = {
    "state": "store.apply({ op: 'state', data: { ...store.data, rows } }, [])",
    "rows": "store.emit('events', [{ rows }])",
}


@pytest.mark.parametrize("how", sorted(LATE))
def test_a_run_whose_rows_come_late_plays_by_itself(show: Open, how: str) -> None:
    """On screen and empty, a saved run plays when its rows come; where motion is unwelcome it shows its end."""
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
            assert page.evaluate(f"[{LIVE}.playhead.playing, {LIVE}.playhead.atEnd]") == [False, True]


def test_a_live_run_whose_rows_come_late_is_followed(show: Open) -> None:
    """Live, the newest moment is on screen as rows come, and the end of the run ends the playing."""
    writer, trace = RowWriter(), fabricate(num_streams=4, num_tokens=60)
    rows = [row for row in map(writer.write, trace.events) if row is not None]
    page = show(LiveRun(), motion="no-preference")
    page.evaluate(f"() => {LIVE}.store.apply({{ op: 'patch', data: {{ status: 'running' }} }}, [])")
    for part in (rows[:40], rows[40:90], rows[90:]):
        page.evaluate(f"rows => {LIVE}.store.emit('events', [{{ rows }}])", part)
        page.wait_for_function(f"() => {LIVE}.playhead.live && {LIVE}.playhead.atEnd")
    page.evaluate(f"() => {LIVE}.store.apply({{ op: 'patch', data: {{ status: 'done' }} }}, [])")
    page.wait_for_function(f"() => !{LIVE}.playhead.playing && !{LIVE}.pending")
    assert page.evaluate(f"{LIVE}.playhead.cursor") == len(rows)
