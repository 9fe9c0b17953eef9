"""The live view under 100 streams: what it shows, what it costs the kernel; first pictures."""

import json
import threading
import time
from typing import Any

import numpy as np

from warpviz.bench.browser.ui_page import BrowserLab, Notebook
from warpviz.bench.browser.ui_rows import row

STREAMS = 100
BEATS_HZ = 20
WINDOW_S = 5
SETTLE_S = 4  # after the view has come: its first state, fonts, compiled code
CPU_LIMIT = 15  # percent of a core

ALONE = f"""
import json
from warpviz.bench.browser.ui_live import KernelMeter
from warpviz.bench.browser.ui_runs import MetronomeCortex
from warpviz.live.engine_thread import EngineThread
from warpviz.views.run.view import LiveRun
meter = KernelMeter()
cortex = MetronomeCortex({STREAMS}, beats_hz={BEATS_HZ}, seed={{seed}})
run = EngineThread(cortex, "", name="alone").start()
"""
SEEN = f"""
run.close()
cortex = MetronomeCortex({STREAMS}, beats_hz={BEATS_HZ}, seed={{seed}})
run = EngineThread(cortex, "", name="seen").start()
view = LiveRun(run)
view
"""
ALONE_REPORT = "print(json.dumps(meter.samples))"
SEEN_REPORT = """
run.stop()
print(json.dumps(dict(cpu=meter.samples, clock=cortex.clock, dropped=view.dropped)))
"""
WARM_KERNEL = """
import warpviz, umap
from warp_cortex import Prism
from warpviz.bench.browser.ui_runs import village_text
prism = Prism.load("village")
number = 0
def text():
    global number
    number += 1
    written = village_text({tokens}, seed=number)
    return "".join(prism.pieces(prism.encode(written)[:{tokens} - 1]))
texts = [text() for _ in range({repeats} + 1)]
"""
PICTURE = "board = warpviz.explore(prism, texts.pop())\nboard"
REST = "[view.wait(300) for view in board.views if hasattr(view, 'wait')]; board.close()"


