"""Record labelled thoughts: `python -m warpviz.village.evaluate.thoughts --out FOLDER`.

The bundled record is data/recorded/gate. Its runs are those that the gate's threshold was chosen on
(`warpviz.village.evaluate.gating`), so that any threshold can be tried against true labels without
running a model.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warp_cortex import GateDecision, Prism, RunStart, Spawn, Thought, Trace, bundled

from warpviz.village.evaluate import gating
from warpviz.village.evaluate.report import provenance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warpviz.village.world.scene import Scene

NAME = "thoughts.json"
DIGITS = 6
SCORER = "centred"


def record(prism: Prism, *, worlds: int, seed: int) -> dict[str, Any]:
    """Return every judged thought of the runs, with its label and all similarities."""
    rows: list[dict[str, Any]] = []
    config: dict[str, Any] = {}
    for run, where in enumerate(gating.scenes(prism, worlds, seed)):
        trace = gating.finished_run(prism, where).trace
        config = next(iter(trace.of(RunStart))).config
        rows += ({"run": run, **row} for row in _rows(trace, where))
    command = f"python -m warpviz.village.evaluate.thoughts --worlds {worlds} --seed {seed}"
    about = {"command": command, "worlds": worlds, "seed": seed, "config": config}
    return {**provenance(prism), **about, "thoughts": rows}


def _rows(trace: Trace, where: Scene) -> Iterator[dict[str, Any]]:
    tasks = {event.stream: event.task for event in trace.of(Spawn)}
    thoughts = {event.stream: event for event in trace.of(Thought)}
    for decision, label, two_hop in gating.labelled(trace, where):
        thought = thoughts[decision.stream]
        yield {
            "stream": decision.stream,
            "step": decision.step,
            "task": tasks[decision.stream],
            "thought": thought.text,
            "num_tokens": thought.num_tokens,
            "label": label,
            "two_hop": two_hop,
            "similarities": {
                name: round(value, DIGITS) for name, value in sorted(decision.similarities.items())
            },
        }


def text_of(found: dict[str, Any]) -> str:
    """Return the record as JSON, one thought a line."""
    rows = ",\n".join(json.dumps(row) for row in found["thoughts"])
    head = json.dumps({**found, "thoughts": []}, indent=1).removesuffix("[]\n}")
    return f"{head}[\n{rows}\n]\n}}\n"


def recorded(path: Path | None = None) -> tuple[list[Trace], list[dict[int, bool]]]:
    """Return the recorded runs, one trace each, and per run which stream's thought is right.

    A trace holds what a gate's view needs: its start, and spawn, thought and decision of every
    stream. A thought that says nothing is known, or names a wrong value, is not right.

    Raises:
        FileNotFoundError: this installation has no record.
    """
    found = _read(path)
    traces = [_start(found, run) for run in range(found["worlds"])]
    labels: list[dict[int, bool]] = [{} for _ in traces]
    for row in found["thoughts"]:
        for event in _events(row, found["config"]["gate"]["theta"]):
            traces[row["run"]].append(event)
        labels[row["run"]][row["stream"]] = row["label"] == "right"
    return traces, labels


def table(path: Path | None = None) -> Any:
    """Return the recorded thoughts as a DataFrame.

    Columns: run, task, thought, label, two_hop, and one per scorer.

    Raises:
        FileNotFoundError: this installation has no record.
    """
    import pandas as pd

    names = ("run", "task", "thought", "label", "two_hop")
    rows = _read(path)["thoughts"]
    return pd.DataFrame(
        [{**{name: row[name] for name in names}, **row["similarities"]} for row in rows]
    )


def _read(path: Path | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (path or bundled("recorded/gate") / NAME).read_text(encoding="utf-8")
    )
    return found


def _start(found: dict[str, Any], run: int) -> Trace:
    versions = {name: found[name] for name in ("python", "torch")}
    start = RunStart(
        step=0,
        model=found["model"],
        checksum=found["checksum"],
        prompt="",
        prompt_tokens=[],
        seed=found["seed"] + run,
        config=found["config"],
        versions=versions,
    )
    return Trace(events=[start])


def _events(row: dict[str, Any], theta: float) -> Iterator[Spawn | Thought | GateDecision]:
    stream = row["stream"]
    step = row["step"]
    values = row["similarities"]
    yield Spawn(step=step, stream=stream, task=row["task"], kind="task", trigger=(0, 0), version=0)
    yield Thought(
        step=step,
        stream=stream,
        text=row["thought"],
        num_tokens=row["num_tokens"],
        reason="stop",
        vector=0,
    )
    value = values[SCORER]
    yield GateDecision(
        step=step,
        stream=stream,
        accepted=value >= theta,
        similarity=value,
        threshold=theta,
        scorer=SCORER,
        similarities=values,
    )


def main(arguments: list[str] | None = None) -> None:
    """Record, write and name the file."""
    parser = argparse.ArgumentParser(
        prog="python -m warpviz.village.evaluate.thoughts", description=__doc__
    )
    parser.add_argument("--model", default="village")
    parser.add_argument("--worlds", type=int, default=120, help="runs, of up to 160 tokens each")
    parser.add_argument("--seed", type=int, default=0, help="first world")
    parser.add_argument(
        "--out", type=Path, default=Path("out/gate"), help="folder of thoughts.json"
    )
    got = parser.parse_args(arguments)
    got.out.mkdir(parents=True, exist_ok=True)
    path = got.out / NAME
    path.write_text(
        text_of(record(Prism.load(got.model), worlds=got.worlds, seed=got.seed)), encoding="utf-8"
    )
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
