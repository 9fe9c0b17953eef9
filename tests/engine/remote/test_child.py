"""A child process: it talks through pipes, runs no foreign module, and ends with its parent."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import warp_cortex
from warp_cortex import ChildProcess, Prism, ProcessStreams, StreamConfig

from tests.engine.tiny import build_model, build_tokenizer

ROOT = Path(__file__).parents[3]
ECHO = """
import sys
from warp_cortex import parent_pipes
orders, replies = parent_pipes(niceness=1)
print("a library prints this")
for line in orders:
    replies.write(line.upper())
    replies.flush()
print("the last word", file=sys.stderr)
raise SystemExit(len(sys.argv))
"""
STUBBORN = """
import sys, time
sys.stdout.write("here")
sys.stdout.flush()
time.sleep(600)
"""

Make = Callable[..., ChildProcess]


def package_in(folder: Path) -> Path:
    """Make an empty package for children in a folder."""
    package = folder / "made_children"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    return package


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Start children from code; afterwards none of them is left."""
    made: list[ChildProcess] = []
    package = package_in(tmp_path / "lib")
    monkeypatch.syspath_prepend(package.parent)

    def start(code: str, *arguments: str, patience_s: float = 0.0) -> ChildProcess:
        (package / f"child_{len(made)}.py").write_text(code)
        module = f"made_children.child_{len(made)}"
        made.append(ChildProcess(module, *arguments, patience_s=patience_s))
        return made[-1]

    yield start
    for child in made:
        child.kill()
        child.stdout.close()
        assert not psutil.pid_exists(child.pid)


def test_orders_go_in_and_replies_come_out(make: Make) -> None:
    """Only replies are on its output; it ends, with its own exit code, when its input is closed."""
    child = make(ECHO, "one", "two", patience_s=30)
    for order in (b"first\n", b"second\n"):
        child.stdin.write(order)
        child.stdin.flush()
        assert child.stdout.readline() == order.upper()
    assert child.returncode is None
    child.close()
    child.close()
    assert child.returncode == 3
    assert child.stdout.read() == b""
    assert child.why_ended() == "exit code 3; it last said: the last word"


def test_much_on_standard_error_blocks_nothing(make: Make) -> None:
    """It writes far more than a pipe holds, and the last line is still known."""
    child = make(
        "import sys; sys.stderr.write('x' * 80 + '\\n'); sys.stderr.write('y' * 500_000 + '\\nend')"
    )
    assert child.wait() == 0
    assert child.last_line() == "end"


def test_what_ends_early_says_why(make: Make) -> None:
    """An exception's last line, and nothing where nothing was written."""
    assert make("raise ValueError('no such thing')").why_ended() == (
        "exit code 1; it last said: ValueError: no such thing"
    )
    assert make("raise SystemExit(4)").why_ended() == "exit code 4"


@pytest.mark.parametrize("patience_s", [0.0, 0.3])
def test_closing_kills_what_does_not_end(make: Make, patience_s: float) -> None:
    """A child that ignores the end of its input is killed, at once or after some patience."""
    child = make(STUBBORN, patience_s=patience_s)
    assert child.stdout.read(4) == b"here"
    begun = time.monotonic()
    child.close()
    assert child.returncode == -9
    assert time.monotonic() - begun >= patience_s


def test_what_is_no_longer_used_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child ends with the object that stands for it."""
    (package_in(tmp_path) / "stubborn.py").write_text(STUBBORN)
    monkeypatch.syspath_prepend(tmp_path)
    child = ChildProcess("made_children.stubborn")
    pid = child.pid
    child.stdout.close()
    del child
    gc.collect()
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("end", ["raise SystemExit", "os.kill(os.getpid(), 9)"])
def test_it_ends_with_its_parent(tmp_path: Path, end: str) -> None:
    """Whether the parent ends in order or is killed, its child is gone soon after."""
    (package_in(tmp_path) / "echo.py").write_text(ECHO)
    code = f"""
import os
from warp_cortex import ChildProcess
child = ChildProcess("made_children.echo")
child.stdin.write(b"ready\\n")
child.stdin.flush()
child.stdout.readline()
print(child.pid, flush=True)
{end}
"""
    folders = os.pathsep.join([str(ROOT / "engine"), str(tmp_path)])
    parent = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": folders},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    pid = int(parent.stdout)
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["nothing_like_it", "this"])
def test_what_is_no_package_is_named(name: str) -> None:
    """No process is started for it."""
    with pytest.raises(ValueError, match=f"runs a module of a package; '{name}' is none"):
        ChildProcess(name)


PATH = """
import made_children, sys, warp_cortex
print(made_children.__file__, warp_cortex.__file__, *sys.path, sep="\\n")
"""


def test_the_search_path_leaves_out_the_current_folder(
    make: Make, poison: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PYTHONPATH counts, without it; our packages are the parent's, though they are not on it."""
    library = tmp_path / "library"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", str(poison), "relative", str(library)]))
    child = make(PATH)
    theirs, ours, *path = child.stdout.read().decode().split()
    assert child.why_ended() == "exit code 0"
    assert Path(theirs).parents[1] == tmp_path / "lib"
    assert ours == warp_cortex.__file__
    assert path[0] == str(library)
    assert not {"", ".", "relative", str(poison), str(tmp_path / "lib")} & set(path)


def test_a_deleted_current_folder_harms_nothing(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child starts also where the parent's current folder is gone."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert make("import json").why_ended() == "exit code 0"


@pytest.mark.slow
@pytest.mark.xdist_group("process")
def test_streams_run_no_module_of_the_current_folder(poison: Path, tmp_path: Path) -> None:
    """A process for streams loads its model in a folder with a torch.py: none of these runs."""
    folder = tmp_path / "model"
    build_model("qwen2").save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    with Prism.load(str(folder)) as prism, ProcessStreams() as streams:
        assert streams.connect(prism, StreamConfig(), seed=0).is_idle
    assert not list(poison.glob("*.ran"))
