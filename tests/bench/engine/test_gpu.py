"""The GPU command, tried out on the processor at sizes that take seconds; nothing here is timed."""

import argparse
import json
from pathlib import Path

import pytest

from warpviz.bench.engine import capacity, gpu, shape, variants
from warpviz.bench.harness.report import Report


def arguments(*flags: str) -> argparse.Namespace:
    """Return parsed flags of the GPU benchmark."""
    parser = argparse.ArgumentParser()
    gpu.configure(parser)
    return parser.parse_args(flags)


@pytest.fixture(scope="module")
def scene() -> variants.BenchSetting:
    """A small context with its landmarks."""
    prism = shape.load("tiny-shape", device="cpu", positions=256)
    return capacity.scene_of(prism, 96, own=12, k=32, seed=0)


def test_every_law_holds_on_the_processor(tmp_path: Path) -> None:
    """The timed code computes what independent float64 references compute, and the report says
    so.
    """
    record = gpu.run(
        arguments(
            "--device", "cpu", "--tiny", "--json", "--sections", "correct", "--out", str(tmp_path)
        )
    )
    (section,) = record["sections"]
    assert len(section["rows"]) >= 9
    assert all(row["holds"] for row in section["rows"])
    assert json.loads((tmp_path / "gpu.json").read_text())["provenance"]["seed"] == 0
    assert "| law |" in (tmp_path / "gpu.md").read_text()


def test_sections_run_tiny(tmp_path: Path) -> None:
    """Every section finishes on a CPU."""
    flags = (
        "--device",
        "cpu",
        "--tiny",
        "--json",
        "--sections",
        "floor,latency,resident,long,profile",
    )
    record = gpu.run(arguments(*flags, "--out", str(tmp_path)))
    assert [section.get("failed") for section in record["sections"]] == [None] * 6
    assert all(section["rows"] for section in record["sections"])


def test_no_cuda_device_is_one_clear_line(tmp_path: Path) -> None:
    """Without a CUDA device the command says how to try it out."""
    with pytest.raises(ValueError, match="--device cpu --tiny"):
        gpu.run(
            arguments(
                "--device",
                "cuda:99" if gpu.torch.cuda.is_available() else "cuda",
                "--out",
                str(tmp_path),
            )
        )


def test_a_section_that_is_none_is_told(tmp_path: Path) -> None:
    """A misspelt word is no success without a table."""
    with pytest.raises(
        ValueError, match=r"--sections 'latancy'; there are: Correct; .*River latency"
    ):
        gpu.run(
            arguments("--device", "cpu", "--tiny", "--sections", "latancy", "--out", str(tmp_path))
        )


def test_arms_hold_the_bytes_they_say(scene: variants.BenchSetting) -> None:
    """Private bytes are own tokens, plus the copy where an arm copies; what is shared is held once,
    for all three.
    """
    per_token = scene.prism.spec.kv_bytes_per_token
    names = [*variants.BATCHED, variants.THREADS]
    rows = {row["arm"]: row for row in capacity.rows_of(scene, agents=[3], names=names, seed=0)}
    own = {name: row["private_bytes"] // per_token for name, row in rows.items()}
    assert own == {
        variants.LANDMARKS: 12,
        variants.FULL: 12,
        variants.LANDMARKS_COPIED: 12 + 32,
        variants.FULL_COPIED: 12 + 96,
        variants.THREADS: 12 + 32,
    }
    shared = {name: row["shared_bytes"] // per_token for name, row in rows.items()}
    assert (shared.pop(variants.LANDMARKS), shared.pop(variants.FULL), set(shared.values())) == (
        32,
        96,
        {0},
    )
    assert {row["agent_tokens_per_s"] > 0 for row in rows.values()} == {True}


def test_what_does_not_fit_is_said_in_bytes(
    scene: variants.BenchSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An arm that does not fit is not tried; its row names the bytes it needs and those that are
    free.
    """
    monkeypatch.setattr(variants, "bytes_free", lambda _: 1000)
    (row,) = capacity.rows_of(scene, agents=[3], names=[variants.FULL_COPIED], seed=0)
    assert "1,000 are free" in row["skipped"]


def test_a_failing_section_costs_only_itself(tmp_path: Path) -> None:
    """The rows measured before a failure are kept, with the reason, and later sections run."""
    report = Report(
        "trial",
        tmp_path,
        {
            "machine": "m",
            "date": "d",
            "seed": 0,
            "python": "",
            "torch": "",
            "transformers": "",
            "threads": 1,
        },
        minutes=1,
        quiet=True,
    )

    def broken(rows: list[dict[str, object]]) -> None:
        rows.append({"n": 1})
        msg = "out of memory"
        raise RuntimeError(msg)

    assert not report.section("one", "", broken)
    assert report.section("two", "", lambda rows: rows.append({"n": 2}))
    assert report.rows == [{"n": 1}, {"n": 2}]
    assert "out of memory" in (tmp_path / "trial.md").read_text()


def test_a_spent_budget_is_recorded(tmp_path: Path) -> None:
    """A section that no longer fits the budget is not run, and the table says so."""
    record = gpu.run(
        arguments("--device", "cpu", "--tiny", "--json", "--minutes", "0", "--out", str(tmp_path))
    )
    assert all("not run" in section["failed"] for section in record["sections"])
