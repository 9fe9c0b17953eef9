"""The front end's benchmark, reduced: its samples are made as it says; a run in a real browser
gives finite rows.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import pytest
from warp_cortex import Finish, GateDecision, StreamToken, Token

from warpviz.bench.browser import ui, ui_live, ui_page, ui_runs, ui_sliders
from warpviz.bench.browser.ui_rows import row
from warpviz.live.beats import Beats
from warpviz.live.timeline import Timeline


def arguments(*flags: str) -> argparse.Namespace:
    """Return parsed flags of the benchmark."""
    parser = argparse.ArgumentParser()
    ui.configure(parser)
    return parser.parse_args(flags)


def test_a_row_says_whether_every_target_is_met() -> None:
    """Both percentiles count; where more is better the slow end does; without a target nothing is
    claimed.
    """
    samples = list(range(101))
    found = row("x", samples, target_p50=50, target_p95=95)
    assert (found["p50"], found["p95"], found["met"], found["n"]) == (50, 95, True, 101)
    assert not row("x", samples, target_p50=50, target_p95=94.9)["met"]
    assert not row("x", samples, target_p50=49.9, target_p95=95)["met"]
    more = row("x", samples, target_p50=50, target_p95=5, more_is_better=True)
    assert (more["p95"], more["met"]) == (5, True)
    assert not row("x", samples, target_p50=50, target_p95=6, more_is_better=True)["met"]
    assert row("x", samples)["met"] is None


@pytest.mark.parametrize("samples", [[], [1.0, math.nan], [math.inf]])
def test_a_row_of_nothing_is_refused(samples: list[float]) -> None:
    """No samples, or one that is not a number, is an error and never a row."""
    with pytest.raises(ValueError, match="finite samples"):
        row("x", samples)


def test_keys_walk_through_k_and_back() -> None:
    """Every key moves k by one in the direction it names, never past the ends."""
    k = ui_sliders.FIRST_K
    for key, after in ui_sliders.keys_of_k(400):
        assert after - k == (1 if key == "ArrowRight" else -1)
        assert ui_sliders.FIRST_K <= after <= ui_sliders.MOST_K
        k = after


def test_the_page_pays_for_what_follows_too() -> None:
    """Processor time is counted from press to press: work that was put off is not left out."""
    assert ui_sliders.spent([{"cpu": 10.0}, {"cpu": 25.0}, {"cpu": 31.0}], 50.0) == [
        15.0,
        6.0,
        19.0,
    ]


def test_windows_count_time_and_paintings() -> None:
    """A third of a core is 33 %; twenty paintings a second are twenty; a delay is from the beat to
    its painting.
    """
    times = np.arange(100.0, 131.0, 0.5)
    samples = np.stack([times, times / 3], axis=1).tolist()
    assert ui_live.shares(samples, 105, 130) == pytest.approx([100 / 3] * 5)
    seen = [[100 + i / 20 + 0.001, i + 1] for i in range(600)]
    assert ui_live.drawn_per_second(seen, 100, 130) == [20.0] * 6
    clock = [100 + i / 20 for i in range(600)]
    assert ui_live.delays_ms(seen, clock, 100) == pytest.approx([1.0] * 600)
    assert len(ui_live.delays_ms(seen, clock, 115)) == 300


def test_judged_runs_hold_what_they_say() -> None:
    """So many decisions, a label for each, the same again from the same seed."""
    trace, labels = ui_runs.judged(50, seed=3)
    decisions = trace.of(GateDecision)
    assert len(decisions) == len(labels) == 50
    assert all(d.accepted == (d.similarity >= ui_runs.THETA) for d in decisions)
    assert ui_runs.judged(50, seed=3)[0].events == trace.events
    assert ui_runs.judged(50, seed=4)[0].events != trace.events


def test_the_metronome_keeps_a_hundred_streams_thinking() -> None:
    """Each beat is one River token and one token of each stream; there are always as many; a stop
    ends it.
    """
    cortex = ui_runs.MetronomeCortex(100, beats_hz=10_000, seed=0)
    for event in cortex.run(""):
        if isinstance(event, Token) and len(cortex.clock) == 60:
            cortex.stop()
    events = cortex.trace.events
    beats = Beats()
    assert max(beats.advance(event) for event in events) == len(cortex.clock)
    assert sum(isinstance(event, StreamToken) for event in events) == 100 * len(cortex.clock)
    line = Timeline(events)
    assert {len(line.at(at).active) for at in range(200, len(events) - 1, 997)} <= {99, 100, 101}
    assert events[-1] == Finish(step=events[-1].step, stream=None, reason="stopped")


def test_a_missing_chromium_and_bad_flags_are_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a browser the command says what to install; a section or count that cannot be is
    named.
    """
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(ValueError, match="no Chromium"):
        ui_page.chromium()
    for flags in (("--repeats", "0"), ("--sections", "k,speed")):
        with pytest.raises(ValueError, match="sections among"):
            ui.run(arguments(*flags, "--out", str(tmp_path)))


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.xdist_group("browser")
@pytest.mark.timeout(300)
def test_one_repeat_in_a_real_browser(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One press of each slider: every row is there and finite; no target is held here."""
    flags = (
        "--repeats",
        "1",
        "--tokens",
        "200",
        "--thoughts",
        "50",
        "--sections",
        "k,theta",
        "--json",
    )
    assert ui.execute(arguments(*flags, "--out", str(tmp_path))) == 0
    record = json.loads(capsys.readouterr().out)
    assert [section.get("failed") for section in record["sections"]] == [None] * 2
    assert len(record["rows"]) == 6
    for found in record["rows"]:
        assert found["n"] == 1
        assert all(math.isfinite(found[name]) and found[name] > 0 for name in ("p50", "p95"))
    assert record["provenance"]["browser"].startswith("chromium")
    assert "| what | p50 |" in (tmp_path / "ui.md").read_text(encoding="utf-8")
