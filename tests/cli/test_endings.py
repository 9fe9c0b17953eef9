"""A run that is killed or interrupted keeps what it has printed; on demand at many moments.

WARPVIZ_ENDINGS=34 tries as many moments a lane; `python -m tests.cli.endings` prints the seconds.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from warp_cortex import Token, load_trace

from tests.cli.conftest import PROMPT, environment
from tests.cli.endings import interrupt, kill
from warpviz.cli.run import LANES

COUNT = int(os.environ.get("WARPVIZ_ENDINGS", "1"))
SEED = int(os.environ.get("WARPVIZ_ENDINGS_SEED", "0"))
pytestmark = pytest.mark.slow
# a disk that is full after 40 kB, as the process sees it
FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
from warpviz.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("number", range(COUNT))
def test_what_was_printed_a_second_before_a_kill_is_in_the_trace(
    tiny_model: Path, tmp_path: Path, lanes: str, number: int
) -> None:
    """SIGKILL at a random moment: the trace loads and begins with all that had been printed."""
    after_s = random.Random(f"{SEED} {number} {lanes}").uniform(0.5, 3)
    assert kill(tiny_model, tmp_path, lanes, after_s) == ""


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("number", range(COUNT))
def test_an_interrupted_run_ends_with_130_and_its_trace(
    tiny_model: Path, tmp_path: Path, lanes: str, number: int
) -> None:
    """Ctrl-C at a random moment, twice: one line, 130, and a whole trace with its arrays."""
    after_s = random.Random(f"{SEED} {number} {lanes}").uniform(0, 3)
    found = interrupt(tiny_model, tmp_path, lanes, after_s, writes=True, twice=True)
    assert (found.wrong, found.has_trace) == ("", True)


@pytest.mark.parametrize("number", range(COUNT))
def test_an_interrupt_during_imports_ends_with_130(
    tiny_model: Path, tmp_path: Path, number: int
) -> None:
    """Ctrl-C before there is anything to save: one line and 130, whatever is being imported."""
    after_s = random.Random(f"{SEED} {number}").uniform(0.3, 2)
    found = interrupt(tiny_model, tmp_path, "turns", after_s, writes=False, twice=False)
    assert (found.wrong, found.has_trace) == ("", False)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
def test_a_full_disk_keeps_the_events_and_names_the_file(tiny_model: Path, tmp_path: Path) -> None:
    """The run goes on to its end; one line names the file, and nothing half written is left."""
    prompt = tmp_path / "prompt.txt"
    prompt.write_text(PROMPT, encoding="utf-8")
    flags = ("run", "--model", tiny_model, "--prompt", prompt, "--k", "24", "--max-tokens", "300")
    done = subprocess.run(
        [sys.executable, "-c", FULL, *map(str, flags), "--out", str(tmp_path / "out")],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "trace.jsonl: File too large" in done.stderr
    with pytest.warns(UserWarning, match="holds a run without its end"):
        trace = load_trace(tmp_path / "out")
    assert 20 < len(trace.of(Token)) < 300
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["trace.jsonl"]
