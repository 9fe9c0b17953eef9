"""What a newcomer sees first: `warpviz run` on the village's sample texts, without a flag."""

import json
import re
from pathlib import Path

import pytest
from warp_cortex import Inject, Thought, Token, load_trace

import warpviz
from warpviz.cli import main
from warpviz.village.world.sample_texts import RECIPES


@pytest.mark.slow
@pytest.mark.parametrize("name", [recipe.name for recipe in RECIPES])
def test_a_council_at_work(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Three streams from the River's triggers; one thought is rejected, one injected and used."""
    prompt = tmp_path / "prompt.txt"
    prompt.write_text(warpviz.sample(name), encoding="utf-8")
    assert main(["run", "--prompt", str(prompt), "--json", "--out", str(tmp_path)]) == 0
    summary = json.loads(capfd.readouterr().out)
    verdicts = [stream["accepted"] for stream in summary["streams"]]
    assert len(verdicts) >= 3
    assert {True, False} <= set(verdicts)
    assert summary["injections"]
    assert follows(tmp_path)


def follows(folder: Path) -> bool:
    """Tell whether, after some injection, the River says the word its thought ended with."""
    trace = load_trace(folder)
    for injection in trace.of(Inject):
        answer = re.findall(r"\w+", injection.text)[-1]
        said = "".join(token.text for token in trace.of(Token) if token.step > injection.step)
        if answer in said:
            return True
    return False


@pytest.mark.slow
def test_without_flags_the_same_bytes_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`warpviz run` reads the first sample; a second call writes the same trace and the same
    arrays.
    """
    monkeypatch.chdir(tmp_path)
    written = []
    for _call in range(2):
        assert main(["run"]) == 0
        written.append(
            {path.name: path.read_bytes() for path in sorted((tmp_path / "out").iterdir())}
        )
    assert written[0] == written[1]
    assert written[0].keys() == {"trace.jsonl", "trace.npz"}


@pytest.mark.slow
@pytest.mark.parametrize("lanes", ["threads", "process"])
def test_lanes_side_by_side_think_what_lanes_in_turns_think(lanes: str, tmp_path: Path) -> None:
    """Each lane in a thread, or the streams in a process that is gone afterwards: the first
    thoughts are the same.
    """
    thoughts = []
    for name in ("turns", lanes):
        assert (
            main(
                [
                    "run",
                    "--lanes",
                    name,
                    "--json",
                    "--max-tokens",
                    "60",
                    "--out",
                    str(tmp_path / name),
                ]
            )
            == 0
        )
        trace = load_trace(tmp_path / name)
        timed = [event.time_s is not None for event in trace.events if event.type == "stream_token"]
        assert set(timed) == {name != "turns"}
        thoughts.append({thought.stream: thought.text for thought in trace.of(Thought)}[1])
    assert thoughts[0] == thoughts[1]
