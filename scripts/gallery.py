"""Take a picture of every view in both themes: `python scripts/gallery.py` writes docs/gallery.

A real JupyterLab in a real Chromium, both on this machine, show the bundled model reading and
thinking; nothing is drawn for the picture alone. `--only NAME,...` takes some, `--width` another
width, `--out` another folder.
"""

import argparse
import io
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from warpviz.bench.browser.ui_page import CELLS, Notebook, browser_lab

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "gallery"
THEMES = ("light", "dark")
HEIGHT = 2700
COLOURS = 255
MOST_BYTES = 250_000
MOST_ALL_BYTES = 3_000_000
PATIENCE_S = 100.0
HEAD = (
    "Every view on a run of the bundled model, in a real JupyterLab 1,280 pixels wide, in both"
    " themes. Taken by\n`python scripts/gallery.py`; nothing was retouched."
)
SETUP = """
import warpviz
from warp_cortex import Cortex, Prism, load_trace
from warpviz.village.evaluate.thoughts import recorded
prism = Prism.load("village")
cortex = Cortex(prism)
events = list(cortex.run(warpviz.sample()))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture: the cell of its view, what must be true on the page, and what it shows."""

    name: str
    cell: str
    ready: str
    sentence: str
    after: str = ""


def first(kind: str) -> str:
    """Return JavaScript that finds the first view of a title."""
    return f"document.querySelector(`section.warpviz[aria-label={kind!r}]`)"


def says(words: str) -> str:
    """Return JavaScript that is true once every view has a summary and one has these words."""
    return (
        "(() => { const found = [...document.querySelectorAll('.warpviz [data-summary]')];"
        " const all = found.map((e) => e.textContent);"
        f" return all.length && all.every(Boolean) && all.join(' ').includes({words!r}); }})()"
    )


SETTLED = (
    "[...globalThis.__warpviz.stores.values()]"
    ".every((s) => s.synced && !(s.data.busy?.what ?? s.data.busy))"
)
LIVE = f"{first('Live run')}.liveRun"
SHOTS = (
    Shot(
        name="kv_cloud-2d",
        cell="warpviz.KVCloud(cortex, k=64, colour='distance', cover='cells').wait()",
        ready=f"{says('cover radius')} && {SETTLED}",
        sentence="The keys of one run as a plane (UMAP): colour is the distance to the nearest of"
        " 64 landmarks (diamonds), lines part their cells.",
    ),
    Shot(
        name="kv_cloud-3d",
        cell="warpviz.KVCloud(cortex, k=64, dims=3, colour='position').wait()",
        ready=f"{says('cover radius')} && {SETTLED}",
        sentence="The same keys in three dimensions, coloured by position in the text.",
    ),
    Shot(
        name="token_text",
        cell="warpviz.TokenText(cortex, k=64)",
        ready=says("landmarks"),
        sentence="The same context as text: landmarks underlined, injected thoughts in the margin.",
        after="document.querySelector('.wz-note')?.scrollIntoView({ block: 'center' })",
    ),
    Shot(
        name="persistence",
        cell="warpviz.PersistenceCompare(cortex, k=64).wait()",
        ready=f"{says('bottleneck')} && {SETTLED}",
        sentence="What 64 landmarks keep of the shape: both diagrams with their matching, bars, and"
        " distance against k, with random landmarks and the 2r bound for comparison.",
    ),
    Shot(
        name="live_run",
        cell="warpviz.LiveRun(cortex.trace, autoplay=False)",
        ready=says("Live run"),
        sentence="A run in its second thought: the River's text, the streams, the gate's axis, the"
        " small map, the timeline.",
        after=f"(() => {{ const v = {LIVE};"
        " const spawns = v.run.marks.filter((m) => m.kind === 'spawn');"
        " v.playhead.seek((spawns[1] ?? spawns[0]).beat + 5); v.wake(); })()",
    ),
    Shot(
        name="gate",
        cell="traces, labels = recorded()\nwarpviz.GateTuner(traces, labels=labels, theta=0.3)",
        ready=says("theta"),
        sentence="The thoughts of 120 held-out runs and what is true of them: every scorer's axis,"
        " theta, precision, recall and ROC.",
    ),
    Shot(
        name="council",
        cell="warpviz.CouncilMonitor(cortex.trace)",
        ready=says("Council"),
        sentence="Bytes by owner and agents by state over the run, with the paper's table.",
    ),
    Shot(
        name="explore",
        cell="board = warpviz.explore(cortex, k=64)\n"
        "for view in board.views:\n    view.wait()\nboard",
        ready=f"{says('bottleneck')} && {SETTLED}",
        sentence="`warpviz.explore`: cloud, text and persistence of one context, linked.",
    ),
    Shot(
        name="watch",
        cell="board = warpviz.watch(Cortex(prism), warpviz.sample())\n"
        "board.wait().cloud.wait()\nboard",
        ready=f"{says('streams')} && document.querySelectorAll('.warpviz').length === 4"
        f" && {SETTLED}",
        sentence="`warpviz.watch`: a live run that has ended, its gate, its memory, and the cloud"
        " of its cache.",
    ),
)


