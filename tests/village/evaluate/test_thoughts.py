"""The labelled thoughts: made by a command, the ones the threshold was chosen on, and ready for a
view.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from warp_cortex import (
    VOICES,
    CortexConfig,
    GateDecision,
    Prism,
    RunStart,
    Spawn,
    Thought,
    area,
    bundled,
)
from warp_cortex.voice.profiles import settle

from warpviz.live import regate
from warpviz.village.evaluate import thoughts
from warpviz.village.world import protocol

RECORD = json.loads((bundled("recorded/gate") / thoughts.NAME).read_text(encoding="utf-8"))
GATE = json.loads(
    (Path(__file__).parents[3] / "docs" / "benchmarks" / "gate.json").read_text(encoding="utf-8")
)  # what `warpviz.village.evaluate.gating` printed


def values(label: str, scorer: str = "centred") -> list[float]:
    """Return the recorded similarities of one kind of thought."""
    return [row["similarities"][scorer] for row in RECORD["thoughts"] if row["label"] == label]


def test_it_is_what_the_threshold_was_chosen_on() -> None:
    """Worlds, weights, counts and quantiles by kind, and the area of every scorer, are those of the
    gate's record.
    """
    assert {name: RECORD[name] for name in ("worlds", "seed", "checksum")} == {
        name: GATE[name] for name in ("worlds", "seed", "checksum")
    }
    counts = Counter(row["label"] for row in RECORD["thoughts"])
    for label in ("right", "nothing", "wrong"):
        assert counts[label] == GATE["centred"][label]["n"]
        low, middle, high = np.quantile(values(label), [0.05, 0.5, 0.95])
        assert [low, middle, high] == pytest.approx(
            [GATE["centred"][label][name] for name in ("p05", "median", "p95")], abs=2e-4
        )
    for scorer, want in GATE["area_right_against_nothing"].items():
        good = values("right", scorer)
        bad = values("nothing", scorer)
        curve = regate.roc(np.array(good + bad), [True] * len(good) + [False] * len(bad))
        assert curve is not None
        assert area(curve) == pytest.approx(want, abs=2e-4)


def test_shares_are_those_at_the_threshold_they_stand_under() -> None:
    """What the record says is accepted at a theta, to all its digits, is what the recorded thoughts
    give there.
    """
    counted = {
        "nothing_accepted": values("nothing"),
        "wrong_accepted": values("wrong"),
        "right_accepted_two_hop": [
            row["similarities"]["centred"]
            for row in RECORD["thoughts"]
            if row["label"] == "right" and row["two_hop"]
        ],
    }
    for name, these in counted.items():
        assert len(GATE[name]) == 2
        for theta, share in GATE[name].items():
            assert sum(value >= float(theta) for value in these) == pytest.approx(
                share["share"] * share["n"], abs=0.01
            )


def test_the_card_tells_what_the_default_accepts() -> None:
    """The gate's default is not quite the measured threshold, and two-hop thoughts lie close to
    both.
    """
    card = " ".join((bundled("village") / "README.md").read_text(encoding="utf-8").split())
    theta = settle(CortexConfig(), VOICES["village"]).gate.theta
    two_hop = [
        row["similarities"]["centred"] >= theta
        for row in RECORD["thoughts"]
        if row["label"] == "right" and row["two_hop"]
    ]
    shares = [
        100 * np.mean(two_hop),
        *(100 * np.mean(np.array(values(name)) >= theta) for name in ("nothing", "wrong")),
    ]
    assert (
        "at 0.3 it accepts {:.0f} % of right two-hop thoughts, {:.0f} % of".format(*shares) in card
    )
    assert f"{shares[2]:.0f} % of *wrong* values" in card


def test_it_says_where_it_comes_from() -> None:
    """Command, model, checksum, seed, settings, machine and versions are in the file."""
    assert RECORD.keys() >= {
        "command",
        "model",
        "checksum",
        "seed",
        "config",
        "machine",
        "torch",
        "date",
    }
    assert RECORD["config"]["gate"] == {"theta": -1.0, "scorer": "centred", "enabled": True}
    assert "--worlds 120 --seed 0" in RECORD["command"]


def test_traces_hold_what_the_gate_needs() -> None:
    """One trace per world: a start, then spawn, thought and decision of every stream; a label for
    each decision.
    """
    traces, labels = thoughts.recorded()
    assert len(traces) == len(labels) == RECORD["worlds"]
    for world, (trace, known) in enumerate(zip(traces, labels, strict=True)):
        assert [event.seed for event in trace.of(RunStart)] == [world]
        for kind in (Spawn, Thought, GateDecision):
            assert [event.stream for event in trace.of(kind)] == list(known)
    judged = regate.judged_thoughts(traces, labels)
    assert sum(thought.label is True for thought in judged) == GATE["centred"]["right"]["n"]
    assert all(
        thought.label is False for thought in judged if thought.thought == protocol.NOTHING.strip()
    )
    assert regate.scorers(judged)[0] == "centred"


def test_the_command_writes_the_same_thoughts_again(
    village: Prism, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run over the first two worlds gives the record's first thoughts, to the last digit kept."""
    thoughts.main(["--worlds", "2", "--out", str(tmp_path)])
    path = Path(capsys.readouterr().out.strip())
    again = json.loads(path.read_text(encoding="utf-8"))
    assert again["checksum"] == village.spec.checksum
    wanted = [row for row in RECORD["thoughts"] if row["run"] < 2]
    assert len(wanted) == len(again["thoughts"]) > 0
    for row, old in zip(again["thoughts"], wanted, strict=True):
        assert {**row, "similarities": 0} == {**old, "similarities": 0}
        assert row["similarities"] == pytest.approx(old["similarities"], abs=1e-4)
    traces, _ = thoughts.recorded(path)
    assert len(traces) == 2
