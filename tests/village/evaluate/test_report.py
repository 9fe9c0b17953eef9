"""Intervals, answers and the gate's table."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warp_cortex import VOICES, CortexConfig, Prism, bundled
from warp_cortex.voice.profiles import settle

from warpviz.village.evaluate import answers, evaluate, references
from warpviz.village.evaluate.answers import Cell
from warpviz.village.evaluate.gating import LabelledThought, table
from warpviz.village.evaluate.report import interval, paired
from warpviz.village.world.scene import answered, scene
from warpviz.village.world.tokens import Encoder
from warpviz.village.world.world import Question

KEY = Question("location", "red key", "attic")


@given(total=st.integers(1, 1000), share=st.floats(0, 1))
def test_an_interval_holds_its_share(total: int, share: float) -> None:
    """The Wilson interval lies in [0, 1], holds the share, and shrinks with n."""
    right = round(share * total)
    found = interval(right, total)
    assert 0 <= found["low"] <= found["share"] + 1e-4
    assert found["share"] - 1e-4 <= found["high"] <= 1
    more = interval(right * 4, total * 4)
    assert more["high"] - more["low"] < found["high"] - found["low"]


def test_a_known_interval() -> None:
    """81 of 263 gives (0.2553, 0.3662), the textbook example (Newcombe 1998); nothing of nothing
    has no share.
    """
    found = interval(81, 263)
    assert (found["low"], found["high"]) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert interval(0, 0)["share"] is None


def test_a_paired_gain() -> None:
    """Points are percent; lists of different lengths are refused."""
    half = paired([True, False] * 50, [False] * 100)
    assert half["points"] == 50
    assert 35 < half["low"] < 45
    assert paired([True, False], [True, False])["points"] == 0
    with pytest.raises(ValueError, match="got 1 and 2"):
        paired([True], [True, False])


def test_worlds_that_all_agree_are_no_certainty() -> None:
    """One difference throughout: the interval is as wide as Wilson's for n of n, shrinks with n,
    and is never empty.
    """
    even = paired([True, False] * 20, [True, False] * 20)
    assert even == {"points": 0.0, "n": 40, "low": -8.76, "high": 8.76}
    assert even["high"] == pytest.approx(100 * interval(0, 40)["high"], abs=0.01)
    assert even["high"] == pytest.approx(100 * (1 - 0.025 ** (1 / 40)), abs=0.1), (
        "the exact bound (Clopper-Pearson)"
    )
    ahead = paired([True] * 40, [False] * 40)
    behind = paired([False] * 40, [True] * 40)
    assert (ahead["points"], ahead["high"]) == (100, 100)
    assert ahead["low"] == pytest.approx(100 * (2 * interval(40, 40)["low"] - 1), abs=0.02)
    assert (behind["points"], behind["low"], behind["high"]) == (-100, -100, -ahead["low"])
    for n in (1, 4, 35):
        assert paired([True] * n, [False] * n)["low"] < ahead["low"]
        assert paired([True] * n, [True] * n)["high"] > even["high"]


def test_the_first_sentence_about_the_subject_is_the_answer() -> None:
    """Uses give their value, a miss gives "", other subjects give nothing."""
    assert answered(" A dog slept. Mara got the red key from the attic.", KEY) == "attic"
    assert (
        answered(
            " So Mara found the red key in the old barn. Mara got the red key from the attic.", KEY
        )
        == "old barn"
    )
    assert answered(" Nobody could say where the red key was.", KEY) == ""
    assert answered(" Mara got the red kettle from the attic.", KEY) is None


def test_a_scene_asks_for_the_kind_that_is_wanted(encoder: Encoder) -> None:
    """The kind decides what is asked; the prompt ends in the need and fits its size; a seed gives
    one scene.
    """
    for seed in range(8):
        for kind, hops in (("one", False), ("two", True)):
            where = scene(seed, 300, encoder.length, kind=kind)
            assert where.asked.question.two_hop is hops
            assert where.prompt.endswith(where.need)
            assert where.asked.question.subject in where.need
            assert encoder.length(where.prompt) <= 304
            assert where.prompt == scene(seed, 300, encoder.length, kind=kind).prompt
        assert scene(seed, 300, encoder.length, kind="unknown").asked.evidence == ()


def test_streams_recall_and_rivers_follow(village: Prism, encoder: Encoder) -> None:
    """A handful of questions: full recall is near perfect, triggers come, references about others
    are left alone.
    """
    cell = Cell(tokens=256, split="heldout", kind="one")
    found = answers.measure(village, encoder.length, cell, seed=1, least=10)
    assert found["share"] > 0.9 > found["guessing"]
    few = Cell(tokens=256, split="heldout", kind="one", policy="ends", k=8)
    assert answers.measure(village, encoder.length, few, seed=1, least=10)["share"] < found["share"]
    found = answers.triggers(village, encoder.length, tokens=256, seed=1, least=5)
    assert found["recall"]["share"] > 0.9
    where = scene(2, 200, encoder.length, kind="one")
    context = village.read(where.document.text)
    assert references.follows(context, where, where.asked, "contradicts")
    assert references.follows(context, where, where.asked, "other subject")


def test_sections_are_added_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second call keeps what the file held; an unknown section is named."""
    path = tmp_path / "out.json"
    path.write_text(json.dumps({"earlier": 1}))
    evaluate.main(["--sections", "trigger", "--least", "2", "--out", str(path), "--json"])
    assert json.loads(path.read_text()).keys() >= {"earlier", "trigger", "checksum", "date"}
    assert json.loads(capsys.readouterr().out)["trigger"]["cells"]["recall"]["n"] >= 2
    with pytest.raises(SystemExit):
        evaluate.main(["--sections", "nothing"])


def test_the_default_threshold_is_the_measured_one() -> None:
    """The gate's default is the measured Youden threshold, to one digit."""
    record = json.loads(
        (bundled("village").parents[1] / "docs" / "benchmarks" / "gate.json").read_text()
    )
    assert settle(CortexConfig(), VOICES["village"]).gate.theta == pytest.approx(
        record["theta_youden"], abs=0.05
    )


def test_a_table_of_the_gate() -> None:
    """Separable thoughts give an area of one and a threshold between them."""
    scores = [
        ("right", 0.8),
        ("right", 0.7),
        ("nothing", 0.1),
        ("other subject", 0.2),
        ("wrong", 0.6),
    ]
    found = table(
        [
            LabelledThought(
                label,
                is_two_hop=False,
                similarities=dict.fromkeys(("raw", "centred", "standardised"), value),
            )
            for label, value in scores
        ]
    )
    assert 0.2 < found["theta_youden"] <= 0.7
    assert found["area_centred_right_against_all_bad"] == 1
