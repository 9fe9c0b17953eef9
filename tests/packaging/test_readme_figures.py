"""The README's figures: each is in the record its line names, to the digits shown."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "docs" / "benchmarks"
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"(?<![\w.])(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?!\w)")
# What is held against a measurement is not one: the paper's figures and our own goals.
AIMS = re.compile(r"the paper: [\d.,]+|goals? of (?:[\d.,]*\d(?: and )?)+")
NAMES = re.compile(r"Qwen[\d.]+-[\d.]+B|H\d+O?|two CUDA streams|p\d\d")
SCALES = (1.0, 100.0, 1e-6, 1e-9)  # as it is, a share in percent, bytes in megabytes and gigabytes


@dataclass(frozen=True)
class Line:
    """One line of the table: what was asked, what was found, by which path, and the record that
    says so with the command that made it.
    """

    question: str
    answer: str
    path: str
    record: str
    command: str

    @property
    def held(self) -> Any:
        """Return the record."""
        return json.loads((RECORDS / f"{Path(self.record).stem}.json").read_text(encoding="utf-8"))


def lines(text: str) -> list[Line]:
    """Return the lines of the README's table of measurements."""
    _, _, rest = text.partition("| question | answer | path | record | command |")
    rows = [row.strip("| ").split(" | ") for row in rest.split("\n\n")[0].splitlines()[2:]]
    return [Line(*row) for row in rows]


def figures(text: str) -> list[str]:
    """Return the numbers a text claims to have been measured."""
    return NUMBER.findall(NAMES.sub("", AIMS.sub("", text)))


def numbers(record: Any) -> Iterator[float]:
    """Yield every number of a record, those in its keys and texts too."""
    if isinstance(record, dict):
        for key, value in record.items():
            yield from numbers(key)
            yield from numbers(value)
    elif isinstance(record, list):
        for value in record:
            yield from numbers(value)
    elif isinstance(record, str):
        yield from (float(found.replace(",", "")) for found in NUMBER.findall(record))
    elif isinstance(record, int | float) and not isinstance(record, bool):
        yield float(record)


def stands_for(figure: str, value: float) -> bool:
    """Whether a figure is a value, or its share in percent or bytes in MB, rounded to the figure's
    own digits.
    """
    digits = len(figure.partition(".")[2])
    shown = float(figure.replace(",", ""))
    return any(abs(shown - scale * value) <= 0.5 * 10**-digits * (1 + 1e-9) for scale in SCALES)


def strays(line: Line) -> list[str]:
    """Return the figures of a line that its record does not hold."""
    held = list(numbers(line.held))
    return [
        figure
        for figure in figures(f"{line.question} {line.answer}")
        if not any(stands_for(figure, v) for v in held)
    ]


def line_about(word: str, record: str) -> Line:
    """Return the line whose question has a word, from a record."""
    found = [
        line for line in lines(TEXT) if word in line.question and Path(line.record).stem == record
    ]
    assert len(found) == 1, f"{len(found)} lines of {record} ask for {word!r}"
    return found[0]


def says(line: Line, *values: float) -> bool:
    """Whether each value is among the figures of a line's answer."""
    claimed = figures(line.answer)
    return all(any(stands_for(figure, value) for figure in claimed) for value in values)


def table(record: Any, title: str) -> list[dict[str, Any]]:
    """Return the rows of a section of a benchmark's record."""
    rows: list[dict[str, Any]] = next(
        part["rows"] for part in record["sections"] if part["title"].startswith(title)
    )
    return rows


@pytest.mark.parametrize("line", lines(TEXT), ids=lambda line: line.question[:40])
def test_every_figure_is_in_its_record(line: Line) -> None:
    """A number that the named record does not hold is no measurement."""
    assert figures(line.answer)
    assert not strays(line), f"{strays(line)} are not in {line.record}"


def test_there_is_a_table_and_a_claim_can_fail() -> None:
    """Every line is looked at, and a figure changed by hand is found out."""
    assert len(lines(TEXT)) >= 7
    first = line_about("landmarks remember", "council")
    for true, false in (("50.0", "57.3"), ("27.5", "27.9")):
        changed = replace(first, answer=first.answer.replace(true, false))
        assert strays(changed) == [false]


@pytest.mark.parametrize(
    ("figure", "value", "agrees"),
    [
        ("50.0", 0.5, True),
        ("79", 0.785, True),
        ("78", 0.7749, False),
        ("79.4", 79_429_632, True),
        ("145", 145_043_968, True),
        ("146", 145_043_968, False),
        (".598", 0.598, True),
        (".993", 0.9929, True),
        (".99", 0.9749, False),
        ("76,213", 76212.6, True),
        ("76,213", 76214.0, False),
        ("1.11", 1.106, True),
        ("1.10", 1.106, False),
    ],
)
def test_rounding_is_the_only_freedom(figure: str, value: float, agrees: bool) -> None:
    """A figure may be rounded, in percent or in megabytes, and nothing else."""
    assert stands_for(figure, value) is agrees


