"""Loops: repeats are counted as they stand, and the River's default is the one that was measured to
stop them.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warp_cortex import CortexConfig, Prism, bundled
from warp_cortex.voice.profiles import settle

from warpviz.village.evaluate import loops
from warpviz.village.evaluate.loops import (
    CHOICES,
    Choice,
    RunCounts,
    repeats,
    row,
    run_counts,
    turns,
)
from warpviz.village.world import sample_texts
from warpviz.village.world.sample_texts import RECIPES, make
from warpviz.village.world.tokens import Encoder

WORDS = st.lists(st.sampled_from(["dog", "cat", "sky", "sea"]), min_size=1, max_size=5).map(
    " ".join
)


def record() -> dict:
    """Return the published measurement."""
    return json.loads(
        (bundled("village").parents[1] / "docs" / "benchmarks" / "loops.json").read_text("utf-8")
    )


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", (0, 0, 0)),
        (" A dog slept.", (1, 0, 0)),
        (" A dog slept here. A dog slept there. A dog slept here.", (3, 1, 2)),
        (" A dog slept. [TASK: where is the key?] A dog slept.", (2, 1, 1)),
        (" A dog slept. A dog", (1, 0, 0)),
    ],
)
def test_repeats_are_counted(text: str, counts: tuple[int, int, int]) -> None:
    """Sentences, those that stand there before, those that open as one before; tasks and unfinished
    ones are none.
    """
    assert repeats(text) == counts


@given(sentences=st.lists(WORDS, max_size=20))
def test_what_is_said_again_also_opens_alike(sentences: list[str]) -> None:
    """A repeat counts once per time it is said again, and every repeat opens like what it
    repeats.
    """
    num, again, alike = repeats("".join(f" {sentence}." for sentence in sentences))
    assert num == len(sentences)
    assert again == num - len(set(sentences))
    assert again <= alike <= max(0, num - 1)


def test_turns_belong_to_their_task() -> None:
    """Each task comes with what is written up to the next one."""
    text = " Before. [TASK: who?] It was Mara. [TASK: where?] In the attic."
    assert list(turns(text)) == [
        (" [TASK: who?]", " It was Mara."),
        (" [TASK: where?]", " In the attic."),
    ]
    assert not list(turns(" Nothing asked."))


def test_rows_are_shares_of_all_runs() -> None:
    """Counts add up over runs before they are divided; without a question there is no share."""
    one = RunCounts(10, 5, 6, 2, 1, 1, 1, 3, first=True, shown=False)
    other = RunCounts(30, 5, 6, 2, 2, 0, 0, 4, first=False, shown=False)
    found = row(Choice(0.0, 1.2), [one, other])
    assert found["name"] == "greedy, penalty 1.2"
    assert (found["sentences_said_again"]["share"], found["sentences_said_again"]["n"]) == (
        0.25,
        40,
    )
    assert found["answers_right"]["share"] == 0.75
    assert found["answers_right_after_injection"] == {
        "share": 1.0,
        "n": 1,
        "low": 0.2065,
        "high": 1.0,
    }
    assert (found["first_answer_right"]["share"], found["streams_per_run"]) == (0.5, 3.5)
    assert row(Choice(0.5), [])["answers_right"]["share"] is None


def test_a_warm_river_does_not_loop(village: Prism, encoder: Encoder) -> None:
    """On a sample: greedy choice repeats every third sentence at least, the default none."""
    where = make(RECIPES[0], encoder)
    greedy = run_counts(village, where, Choice(0.0), seed=0)
    warm = run_counts(village, where, Choice(CortexConfig().river.temperature), seed=0)
    assert greedy.again >= greedy.sentences / 3
    assert warm.again == 0
    assert warm.first
    assert warm.shown
    assert warm.followed == warm.injected >= 1


def test_the_default_is_the_measured_one(village: Prism) -> None:
    """The record is of these weights and these choices; its default stops the loops and costs no
    answer.
    """
    found = record()
    assert found["checksum"] == village.spec.checksum
    assert [line["name"] for line in found["held_out"]] == [choice.name for choice in CHOICES]
    river = settle(CortexConfig(), village.voice).river
    rows = {line["name"]: line for line in found["held_out"]}
    default = rows[Choice(river.temperature, river.repetition_penalty).name]
    greedy = rows["greedy"]
    assert default["runs"] == greedy["runs"] >= 60
    assert default["sentences_said_again"]["high"] < 0.01
    assert greedy["sentences_said_again"]["low"] > 0.4
    for name in ("answers_right", "answers_right_after_injection", "first_answer_right"):
        assert default[name]["share"] >= greedy[name]["share"], name


def test_the_card_says_what_was_measured() -> None:
    """Shares of the card's note on loops are the record's."""
    card = (bundled("village") / "README.md").read_text(encoding="utf-8")
    rows = {line["name"]: line for line in record()["held_out"]}
    for name, key in (
        ("greedy", "sentences_said_again"),
        ("temperature 0.5", "sentences_said_again"),
        ("greedy", "answers_right"),
        ("temperature 0.5", "answers_right"),
    ):
        share = rows[name][key]
        low, high = (f"{100 * share[end]:.1f}" for end in ("low", "high"))
        assert f"{100 * share['share']:.1f} % ({low} to {high})" in " ".join(card.split())


def test_the_page_is_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    """`--table` prints the record as it is published: a line per choice, shares with intervals."""
    folder = bundled("village").parents[1] / "docs" / "benchmarks"
    loops.main(["--table", str(folder / "loops.json")])
    out = capsys.readouterr().out
    assert out == (folder / "loops.md").read_text(encoding="utf-8")
    assert sum(
        line.startswith(("| greedy", "| temperature")) for line in out.splitlines()
    ) == 2 * len(CHOICES)
    assert loops._percent({"share": None, "n": 0, "low": None, "high": None}) == "none asked"


def test_the_command_needs_a_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """No seeds, no runs: the flag is named."""
    with pytest.raises(SystemExit):
        loops.parse(["--seeds", "0"])
    assert "--seeds must be at least 1, got 0" in capsys.readouterr().err


def test_the_table_has_a_line_per_choice(village: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """Greedy choice runs each text once, warm ones once per seed, held-out worlds with a seed of
    their own.
    """
    ran: list[tuple[str, int]] = []

    def pretend(prism: Prism, where: object, choice: Choice, *, seed: int) -> RunCounts:
        ran.append((choice.name, seed))
        return RunCounts(1, 0, 0, 1, 1, 0, 0, 1, first=True, shown=True)

    monkeypatch.setattr(loops, "run_counts", pretend)
    found = loops.measure(village, seeds=2, worlds=3, tokens=200, first=9)
    samples = len(sample_texts.RECIPES)
    for line, choice in zip(found["samples"], CHOICES, strict=True):
        assert line["runs"] == samples * (2 if choice.temperature else 1)
    assert {line["runs"] for line in found["held_out"]} == {3}
    assert {seed for name, seed in ran if name == "greedy"} == {0, 1, 2}
