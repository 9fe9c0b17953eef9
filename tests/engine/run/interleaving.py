"""Threads that take turns by a seed: the turn may change between any two lines of the engine."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import FrameType, TracebackType
from typing import Any, Self

import warp_cortex

ENGINE = str(Path(warp_cortex.__file__).parent)
PATIENCE_S = 30.0
# of the engine's calls, in each of which a change may come: watching all of them takes thrice as
# long
WATCHED = 0.3


class Interleaving:
    """Runs functions in threads that take turns; `chance` is that of a change between two lines."""

    def __init__(self, seed: int, *, chance: float = 0.1) -> None:
        self.random = Random(seed)
        self.chance = chance
        self.num_switches = 0
        self._errors: list[BaseException] = []
        self._changed = threading.Condition()
        self._alive: list[str] = []
        self._turn = ""

    def run(self, works: dict[str, Callable[[], None]]) -> None:
        """Let all of them work to their end; raise the first error of any."""
        self._alive = list(works)
        self._turn = self.random.choice(self._alive)
        threads = [
            threading.Thread(target=self._work, args=(name, work), name=name, daemon=True)
            for name, work in works.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
            if thread.is_alive():
                msg = f"{thread.name} hangs"
                raise TimeoutError(msg)
        if self._errors:
            raise self._errors[0]

    def give_way(self) -> None:
        """Give the turn to a thread, perhaps the same one."""
        name = threading.current_thread().name
        with self._changed:
            self._turn = self.random.choice(self._alive)
            self.num_switches += self._turn != name
            self._changed.notify_all()
            self._await(name)

    def _await(self, name: str) -> None:
        if not self._changed.wait_for(lambda: self._turn == name, PATIENCE_S):
            msg = f"{name} was never let on"
            raise TimeoutError(msg)

    def _work(self, name: str, work: Callable[[], None]) -> None:
        try:
            with self._changed:
                self._await(name)
            sys.settrace(self._trace)
            work()
        except BaseException as error:  # noqa: BLE001 - the test raises it in its own thread
            self._errors.append(error)
        finally:
            sys.settrace(None)
            with self._changed:
                self._alive.remove(name)
                self._turn = self.random.choice(self._alive) if self._alive else ""
                self._changed.notify_all()

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "call" and (
            not frame.f_code.co_filename.startswith(ENGINE) or self.random.random() > WATCHED
        ):
            # in this order: calls of threads that wait for their turn must draw nothing
            return None
        if event == "line" and self.random.random() < self.chance:
            self.give_way()
        return self._trace


class TurnLock:
    """A lock whose waiters pass their turn on; with a real one the turn would be stuck."""

    def __init__(self, interleaving: Interleaving) -> None:
        self._interleaving = interleaving
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        while not self._lock.acquire(blocking=False):
            self._interleaving.give_way()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()
