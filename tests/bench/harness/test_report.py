"""Reports: all that was measured is on disk at any moment, whatever ends a table."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpviz.bench.harness import report as module
from warpviz.bench.harness.machine import provenance
from warpviz.bench.harness.report import Report, ended, markdown, table

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False),
    st.text(max_size=8),
)


def begun(folder: Path, *, minutes: float = 1, quiet: bool = True) -> Report:
    """Return an empty report."""
    return Report("trial", folder, provenance("cpu", seed=3), minutes=minutes, quiet=quiet)


def on_disk(folder: Path) -> dict[str, Any]:
    """Return what the folder holds of it."""
    found: dict[str, Any] = json.loads((folder / "trial.json").read_text(encoding="utf-8"))
    return found


def test_ctrl_c_keeps_the_rows_so_far(tmp_path: Path) -> None:
    """An interrupted table is on disk with its rows and says why it ends; the interrupt itself is
    passed on.
    """
    report = begun(tmp_path)

    def measure(rows: list[dict[str, Any]]) -> None:
        rows.append({"n": 1})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        report.section("one", "note", measure)
    (section,) = on_disk(tmp_path)["sections"]
    assert (section["rows"], section["failed"]) == ([{"n": 1}], "interrupted")
    assert "**Ended early:** interrupted" in (tmp_path / "trial.md").read_text()
    assert report.section("two", "", lambda rows: rows.append({"n": 2}))
    assert [row["n"] for row in on_disk(tmp_path)["sections"][1]["rows"]] == [2]


def test_what_is_no_number_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Infinity is no JSON, on disk or printed; the page for people says what it was."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    report = begun(tmp_path)
    assert report.section(
        "laws", "", lambda rows: rows.append({"error": float("inf"), "parts": [float("nan"), 1.5]})
    )
    ended(report.record(), as_json=True)
    for text in (capsys.readouterr().out, (tmp_path / "trial.json").read_text()):
        (section,) = json.loads(text, parse_constant=refuse)["sections"]
        assert section["rows"] == [{"error": None, "parts": [None, 1.5]}]
    assert "| inf |" in (tmp_path / "trial.md").read_text()


def test_a_row_is_on_disk_before_the_next_is_measured(tmp_path: Path) -> None:
    """Whatever ends the process, a kill too, costs no more than the row under way."""
    report = begun(tmp_path)
    seen = []

    def measure(rows: list[dict[str, Any]]) -> None:
        for number in range(3):
            rows.append({"n": number})
            seen.append([row["n"] for row in on_disk(tmp_path)["sections"][0]["rows"]])

    assert report.section("one", "", measure)
    assert seen == [[0], [0, 1], [0, 1, 2]]


def test_a_spent_budget_ends_a_table_between_rows(tmp_path: Path) -> None:
    """The row under way is kept, nothing behind it is measured, and later tables are not begun."""
    report = begun(tmp_path)
    measured = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(5):
            measured.append(number)
            if number == 2:
                report.minutes = 0
            yield {"n": number}

    assert not report.section("one", "", lambda found: found.extend(rows()))
    assert measured == [0, 1, 2]
    assert [row["n"] for row in report.rows] == [0, 1, 2]
    assert "budget of 0 minutes is spent" in report.sections[0]["failed"]
    assert not report.section("two", "", lambda _: measured.append("begun"))
    assert "begun" not in measured
    assert report.sections[1]["failed"] == "not run: the budget of 0 minutes was spent"


def test_within_the_budget_every_row_is_there(tmp_path: Path) -> None:
    """A table that fits is whole, and the report says so."""
    report = begun(tmp_path)
    assert report.section("one", "", lambda found: found.extend({"n": n} for n in range(4)))
    assert report.rows == on_disk(tmp_path)["sections"][0]["rows"] == [{"n": n} for n in range(4)]
    assert 0 < report.seconds_left <= 60


def test_a_kill_while_writing_leaves_the_report_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is replaced at once: a reader never sees half of it."""
    report = begun(tmp_path)
    report.section("one", "", lambda rows: rows.append({"n": 1}))
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        report.section("two", "", lambda rows: rows.append({"n": 2}))
    assert len(on_disk(tmp_path)["sections"]) == 1


def test_tables_are_printed_unless_quiet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that is not quiet prints each table when it is done; a quiet one prints nothing."""
    begun(tmp_path, quiet=True).section("one", "a note", lambda rows: rows.append({"n": 1}))
    assert not capsys.readouterr().out
    begun(tmp_path, quiet=False).section("one", "a note", lambda rows: rows.append({"n": 1}))
    out = capsys.readouterr().out
    assert "## one" in out
    assert "a note" in out
    assert "| n |\n| --- |\n| 1 |" in out


def test_a_report_names_where_it_comes_from(tmp_path: Path) -> None:
    """The page begins with machine, day, seed and versions, and the JSON holds the same."""
    begun(tmp_path).section("one", "", lambda _: None)
    page = (tmp_path / "trial.md").read_text()
    found = on_disk(tmp_path)["provenance"]
    assert page.startswith("# trial\n")
    for word in (
        found["machine"],
        found["date"],
        "seed 3",
        f"torch {found['torch']}",
        f"python {found['python']}",
    ):
        assert word in page


@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from("abc"), CELLS, min_size=1), min_size=1, max_size=6
    )
)
def test_a_table_has_every_row_and_column(rows: list[dict[str, Any]]) -> None:
    """Whatever the cells hold: as many lines as rows, each with every column that any row has, and
    nothing else.
    """
    head, rule, *body = table([{key: _plain(value) for key, value in row.items()} for row in rows])
    columns = head.count("|") - 1
    assert columns == len({key for row in rows for key in row})
    assert rule.count("---") == columns
    assert len(body) == len(rows)
    assert {line.count("|") - 1 for line in body} == {columns}


def _plain(value: object) -> object:
    """Return a text without line ends: no cell of a benchmark has them."""
    return " ".join(value.split()) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "True"),
        (0, "0"),
        (1234567, "1,234,567"),
        (0.123456, "0.1235"),
        (999.94, "999.9"),
        (1e6, "1,000,000"),
        (-2.5, "-2.5"),
        ("a|b", "a/b"),
    ],
)
def test_a_cell(value: object, shown: str) -> None:
    """Numbers have thousands and four digits; a bar cannot end a cell early; what is missing is
    empty.
    """
    assert module._cell(value) == shown


def test_a_failed_table_shows_where(tmp_path: Path) -> None:
    """The last lines of the traceback are in the page, so that a run elsewhere can be
    understood.
    """

    def broken(_: list[dict[str, Any]]) -> None:
        msg = "no such kernel"
        raise LookupError(msg)

    report = begun(tmp_path)
    assert not report.section("one", "", broken)
    assert report.sections[0]["failed"] == "LookupError: no such kernel"
    assert "raise LookupError(msg)" in markdown(report.sections[0])


@pytest.mark.parametrize(("section", "code"), [({}, 0), ({"failed": "x"}, 1)])
def test_the_exit_code_says_whether_all_was_measured(
    section: dict[str, str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 if any table ended early; the record is one JSON object, and only if it was asked for."""
    record = {"sections": [{}, section]}
    assert ended(record, as_json=False) == code
    assert not capsys.readouterr().out
    assert ended(record, as_json=True) == code
    assert json.loads(capsys.readouterr().out) == record
