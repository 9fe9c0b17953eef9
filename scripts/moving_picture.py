"""Make the README's moving picture: `python scripts/moving_picture.py` writes docs/live_run.webp.

The bundled model reads a sample and writes on; the run is saved as the page that
`LiveRun.to_html` writes, opened in a real Chromium and played by its own button. The page's clock
is stepped by hand, so that a frame shows the same moment on any machine. A caption below each frame
says which event came last; nothing else is drawn for the picture alone.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import sync_playwright
from warp_cortex import Cortex, CortexConfig, Event, Inject, Prism, RiverConfig, Token

import warpviz
from warpviz.bench.browser.ui_page import FLAGS, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "live_run.webp"
SAMPLE = "boxes"
MOST_TOKENS = 120
MOST_BYTES = 2_000_000
WIDTH = 1000  # pixels of the page
FRAME_MS = 100
SPEED = "0.5"  # one of the view's own speeds
READ_MS = 900  # a caption stays at least so long
SETTLE_FRAMES = 8  # the last words fade in
HOLD_MS = 1500  # the last frame stays
QUALITY = 72
CAPTION_HEIGHT = 34
CAPTION_SIZE = 17
PAPER = "#ffffff"
INK = "#222222"
CAPTIONS = {
    "RunStart": "The River, the main agent, reads a text that ends where it needs a fact",
    "Token": "The River, the main agent, writes its text",
    "Spawn": "Trigger: its text holds a task. A stream branches off to think about it",
    "StreamToken": "The stream thinks over 64 landmarks, a few tokens of the River's cache",
    "GateDecision": "Gate: is the thought close enough to what the River is thinking about?",
    "Inject": "Injection: the thought enters the River's cache; its text is untouched",
}
BROUGHT = "The River writes the word that the thought brought: {word}"

LIVE = "document.querySelector('.warpviz').liveRun"
# Animations of the style sheet do not follow the page's stepped clock: move them by hand.
STEP_ANIMATIONS = """ms => {
  for (const animation of document.getAnimations()) {
    animation.pause();
    const end = animation.effect.getComputedTiming().endTime;
    const time = (animation.currentTime ?? 0) + ms;
    if (Number.isFinite(end) && time >= end) animation.finish();
    else animation.currentTime = time;
  }
}"""


def record(sample: str) -> tuple[Cortex, str]:
    """Run a sample until a thought's last word stands in a sentence; return cortex and word.

    Raises:
        ValueError: no thought entered, or its word was not written.
    """
    config = CortexConfig(river=RiverConfig(max_tokens=MOST_TOKENS))
    cortex = Cortex(Prism.load("village"), config)
    word = after = ""
    for event in cortex.run(warpviz.sample(sample)):
        if isinstance(event, Inject) and not word:
            word = event.text.strip(" [].").split()[-1]
        elif isinstance(event, Token) and word:
            after += event.text
            if f" {word}" in after and after.endswith("."):
                cortex.stop()
    if not word or f" {word}" not in after:
        msg = f"the sample {sample!r} shows no thought whose word the River writes"
        raise ValueError(msg)
    cortex.influence(1)
    return cortex, word


def captions(events: list[Event], word: str) -> list[str]:
    """Return the caption of every event: its own, or that of the one before."""
    found = []
    shown = written = ""
    is_injected = False
    for event in events:
        kind = type(event).__name__
        is_injected |= kind == "Inject"
        if kind == "Token" and is_injected:
            written += getattr(event, "text", "")
            if f" {word}" in written:
                shown = BROUGHT.format(word=word)
        elif kind == "Token" and shown == CAPTIONS["RunStart"]:
            shown = CAPTIONS[kind]
        elif kind != "Token":
            shown = CAPTIONS.get(kind, shown)
        found.append(shown)
    return found


class Reader:
    """Shows one caption after the other, each long enough to be read."""

    def __init__(self, said: list[str]) -> None:
        self._said = said
        self._seen = 0
        self._waiting: list[str] = []
        self._shown = said[0]
        self._age_ms = 0

    @property
    def is_done(self) -> bool:
        """Whether no caption waits."""
        return not self._waiting

    def at(self, cursor: int) -> str:
        """Return the caption of the next frame, which shows the run after `cursor` events."""
        for caption in self._said[self._seen : cursor]:
            if caption != (self._waiting or [self._shown])[-1]:
                self._waiting.append(caption)
        self._seen = max(self._seen, cursor)
        self._age_ms += FRAME_MS
        if self._waiting and self._age_ms > READ_MS:
            self._shown = self._waiting.pop(0)
            self._age_ms = 0
        return self._shown


def open_page(page: "Page", path: Path) -> None:
    """Open a saved view with a stopped clock, at the beginning of its run."""
    page.clock.install(time=0)
    page.goto(path.as_uri())
    page.wait_for_function("() => document.body.dataset.ready === 'true'")
    page.clock.pause_at(10_000)
    page.wait_for_timeout(500)  # observers of size and sight answer in real time
    page.get_by_label("Speed").select_option(SPEED)
    page.locator(".wr-timeline").focus()
    page.keyboard.press("Home")
    page.mouse.move(2, 2)
    page.clock.run_for(1000)


def frames(page: "Page", said: list[str]) -> Iterator[tuple[bytes, str]]:
    """Play the run; yield a PNG of the view and its caption every FRAME_MS of the page's clock."""
    view = page.locator("section.warpviz").first
    reader = Reader(said)
    page.keyboard.press("Space")
    page.evaluate("document.activeElement.blur()")
    left = SETTLE_FRAMES
    while left:
        page.clock.run_for(FRAME_MS)
        page.evaluate(STEP_ANIMATIONS, FRAME_MS)
        caption = reader.at(page.evaluate(f"{LIVE}.playhead.cursor"))
        if page.evaluate(f"{LIVE}.playhead.atEnd && !{LIVE}.flights.busy") and reader.is_done:
            left -= 1
        yield view.screenshot(), caption


