"""Ctrl-C as a command sees it: an exception, an end at once, or a run that is saved first."""

import signal
import subprocess
import sys
import threading

import pytest

from tests.cli.conftest import environment
from warpviz.cli.signals import Interrupts

# code in which Python drops every exception, as imports have it
DEAF = """
import signal, weakref
from warpviz.cli.signals import Interrupts
class Thing: pass
def deaf(_):
    signal.raise_signal(signal.SIGINT)
    raise KeyboardInterrupt
with Interrupts() as interrupts, interrupts.ending_at_once("the end"):
    thing = Thing()
    held = weakref.ref(thing, deaf)
    del thing
print("went on")
"""


def press() -> None:
    """Press Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def test_it_is_an_exception_elsewhere() -> None:
    """Without a block it raises, as it does without this; the handler from before comes back."""
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            press()
        assert not interrupts.happened
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_is_stopped_once_and_saved_undisturbed() -> None:
    """The first press stops the run and raises; what follows, also behind the block, is not."""
    stopped: list[str] = []

    def run() -> None:
        with interrupts.saving_first(lambda: stopped.append("stopped")):
            try:
                press()
            finally:
                press()

    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            run()
        press()
        assert interrupts.happened
    assert stopped == ["stopped"]


def test_after_a_run_that_ended_by_itself_it_raises_again() -> None:
    """Only a press during the run makes the rest deaf."""
    with Interrupts() as interrupts:
        with interrupts.saving_first(lambda: None):
            pass
        with pytest.raises(KeyboardInterrupt):
            press()


def test_an_import_cannot_swallow_it() -> None:
    """Where nothing is to be saved the process ends inside the handler, with its line."""
    done = subprocess.run(
        [sys.executable, "-c", DEAF],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "the end\n")


def test_what_is_fetched_is_cleaned_up() -> None:
    """From the first sign of progress on it raises, so that what has come can be removed."""
    with Interrupts() as interrupts, interrupts.ending_at_once("the end"):
        interrupts.raising()
        with pytest.raises(KeyboardInterrupt):
            press()


def test_other_threads_get_no_signals() -> None:
    """A command that is called in one works, and leaves the handler alone."""
    before = signal.getsignal(signal.SIGINT)
    found: list[object] = []

    def call() -> None:
        with Interrupts() as interrupts, interrupts.saving_first(lambda: None):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(20)
    assert found == [before]