def test_aims_and_names_are_no_measurements() -> None:
    """What the paper says, what we aim at and what things are called is left out; everything else
    is looked at.
    """
    assert figures(
        "79.4 MB (the paper: 1,290 MB), our goals of 3 and 2 are missed, the goal of 1.10 too"
    ) == ["79.4"]
    assert figures("H100, SnapKV and H2O 0, Qwen2.5-0.5B, p95 of 1.71 in two CUDA streams") == [
        "0",
        "1.71",
    ]
    assert figures("+27.5 points (21.5 to 34.0), AUC .598, k = 64, 1,024 tokens") == [
        "27.5",
        "21.5",
        "34.0",
        ".598",
        "64",
        "1,024",
    ]


def commands() -> dict[str, str]:
    """Return the command of every record, from docs/benchmarks/README.md."""
    page = (RECORDS / "README.md").read_text("utf-8")
    return dict(re.findall(r"^\| ([\w-]+) \| `([^`]+)`", page, re.MULTILINE))


def test_every_record_is_listed_with_its_command() -> None:
    """Each record has the command that makes it again, and that command exists."""
    listed = commands()
    records = {path.stem for path in RECORDS.iterdir() if path.name != "README.md"}
    assert not records - listed.keys()
    for command in listed.values():
        kind, _, rest = command.removeprefix("python -m ").partition(" ")
        module = kind.removeprefix("warpviz.").replace(".", "/")
        found = ROOT.glob(
            f"warpviz/bench/**/{rest.split()[1]}.py"
            if kind == "warpviz"
            else f"warpviz/{module}.py"
        )
        assert list(found), command


def test_every_line_names_its_command_and_its_path() -> None:
    """The command is the record's without flags; the path is a run's or the batch loop's."""
    for line in lines(TEXT):
        assert commands()[Path(line.record).stem].startswith(line.command.strip("`")), line.question
        assert line.path in {"run", "batch"}


def test_the_rivers_gain_is_the_records() -> None:
    """With and without streams, the gain and its interval; and what other landmarks add."""
    record = line_about("landmarks remember", "council")
    arms, gains = record.held["arms"], record.held["gain_points_over_without"]
    gain = gains["with"]["all"]
    shares = (100 * arms[name]["river"]["share"] for name in ("with", "without"))
    assert says(record, *shares, gain["points"], gain["low"], gain["high"])
    others = line_about("choice of landmarks", "council")
    assert says(
        others,
        *(
            gains[f"with, {arm}"]["all"]["points"]
            for arm in ("k 128", "random", "snapkv", "h2o", "all")
        ),
    )


def test_recall_is_the_records() -> None:
    """Known shapes at every length, and the lowest and highest share of unseen ones, over one hop
    and over two.
    """
    line = line_about("bundled model recall", "village")
    cells = line.held["recall"]["cells"]
    known = {
        cell["share"]
        for name, cell in cells.items()
        if "heldout" in name and not name.endswith("unknown")
    }
    assert known == {1.0}
    assert says(line, 100.0)
    for hops in ("one", "two"):
        unseen = [
            cell["share"] for name, cell in cells.items() if name.endswith(f"templates {hops}")
        ]
        assert says(line, 100 * min(unseen), 100 * max(unseen))


def test_the_gates_areas_are_the_records() -> None:
    """Raw and centred."""
    line = line_about("gate", "gate")
    areas = line.held["area_right_against_nothing"]
    assert says(line, areas["raw"], areas["centred"])


def test_the_steps_figures_are_of_their_rows() -> None:
    """A run's own step; the batch's bytes, tokens and distance from the floor; 100 agents."""
    own = line_about("agents of 64 own tokens", "gpu-h100")
    rows = {row["agents"]: row for row in table(own.held, "Step of the engine's")}
    assert says(own, rows[100]["agent_tokens_per_s"])
    assert own.path == "run"
    batch = line_about("in the benchmark's loop", "gpu-h100")
    step = {row["agents"]: row for row in table(own.held, "Step against the floor")}[100]
    names = ("kv_bytes", "peak_bytes", "agent_tokens_per_s", "times_floor")
    assert says(batch, *(step[name] for name in names))


def test_the_latencies_are_of_their_rows() -> None:
    """Ten streams: in another process, in a thread, and in turns."""
    line = line_about("slow a CPU's River", "latency")
    found = {
        row["lanes"]: row["p95_times_alone"]
        for title in ("The engine's own steps", "Streams in another process")
        for row in table(line.held, title)
        if row["streams"] == 10
    }
    assert says(line, *(found[name] for name in ("another process", "concurrent", "cooperative")))
