"""Child processes: a fresh interpreter that runs one module and never outlives its parent.

The parent writes orders to the child's standard input and reads replies from its standard output.
When the parent ends, however it does, the input ends, and that is where every child stops.

A child runs no module of the current folder, such as a torch.py that was downloaded with a trace:
its search path is the interpreter's own, with PYTHONPATH except the current folder. The child's
package and this one are loaded from the very files that the parent has loaded them from.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from importlib.util import find_spec
from pathlib import Path
from typing import IO

LAST_BYTES = 4096  # of standard error, whose last line is of interest
CODE = """
import runpy, sys
from importlib.util import module_from_spec, spec_from_file_location
for name, file in {packages}.items():
    spec = spec_from_file_location(name, file)
    sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


class ChildProcess:
    """A fresh interpreter that runs `python -m module arguments`; the module is in a package.

    patience_s: how long it may take to end by itself when its input is closed; after that, and at
    once with 0, it is killed. This happens in `close`, when this object is no longer used, and at
    the end of this interpreter. Standard error goes to an anonymous temporary file: a pipe that
    nobody drains would block the child.

    stdin: takes bytes for the child. stdout: gives bytes of the child; its reader closes it.
    """

    def __init__(self, module: str, *arguments: str, patience_s: float = 0.0) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it is open as long as this object
        weakref.finalize(self, self._errors.close)
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, without a shell
            [sys.executable, "-P", "-c", _code(module), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=_environment(),
        )
        self.stdin: IO[bytes] = _pipe(self._process.stdin)
        self.stdout: IO[bytes] = _pipe(self._process.stdout)
        self._end = weakref.finalize(self, _end, self._process, self.stdin, patience_s)

    @property
    def pid(self) -> int:
        """The number that the system has given the process."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code; None while the process runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait until the process has ended by itself; return its exit code."""
        return self._process.wait()

    def last_line(self) -> str:
        """Wait for the end; return the last line on standard error, "" if there is none."""
        self.wait()  # before that, a seek here would move the place where the process writes
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - LAST_BYTES))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def why_ended(self) -> str:
        """Wait for the end; return the exit code and the last line on standard error, as text."""
        code = self.wait()
        last = self.last_line()
        return f"exit code {code}; it last said: {last}" if last else f"exit code {code}"

    def close(self) -> None:
        """Close the input, wait for the process to end, and kill it after `patience_s`."""
        self._end()
        self._process.wait()  # `_end` works once: another thread may be in it

    def kill(self) -> None:
        """Kill the process at once and wait until it is gone."""
        self._process.kill()
        self.close()


def parent_pipes(*, niceness: int = 0) -> tuple[IO[bytes], IO[bytes]]:
    """Return, in a child, the pipe of the parent's orders and the pipe for replies.

    What a library prints then goes to standard error, and Ctrl-C reaches the parent only.

    niceness: by how much the child gives way to other processes, where the system knows that;
    WARPVIZ_NICE in the environment overrides it, for on a busy machine 10 can mean: never.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(int(os.environ.get("WARPVIZ_NICE", niceness)))
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # not sys.stdin: Python aborts at its end if a thread still reads that
    return os.fdopen(os.dup(sys.stdin.fileno()), "rb"), replies


def _code(module: str) -> str:
    """Return the child's code: it loads the packages from the parent's files, runs the module."""
    packages: dict[str, str] = {}
    for name in (__name__.partition(".")[0], module.partition(".")[0]):
        found = find_spec(name)
        if found is None or found.origin is None or found.submodule_search_locations is None:
            msg = f"a child runs a module of a package; {name!r} is none"
            raise ValueError(msg)
        packages[name] = found.origin
    return CODE.format(packages=packages, module=module)


def _environment() -> dict[str, str]:
    """Return this process' environment, PYTHONPATH without relative folders and the current one."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [path for path in given if Path(path).is_absolute() and not _is_current(path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(kept)}


def _is_current(path: str) -> bool:
    try:
        return Path(path).samefile(os.curdir)
    except OSError:  # one of them does not exist
        return False


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        msg = "a process that was started with pipes has none"
        raise RuntimeError(msg)
    return pipe


def _end(process: "subprocess.Popen[bytes]", stdin: IO[bytes], patience_s: float) -> None:
    if not patience_s:
        process.kill()
    with contextlib.suppress(OSError):  # the process was gone before it had read everything
        stdin.close()
    try:
        process.wait(patience_s or None)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
