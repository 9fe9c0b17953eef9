"""The CPU's tables and the figures made of recorded ones, at sizes that take seconds; nothing here
is timed.
"""

import argparse
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
from warp_cortex.decode.weights import fuse

from warpviz.bench.engine import latency, shape, steps
from warpviz.bench.million import curves


def arguments(module: ModuleType, *flags: str) -> argparse.Namespace:
    """Return parsed flags of one benchmark."""
    parser = argparse.ArgumentParser()
    module.configure(parser)
    return parser.parse_args(["--model", "tiny-shape", "--context", "96", "--json", *flags])


@pytest.fixture
def sky() -> dict[str, np.ndarray]:
    """A map of six thoughts."""
    return {
        "place": np.arange(12, dtype=np.float16).reshape(6, 2),
        "agent": np.arange(6),
        "question": np.arange(6) % 2,
        "questions": np.array(["where is <b>?", "who?"]),
        "relations": np.array(["location", "owner"]),
        "thought": np.arange(6) % 3,
        "thoughts": np.array(["a", "b", "<script>"]),
        "wanted": np.array(" [TASK: x]"),
        "known": np.arange(6) < 2,
        "right": np.arange(6) < 3,
        "accepted": np.arange(6) < 1,
        "similarity": np.linspace(-1, 1, 6).astype(np.float16),
    }


def test_a_step_is_compared_with_its_products(tmp_path: Path) -> None:
    """One row per precision and number of agents; the ratio is that of the two medians; the file
    says the same.
    """
    flags = ("--agents", "1,3", "--own-tokens", "8", "--repeats", "1", "--out", str(tmp_path))
    found = steps.run(arguments(steps, *flags))
    assert [(row["dtype"], row["agents"]) for row in found["rows"]] == [
        ("bfloat16", 1),
        ("bfloat16", 3),
        ("float32", 1),
        ("float32", 3),
    ]
    for row in found["rows"]:
        assert row["times_linear"] == pytest.approx(row["step_ms"] / row["linear_ms"])
        assert row["agent_tokens_per_s"] == pytest.approx(1e3 * row["agents"] / row["step_ms"])
    assert "load" in json.loads((tmp_path / "steps.json").read_text())["provenance"]


def test_what_does_not_fit_is_a_row_with_its_bytes(tmp_path: Path) -> None:
    """So many agents that memory would not hold them are not tried, and the rows say what they
    would need.
    """
    many = str(10**12)
    flags = ("--own-tokens", "16", "--out", str(tmp_path))
    found = steps.run(arguments(steps, "--agents", many, "--dtypes", "float32", *flags))
    found["rows"] += latency.run(arguments(latency, "--streams", many, "--tokens", "2", *flags))[
        "rows"
    ]
    assert not [part["failed"] for part in found["sections"] if "failed" in part]
    skipped = [row["skipped"] for row in found["rows"] if "skipped" in row]
    assert len(skipped) == 2
    assert all(reason.startswith("needs ") and "bytes" in reason for reason in skipped)


def test_the_products_alone_are_all_of_them() -> None:
    """Every weight that a step multiplies with is multiplied with, and nothing else."""
    prism = shape.load("tiny-shape", device="cpu", positions=64)
    alone = steps._Linears(fuse(prism.model, prism.layout), 3, prism)
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], with_flops=True
    ) as seen:
        out = alone.run()
    assert out.shape == (3, prism.spec.vocab_size)
    sizes = [
        part.numel()
        for name, part in prism.model.named_parameters()
        if part.dim() == 2 and "norm" not in name
    ]
    assert sum(event.flops for event in seen.key_averages()) == 2 * 3 * sum(sizes)
    prism.close()


def test_latency_has_every_way_of_taking_turns(tmp_path: Path) -> None:
    """Alone, in turns, in threads, and in one batch: all by the steps that a run takes."""
    flags = ("--streams", "2", "--own-tokens", "16", "--tokens", "3", "--out", str(tmp_path))
    found = latency.run(arguments(latency, *flags))
    assert [section.get("failed") for section in found["sections"]] == [None]
    ways = [row["lanes"] for row in found["rows"]]
    assert ways == [
        "alone",
        "cooperative",
        "concurrent",
        "one batch",
        "alone, again",
    ]
    assert all(row["p50_ms"] <= row["p95_ms"] for row in found["rows"])


def test_recorded_tables_become_lines(tmp_path: Path) -> None:
    """One line per arm in order of agents; rows that were skipped are left out."""
    table = [
        {"arm": "ours", "agents": 10, "bytes": 20},
        {"arm": "ours", "agents": 1, "bytes": 2},
        {"arm": "theirs", "agents": 1, "bytes": 9},
        {"arm": "theirs", "agents": 10, "skipped": "needs more"},
    ]
    record = {
        "sections": [
            {"title": "Capacity, small", "rows": table},
            {"title": "Other", "rows": [{"agents": 5}]},
        ]
    }
    (tmp_path / "trial.json").write_text(json.dumps(record), encoding="utf-8")
    frame = curves.rows(curves.recorded("trial", tmp_path), "capacity")
    ours, theirs = curves.curve(frame, y="bytes").data
    assert (ours.name, list(ours.x), list(ours.y)) == ("ours", [1, 10], [2, 20])
    assert list(theirs.x) == [1]
    with pytest.raises(FileNotFoundError):
        curves.recorded("nothing", tmp_path)


@pytest.mark.parametrize("colour", curves.COLOURS)
def test_every_thought_is_on_the_map_once(sky: dict[str, np.ndarray], colour: str) -> None:
    """However it is coloured, all thoughts are drawn, and the model's words cannot become
    markup.
    """
    figure = curves.galaxy(sky, colour=colour)
    assert sum(len(trace.x) for trace in figure.data) == 6
    assert "<script>" not in figure.to_json()
    assert "&lt;script&gt;" in "".join(text for trace in figure.data for text in trace.hovertext)


def test_an_unknown_colour_is_refused(sky: dict[str, np.ndarray]) -> None:
    """The error names what is known."""
    with pytest.raises(ValueError, match="verdict, relation, known, right"):
        curves.galaxy(sky, colour="mood")


def test_a_table_of_thoughts_has_one_line_each(sky: dict[str, np.ndarray]) -> None:
    """Question and thought are the words the numbers point at."""
    frame = curves.thoughts(sky)
    assert isinstance(frame, pd.DataFrame)
    assert frame.thought.tolist() == ["a", "b", "<script>", "a", "b", "<script>"]
    assert frame.relation.tolist() == ["location", "owner"] * 3


def test_the_figures_of_a_run_are_its_own() -> None:
    """Nothing is added to what was measured, and nothing left out."""
    names = [
        "agents",
        "finished",
        "timed_agents",
        "ended",
        "task_tokens",
        "thought_tokens",
        "seconds",
        "agent_tokens_per_s",
        "thought_tokens_per_s",
        "cpu_seconds",
        "tokens_per_cpu_s",
        "accepted",
        "slots",
        "peak_rss_bytes",
    ]
    assert curves.facts(dict.fromkeys(names, 3.0)).to_dict() == dict.fromkeys(names, 3.0)
