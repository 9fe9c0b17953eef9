"""The pump: order, merging, back-pressure, resync, and a thread that ends."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpviz.views.base.pump import WINDOW, Patch, Pump, merge

FAST = 500.0


class Browser:
    """The other side of a pump: applies messages as the page does, and acknowledges when asked."""

    def __init__(
        self, *, full: list[float] | None = None, acknowledge: bool = True, **settings: object
    ) -> None:
        self.messages: list[tuple[Patch | None, int]] = []
        self.full, self.seen = full if full is not None else [], []
        self.acknowledge = acknowledge
        self.news = threading.Condition()
        self.pump = Pump(self._receive, rate_hz=FAST, **settings)  # type: ignore[arg-type]

    def _receive(self, patch: Patch | None, seq: int) -> None:
        with self.news:
            self.messages.append((patch, seq))
            if patch is None:
                self.seen = list(self.full)
            else:
                self.seen += patch.append["x"].tolist() if "x" in patch.append else []
            self.news.notify_all()
        if self.acknowledge:
            self.pump.ack(seq)

    def wait(self, condition: object, timeout_s: float = 3.0) -> bool:
        """Wait until a condition on what arrived holds."""
        with self.news:
            return self.news.wait_for(condition, timeout_s)  # type: ignore[arg-type]


def numbers(*values: float) -> Patch:
    """Return a patch that appends values."""
    return Patch(append={"x": np.array(values, np.float32)})


PATCHES = st.lists(
    st.builds(
        lambda data, replaced, grown, events: Patch(
            data=data,
            arrays={"x": np.array(replaced, np.float32)} if replaced is not None else {},
            append={"x": np.array(grown, np.float32)} if grown else {},
            events=tuple({"n": event} for event in events),
        ),
        st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=2),
        st.none() | st.lists(st.integers(0, 9), max_size=3),
        st.lists(st.integers(0, 9), max_size=3),
        st.lists(st.integers(0, 9), max_size=2),
    ),
    min_size=1,
    max_size=6,
)


def applied(patches: list[Patch]) -> tuple[dict[str, object], list[float], list[object]]:
    """Apply patches one by one, as a browser would."""
    data: dict[str, object] = {}
    x: list[float] = []
    events: list[object] = []
    for patch in patches:
        data |= patch.data
        x = patch.arrays["x"].tolist() if "x" in patch.arrays else x
        x = x + patch.append["x"].tolist() if "x" in patch.append else x
        events += patch.events
    return data, x, events


@given(PATCHES)
def test_merging_loses_nothing(patches: list[Patch]) -> None:
    """One merged patch has the effect of all patches in order."""
    assert applied([merge(patches)]) == applied(patches)


def test_nothing_is_sent_before_a_browser_asks() -> None:
    """Without a mounted view, patches cost nothing and no thread runs; the first message is the
    full state.
    """
    browser = Browser()
    browser.pump.put(numbers(1))
    assert not browser.pump.alive
    browser.pump.resync()
    assert browser.wait(lambda: len(browser.messages) == 1)
    assert browser.messages == [(None, 1)]
    assert browser.pump.close()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60))
@settings(max_examples=15)
def test_an_attentive_browser_sees_everything_once_and_in_order(values: list[int]) -> None:
    """With acknowledgements every value arrives exactly once, in order, with consecutive
    numbers.
    """
    browser = Browser()
    browser.pump.resync()
    assert browser.wait(lambda: len(browser.messages) == 1)
    for value in values:
        browser.pump.put(numbers(value))
    assert browser.wait(lambda: len(browser.seen) == len(values))
    browser.pump.close()
    assert browser.seen == values
    assert [seq for _, seq in browser.messages] == list(range(1, len(browser.messages) + 1))
    assert browser.pump.dropped == 0


def test_a_silent_browser_stops_the_pump_after_two_messages() -> None:
    """Two unacknowledged messages are the most; what follows waits and leaves as one message after
    the ack.
    """
    browser = Browser(acknowledge=False)
    browser.pump.resync()
    assert browser.wait(lambda: len(browser.messages) == 1)
    for value in range(20):
        browser.pump.put(numbers(value))
        time.sleep(0.004)
    assert len(browser.messages) == WINDOW
    browser.pump.ack(WINDOW)
    assert browser.wait(lambda: len(browser.messages) == WINDOW + 1)
    browser.pump.close()
    assert browser.seen == list(range(20))


def test_overflow_drops_the_oldest_counts_and_resends_the_state() -> None:
    """A queue that overflows counts what it dropped, and the next message is the full state."""
    browser = Browser(acknowledge=False, capacity=8)
    browser.pump.resync()
    assert browser.wait(lambda: len(browser.messages) == 1)
    browser.pump.put(numbers(0))
    assert browser.wait(lambda: len(browser.messages) == WINDOW)
    for value in range(12):
        browser.pump.put(numbers(value))
    assert browser.pump.dropped == 4
    browser.full = [42.0]
    browser.pump.ack(WINDOW)
    assert browser.wait(lambda: len(browser.messages) == WINDOW + 1)
    assert browser.messages[-1][0] is None
    browser.pump.close()


def test_a_lost_message_is_followed_by_the_state_ever_more_rarely() -> None:
    """Without any acknowledgement the state is tried again after the retry time, then after twice
    that.
    """
    clock = [0.0]
    sent: list[int] = []
    pump = Pump(lambda _patch, seq: sent.append(seq), clock=lambda: clock[0])
    pump._mounted = True
    pump._seq, pump._acked, pump._sent_at = 2, 0, 0.0
    pump._queue.append(numbers(1))
    assert pump._wait_s() == pytest.approx(2.0)
    clock[0] = 2.1
    assert pump._wait_s() == 0.0
    assert pump._stale
    assert pump._retry_s == 4.0


def test_ten_thousand_rapid_events_never_block_the_producer() -> None:
    """Putting never waits however slow the browser is, and the newest state still arrives."""
    browser = Browser(acknowledge=False)
    browser.pump.resync()
    assert browser.wait(lambda: len(browser.messages) == 1)
    for value in range(10_000):  # a put that waited for the browser would wait for ever
        browser.pump.put(numbers(value))
    assert browser.pump.dropped > 0
    assert browser.pump.close()


def test_closing_joins_the_thread_and_is_safe_twice() -> None:
    """After close no thread is left, and putting, syncing and closing again do nothing."""
    browser = Browser()
    browser.pump.resync()
    assert browser.wait(lambda: len(browser.messages) == 1)
    assert browser.pump.close()
    assert not browser.pump.alive
    browser.pump.put(numbers(1))
    browser.pump.resync()
    assert browser.pump.close()
    assert len(browser.messages) == 1