def framed(picture: bytes, caption: str) -> Image.Image:
    """Return a frame: the view, and its caption below."""
    view = Image.open(io.BytesIO(picture)).convert("RGB")
    frame = Image.new("RGB", (view.width, view.height + CAPTION_HEIGHT), PAPER)
    frame.paste(view, (0, 0))
    pen = ImageDraw.Draw(frame)
    font = ImageFont.load_default(CAPTION_SIZE)
    place = (view.width // 2, view.height + CAPTION_HEIGHT // 2)
    pen.text(place, caption, fill=INK, font=font, anchor="mm")
    return frame


def take(cortex: Cortex, word: str) -> list[Image.Image]:
    """Return the frames of a finished run."""
    said = captions(cortex.trace.events, word)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        view = warpviz.LiveRun(cortex.trace, autoplay=False)
        path = view.to_html(Path(folder, "run.html"))
        view.close()
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        context = browser.new_context(
            viewport={"width": WIDTH, "height": 1000}, reduced_motion="no-preference"
        )
        page = context.new_page()
        open_page(page, path)
        taken = [framed(*frame) for frame in frames(page, said)]
        browser.close()
    return taken


def main() -> int:
    """Take the frames, write the picture and say what it weighs; 1 when it weighs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", default=SAMPLE, help="name of a bundled sample")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--quality", type=int, default=QUALITY, help="of WebP, 0 to 100")
    got = parser.parse_args()
    taken = take(*record(got.sample))
    times = [FRAME_MS] * (len(taken) - 1) + [HOLD_MS]
    taken[0].save(
        got.out,
        save_all=True,
        append_images=taken[1:],
        duration=times,
        loop=0,
        quality=got.quality,
        method=6,
        minimize_size=True,
    )
    weight = got.out.stat().st_size
    sys.stdout.write(f"{weight:,} bytes, {len(taken)} frames, {sum(times) / 1000:.1f} s\n")
    return int(weight > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
