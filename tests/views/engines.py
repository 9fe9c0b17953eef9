"""Engines made up for tests: they play a fabricated run in time, and stop, pause and fail as
asked.
"""

import threading
import time
from collections.abc import Iterator

from warp_cortex import Event, Finish, Trace

from tests.views.fabricated import HOSTILE
from warpviz.live.beats import Beats


class FabricatedCortex:
    """An engine that plays a fabricated run: `period_s` seconds per event, honours stop, pause and
    theta.
    """

    def __init__(self, source: Trace, *, period_s: float = 0.0, fail_at: int | None = None) -> None:
        self.trace = Trace()
        self.theta = 0.45
        self._source, self._period_s, self._fail_at = source, period_s, fail_at
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()

    def run(self, prompt: str) -> Iterator[Event]:
        """Yield the recorded events until stopped; a stopped run ends with the River's finish."""
        del prompt
        for index, event in enumerate(self._source.events):
            self._go.wait()
            if index == self._fail_at:
                raise RuntimeError(HOSTILE[0])
            if self._stop.is_set():
                yield self.trace.append(Finish(step=event.step, stream=None, reason="stopped"))
                return
            yield self.trace.append(event)
            if self._period_s:
                time.sleep(self._period_s)

    def stop(self) -> None:
        """End at the next step."""
        self._stop.set()

    def pause(self) -> None:
        """Hold before the next step."""
        self._go.clear()

    def resume(self) -> None:
        """Go on."""
        self._go.set()


class PacedCortex(FabricatedCortex):
    """An engine that plays a fabricated run at `beats_hz` beats a second, all events of a beat at
    once.
    """

    def __init__(self, source: Trace, *, beats_hz: float) -> None:
        super().__init__(source)
        self._beat_s = 1 / beats_hz

    def run(self, prompt: str) -> Iterator[Event]:
        """Yield the recorded events in time."""
        begun = time.monotonic()
        beats, last = Beats(), 0
        for event in super().run(prompt):
            beat = beats.advance(event)
            if beat > last:
                time.sleep(max(0.0, begun + beat * self._beat_s - time.monotonic()))
            last = beat
            yield event
