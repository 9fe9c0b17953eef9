"""`warpviz bench`: finds the benchmarks by itself and hands their own flags to them."""

import sys
import types

import pytest

from warpviz import bench
from warpviz.cli import main


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A benchmark `pretend` with one flag, and what it was called with."""
    calls: list[int] = []
    module = types.ModuleType("warpviz.bench.pretend", "Count to n.\n\nMore words.")
    module.configure = lambda parser: parser.add_argument("--n", type=int, default=1)
    module.execute = lambda args: calls.append(args.n) or 0
    monkeypatch.setitem(sys.modules, module.__name__, module)
    install(monkeypatch, "pretend")
    return calls


def install(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make these modules the only ones of the package of benchmarks."""
    found = [types.SimpleNamespace(name=f"warpviz.bench.{name}", ispkg=False) for name in names]
    monkeypatch.setattr("pkgutil.walk_packages", lambda path, prefix: iter(found))


def test_only_the_named_benchmark_is_loaded(
    pretend: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A benchmark that cannot be imported here does not stop another one."""
    install(monkeypatch, "broken", "pretend")
    assert main(["bench", "pretend", "--n", "2"]) == 0
    assert pretend == [2]
    with pytest.raises(SystemExit):
        main(["bench", "pretend", "--help"])


def test_a_part_of_benchmarks_is_none(capfd: pytest.CaptureFixture[str]) -> None:
    """A module that is no benchmark cannot be run; the error lists what can."""
    assert main(["bench", "timing"]) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    listed = err.partition("accepted: ")[2].split(", ")
    assert {"million", "galaxy", "capacity", "steps", "latency"} <= {
        name.strip() for name in listed
    }
    assert "timing" not in listed


def test_a_benchmark_cannot_steer_the_terminal(
    pretend: list[int], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Control characters in what a benchmark prints, a path say, are shown, not sent."""
    module = sys.modules["warpviz.bench.pretend"]
    monkeypatch.setattr(module, "execute", lambda args: sys.stdout.write("\x1b[31mx\n") * 0)
    assert main(["bench", "pretend"]) == 0
    assert capfd.readouterr().out == "␛[31mx\n"


def test_without_a_name_they_are_listed(
    pretend: list[int], capfd: pytest.CaptureFixture[str]
) -> None:
    """The list has a line per benchmark, with what it measures."""
    assert main(["bench"]) == 0
    assert "pretend     Count to n.\n" in capfd.readouterr().out
    assert not pretend


def test_flags_reach_the_benchmark(pretend: list[int]) -> None:
    """Flags behind the name belong to the benchmark, which has defaults of its own."""
    assert main(["bench", "pretend", "--n", "3"]) == 0
    assert main(["bench", "pretend"]) == 0
    assert pretend == [3, 1]


def test_a_wrong_flag_is_one_line(pretend: list[int], capfd: pytest.CaptureFixture[str]) -> None:
    """A flag that the benchmark does not know is refused in its name."""
    with pytest.raises(SystemExit) as end:
        main(["bench", "pretend", "--m", "3"])
    assert end.value.code == 2
    assert capfd.readouterr().err.startswith("warpviz bench pretend: unrecognized arguments: --m 3")


def test_the_package_is_there() -> None:
    """The benchmarks live in one package."""
    assert bench.__doc__
