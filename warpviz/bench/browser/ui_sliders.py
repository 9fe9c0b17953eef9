"""Sliders, pressed key by key in the browser: time from the key to the painted answer."""

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from warpviz.bench.browser.ui_page import BrowserLab, Notebook
from warpviz.bench.browser.ui_rows import row

if TYPE_CHECKING:
    from playwright.sync_api import Locator

FIRST_K = 32
MOST_K = 128
# between presses: long enough to rest, uneven enough not to fall in step with the display
PAUSE_MS = (40, 160)
WARM = 5  # presses that are not counted: the browser compiles what it runs often

BOARD = """
from warp_cortex import Prism
from warpviz.bench.browser.ui_runs import village_text
from warpviz.views.explore import explore
prism = Prism.load("village")
text = village_text({tokens}, seed={seed})
text = "".join(prism.pieces(prism.encode(text)[:{tokens} - 1]))
board = explore(prism, text, k={k}, projection="pca", num_null=2)
board
"""
COUNT = """
[view.wait(300) for view in board.views if hasattr(view, 'wait')]
print(board.views[0].source.num_tokens)
"""
GATE = """
from warpviz.bench.browser.ui_runs import judged
from warpviz.views.gate.view import GateTuner
trace, labels = judged({thoughts}, seed={seed})
GateTuner(trace, labels=labels)
"""


def press(
    book: Notebook, slider: "Locator", key: str, wanted: dict[str, Any], pause_ms: float
) -> dict[str, float]:
    """Press a key on a slider and return the milliseconds to each picture wanted.

    The entry "cpu" is the page's processor clock before the press.
    """
    book.page.wait_for_timeout(pause_ms)
    before = book.cpu_ms()
    book.page.evaluate("wanted => __probe.arm(wanted)", wanted)
    slider.press(key)
    times: dict[str, float] = book.page.evaluate("() => __probe.took()")
    return {**times, "cpu": before}


def spent(samples: list[dict[str, float]], end: float) -> list[float]:
    """Return the processor time from each press to the next.

    It includes what follows the pictures: words and lists.
    """
    clock = [*(sample["cpu"] for sample in samples), end]
    return [after - before for before, after in pairwise(clock)]


def keys_of_k(count: int) -> list[tuple[str, int]]:
    """Return `count` arrow keys and the k after each: up to 128 and down again."""
    found = []
    k = FIRST_K
    step = 1
    for _ in range(count):
        if not FIRST_K <= k + step <= MOST_K:
            step = -step
        k += step
        found.append(("ArrowRight" if step > 0 else "ArrowLeft", k))
    return found


def k_rows(lab: BrowserLab, *, tokens: int, repeats: int, seed: int) -> list[dict[str, Any]]:
    """Move k on the dashboard of a context, and a bare slider and canvas as a lower bound."""
    pauses = random.Random(seed)  # noqa: S311 -- pauses, not secrets
    with lab.notebook(
        "sliders", [BOARD.format(tokens=tokens, seed=seed, k=FIRST_K), COUNT]
    ) as book:
        book.run(0)
        held = int(book.run(1, 600))
        book.wait_for("__probe.store('Persistence')?.data.numbers?.[1]")
        book.wait_for("__probe.store('KV cloud')?.array('order').length > 0")
        slider = book.page.locator('section[aria-label="KV cloud"] input[data-trait="k"]')
        samples = []
        for key, k in keys_of_k(WARM + repeats):
            samples.append(
                press(book, slider, key, {"cloud": k, "diagrams": k}, pauses.uniform(*PAUSE_MS))
            )
            _agree(book, k)
        end = book.cpu_ms()
        book.page.evaluate("__probe.bare()")
        bare = book.page.locator("#bare-slider")
        bare_ms = [
            press(book, bare, key, {"bare": k}, pauses.uniform(*PAUSE_MS))["bare"]
            for key, k in keys_of_k(WARM + repeats)
        ]
    painted, drawn = ([sample[name] for sample in samples[WARM:]] for name in ("cloud", "diagrams"))
    return [
        row(
            f"k slider to painted landmarks, {held:,} tokens", painted, target_p50=16, target_p95=50
        ),
        row(f"k slider to new diagrams, {held:,} tokens", drawn, target_p50=60, target_p95=150),
        row(
            "k slider: processor time of the page, press to press",
            spent(samples[WARM:], end),
            unit="ms of CPU",
        ),
        row("for comparison: a bare slider and canvas, no view", bare_ms[WARM:]),
    ]


def _agree(book: Notebook, k: int) -> None:
    """Check that the page shows k landmarks.

    Raises:
        RuntimeError: it shows another number.
    """
    shown = book.page.evaluate(
        "() => document.querySelectorAll('section[aria-label=\"Context\"] .wz-landmark').length"
    )
    if shown != k:
        msg = f"the text marks {shown} landmarks at k = {k}"
        raise RuntimeError(msg)


def theta_rows(lab: BrowserLab, *, thoughts: int, repeats: int, seed: int) -> list[dict[str, Any]]:
    """Move theta on the gate of a run with many labelled thoughts, under three scorers."""
    pauses = random.Random(seed)  # noqa: S311 -- pauses, not secrets
    with lab.notebook("gate", [GATE.format(thoughts=thoughts, seed=seed)]) as book:
        book.run(0)
        book.wait_for(
            f"document.querySelector('section[aria-label=Gate]')?.gateTuner?.size === {thoughts}"
        )
        slider = book.page.locator('section[aria-label="Gate"] input[data-trait="theta"]')
        samples = []
        for place in range(WARM + repeats):
            step = 1 if place // 20 % 2 == 0 else -1  # twenty presses up, twenty down
            theta = float(slider.input_value()) + 0.005 * step
            key = "ArrowRight" if step > 0 else "ArrowLeft"
            samples.append(press(book, slider, key, {"gate": theta}, pauses.uniform(*PAUSE_MS)))
            _judged(book)
        end = book.cpu_ms()
    decided = [sample["gate"] for sample in samples[WARM:]]
    return [
        row(
            f"theta to re-decided gate, {thoughts:,} thoughts",
            decided,
            target_p50=16,
            target_p95=50,
        ),
        row(
            "theta slider: processor time of the page, press to press",
            spent(samples[WARM:], end),
            unit="ms of CPU",
        ),
    ]


def _judged(book: Notebook) -> None:
    """Check that the page's number of accepted thoughts is the one that counting gives.

    Raises:
        RuntimeError: it says another number.
    """
    said, counted = book.page.evaluate("""() => {
        const view = document.querySelector('section[aria-label="Gate"]').gateTuner;
        const cut = Math.fround(view.theta);
        const count = Array.from(view.gate.values).filter(v => v >= cut).length;
        return [view.frame.root.querySelector('[data-fact="accepted"] b').textContent, count]; }""")
    if int(said.replace(",", "").replace("\u202f", "").replace("\u2009", "")) != counted:
        msg = f"the gate says that {said} thoughts pass, counting gives {counted}"
        raise RuntimeError(msg)