def show(book: Notebook, shot: Shot) -> None:
    """Run the shot's cell (which closes the view before it) and wait until the picture is whole."""
    book.page.evaluate(f"code => {CELLS}[1].model.sharedModel.setSource(code)", shot.cell)
    book.run(1, PATIENCE_S)
    book.page.evaluate(
        "index => window.jupyterapp.shell.currentWidget.content.scrollToItem(index, 'start')", 1
    )
    book.wait_for(shot.ready, PATIENCE_S)


def theme(book: Notebook, name: str) -> None:
    """Switch JupyterLab's theme and wait until the page wears it."""
    change = "theme => { window.jupyterapp.commands.execute('apputils:change-theme', {theme}); }"
    book.page.evaluate(change, f"JupyterLab {name.title()}")
    book.wait_for(f"document.body.dataset.jpThemeLight === '{str(name == 'light').lower()}'")


def picture(book: Notebook, shot: Shot) -> bytes:
    """Return the view as a PNG of at most 255 colours, without pointer or focus."""
    if shot.after:
        book.page.evaluate(shot.after)
    book.page.mouse.move(2, 2)
    book.page.wait_for_timeout(1200)
    taken = book.page.locator(
        ".jp-OutputArea :is(.warpviz-grid, section.warpviz)"
    ).first.screenshot()
    small = io.BytesIO()
    Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS).save(small, "PNG", optimize=True)
    return small.getvalue()


def page_of(shots: list[Shot]) -> str:
    """Return the gallery's README: a sentence and both pictures of every view."""
    lines = ["# What it looks like", "", HEAD, ""]
    for shot in shots:
        pictures = [f"![{shot.name}, {name} theme]({shot.name}-{name}.png)" for name in THEMES]
        lines += [f"## {shot.name}", "", shot.sentence, "", *pictures, ""]
    return "\n".join(lines)


def take(shots: list[Shot], out: Path, width: int) -> dict[str, int]:
    """Take the pictures and return their sizes in bytes by file name."""
    out.mkdir(parents=True, exist_ok=True)
    sizes = {}
    with browser_lab() as lab, lab.notebook("gallery", [SETUP, "None"]) as book:
        book.page.set_viewport_size({"width": width, "height": HEIGHT})
        book.page.emulate_media(reduced_motion="reduce")
        book.command("application:toggle-left-area")
        book.run(0, PATIENCE_S)
        for shot in shots:
            show(book, shot)
            for name in THEMES:
                theme(book, name)
                data = picture(book, shot)
                (out / f"{shot.name}-{name}.png").write_bytes(data)
                sizes[f"{shot.name}-{name}.png"] = len(data)
    return sizes


def main() -> int:
    """Take the pictures and say what they weigh; 1 when they weigh too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="NAME,...", help=", ".join(shot.name for shot in SHOTS)
    )
    parser.add_argument("--width", type=int, default=1280, help="of JupyterLab's window, in pixels")
    parser.add_argument("--out", type=Path, default=OUT)
    got = parser.parse_args()
    wanted = [shot for shot in SHOTS if not got.only or shot.name in got.only.split(",")]
    begun = time.monotonic()
    sizes = take(wanted, got.out, got.width)
    if wanted == list(SHOTS):
        (got.out / "README.md").write_text(page_of(wanted), encoding="utf-8")
    for name, size in sizes.items():
        sys.stdout.write(f"{size:9,} {name}\n")
    whole = sum(path.stat().st_size for path in got.out.glob("*.png"))
    sys.stdout.write(f"{whole:9,} bytes in all, {time.monotonic() - begun:.0f} s\n")
    return int(max(sizes.values()) > MOST_BYTES or whole > MOST_ALL_BYTES)


if __name__ == "__main__":
    sys.exit(main())