class KernelMeter:
    """Samples the wall clock and this process' processor seconds, every half second.

    samples: [[wall, cpu], ...], in seconds.
    """

    def __init__(self, period_s: float = 0.5) -> None:
        self.samples: list[list[float]] = []
        self._period_s = period_s
        threading.Thread(target=self._run, name="warpviz-meter", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.samples.append([time.time(), time.process_time()])
            time.sleep(self._period_s)


def shares(samples: list[list[float]], start: float, end: float) -> list[float]:
    """Return the percent of a core used in each window of five seconds.

    start, end: wall-clock times in seconds.
    """
    times, spent = np.asarray(samples).T
    edges = np.arange(start, end + 1e-6, WINDOW_S)
    return [float(share) for share in 100 * np.diff(np.interp(edges, times, spent)) / WINDOW_S]


def drawn_per_second(seen: list[list[float]], start: float, end: float) -> list[float]:
    """Return the paintings per second that showed something new, in each window."""
    edges = np.arange(start, end + 1e-6, WINDOW_S)
    return [float(count) / WINDOW_S for count in np.histogram([at for at, _ in seen], edges)[0]]


def delays_ms(seen: list[list[float]], clock: list[float], start: float) -> list[float]:
    """Return the milliseconds from each beat's emission to the painting that showed it."""
    return [
        1e3 * (at - clock[int(beat) - 1])
        for at, beat in seen
        if at >= start and 0 < beat <= len(clock)
    ]


def live_rows(lab: BrowserLab, *, seconds: int, seed: int) -> list[dict[str, Any]]:
    """Run the metronome without a view, then with one, for `seconds` seconds each."""
    cells = [ALONE.format(seed=seed), ALONE_REPORT, SEEN.format(seed=seed), SEEN_REPORT]
    with lab.notebook("live", cells) as book:
        book.run(0)
        book.page.wait_for_timeout(1000 * (SETTLE_S + seconds + 1))
        alone = book.ask(1)
        book.run(2)
        view = "document.querySelector('section[aria-label=\"Live run\"]')?.liveRun"
        alive = f"{view}.run.counts({view}.playhead.cursor).alive"
        book.wait_for(f"{view}?.playhead.live && {alive} >= {STREAMS - 5}")
        book.page.wait_for_timeout(1000 * SETTLE_S)
        start = book.page.evaluate("() => { __probe.watch(); return Date.now() / 1000; }")
        used = book.cpu_ms()
        book.page.wait_for_timeout(1000 * (seconds + 1))
        used = (book.cpu_ms() - used) / (10 * (seconds + 1))
        seen = book.page.evaluate("__probe.seen")
        report = book.ask(3)
    end = start + seconds
    before = alone[-1][0] - 0.5
    quiet = float(np.median(shares(alone, before - seconds, before)))
    cost = [share - quiet for share in shares(report["cpu"], start, end)]
    drawn = drawn_per_second(seen, start, end)
    edge = BEATS_HZ - 1 / WINDOW_S  # one beat may fall beyond the window's edge
    return [
        row(
            f"live view, {STREAMS} streams at {BEATS_HZ} updates/s: drawn",
            drawn,
            unit="per s",
            target_p50=edge,
            target_p95=edge,
            more_is_better=True,
        ),
        row("live view: token in the kernel to painted", delays_ms(seen, report["clock"], start)),
        row(
            "live view: kernel processor time for the view",
            cost,
            unit="% of a core",
            target_p50=CPU_LIMIT,
            target_p95=CPU_LIMIT,
        ),
        row("live view: processor time of the page", [used], unit="% of a core"),
        row(
            "for comparison: kernel processor time without a view",
            shares(alone, before - seconds, before),
            unit="% of a core",
        ),
        row(
            "live view: changes dropped",
            [report["dropped"]],
            unit="changes",
            target_p50=0,
            target_p95=0,
        ),
    ]


def first_rows(lab: BrowserLab, *, tokens: int, repeats: int) -> list[dict[str, Any]]:
    """Run `explore` in a warm kernel several times, each time on a text it has not read."""
    times: list[dict[str, float]] = []
    with lab.notebook(
        "first", [WARM_KERNEL.format(tokens=tokens, repeats=repeats), PICTURE, REST]
    ) as book:
        book.run(0)
        for _ in range(repeats + 1):  # the first warms page and kernel
            times.append(_first(book))
            book.run(2, 600)
    points, landmarks = ([time[name] for time in times[1:]] for name in ("points", "landmarks"))
    return [
        row(
            f"explore(), cell start to first picture, {tokens:,} tokens",
            points,
            target_p50=3000,
            target_p95=3000,
        ),
        row("explore(), cell start to landmarks in the picture", landmarks),
    ]


def _first(book: Notebook) -> dict[str, float]:
    found: dict[str, float] = book.page.evaluate("() => __probe.firstPicture(1, 120000)")
    return found


def saved_rows(lab: BrowserLab, *, tokens: int, seed: int) -> list[dict[str, Any]]:
    """Show all views in one notebook, save it with its outputs, clear them, save again."""
    board = PICTURE.replace("texts.pop()", f"village_text({tokens // 10}, seed={seed})")
    views = """
from warpviz.bench.browser.ui_runs import judged
trace, labels = judged(100, seed=0)
views = [warpviz.LiveRun(trace), warpviz.GateTuner(trace), warpviz.CouncilMonitor(trace)]
warpviz.compose(views, sync=["theta"])
"""
    with lab.notebook(
        "saved", [WARM_KERNEL.format(tokens=tokens, repeats=0), board, views]
    ) as book:
        for index in range(3):
            book.run(index)
        book.wait_for("document.querySelectorAll('section.warpviz').length === 6")
        whole = book.save()
        book.command("notebook:clear-all-cell-outputs")
        bare = book.save()
        kept = json.loads(book.path.read_text(encoding="utf-8"))
    if any(cell["outputs"] for cell in kept["cells"]):
        msg = "the notebook still holds outputs"
        raise RuntimeError(msg)
    return [
        row(
            "all six views, saved without outputs",
            [bare / 1000],
            unit="KB",
            target_p50=100,
            target_p95=100,
        ),
        row("for comparison: the same with outputs", [whole / 1000], unit="KB"),
    ]
