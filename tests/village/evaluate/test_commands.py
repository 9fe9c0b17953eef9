"""The commands that measure: each prints one JSON object that says where its numbers come from."""

import json
from pathlib import Path

import pytest

from warpviz.village.evaluate import council, gating
from warpviz.village.evaluate.council import MAIN, OTHERS, TWO_HOP, jobs
from warpviz.village.world import sample_texts

PROVENANCE = {"model", "checksum", "machine", "date", "python", "torch"}


@pytest.mark.timeout(120)
def test_council(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The main arms over one world, in another process, with every run on record."""
    runs = tmp_path / "runs.jsonl"
    council.main(
        [
            "--worlds",
            "1",
            "--arm-worlds",
            "0",
            "--tokens",
            "300",
            "--window",
            "64",
            "--runs",
            str(runs),
            "--json",
        ]
    )
    found = json.loads(capsys.readouterr().out)
    assert found.keys() >= PROVENANCE | {
        "tokens",
        "window",
        "seed",
        "arms",
        "gain_points_over_without",
    }
    assert set(found["arms"]) == {"without", "with"}
    assert [json.loads(line)["arm"] for line in runs.read_text().splitlines()] == [
        "without",
        "with",
    ]


def test_jobs_give_every_arm_the_same_worlds() -> None:
    """Main arms run all worlds, the others the first of them, and no run is listed twice."""
    work = list(jobs(3, 2, tokens=300, window=64, seed=9))
    assert len(set(work)) == len(work) == 3 * len(MAIN) + 2 * len((*OTHERS, *TWO_HOP))
    for arm in MAIN:
        assert [job.seed for job in work if job.arm == arm] == [9, 10, 11]
    for arm in (*OTHERS, *TWO_HOP):
        assert [job.seed for job in work if job.arm == arm] == [9, 10]


def test_gating(capsys: pytest.CaptureFixture[str]) -> None:
    """A few worlds suffice for a table: right thoughts lie above empty ones under the centred
    scorer.
    """
    gating.main(["--worlds", "4", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found.keys() >= PROVENANCE | {
        "theta_youden",
        "thresholds",
        "area_right_against_nothing",
        "centred",
    }
    assert found["centred"]["right"]["median"] > found["centred"]["nothing"]["median"]


def test_contexts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json or --search the sample texts are written and named, one a line."""
    sample_texts.main(["--out", str(tmp_path / "new")])
    lines = capsys.readouterr().out.splitlines()
    assert [Path(line).name for line in lines] == [
        f"{recipe.name}.txt" for recipe in sample_texts.RECIPES
    ]
    assert all(Path(line).is_file() for line in lines)
