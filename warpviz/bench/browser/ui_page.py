"""A notebook in a private JupyterLab in a real Chromium, for the measurements of the front end."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warpviz.bench.browser.lab_server import PATIENCE_S, Server, start_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PANEL = "window.jupyterapp.shell.currentWidget"
CELLS = f"{PANEL}.content.widgets"
# tall enough that every view of a dashboard is on the screen and hence painted
WINDOW = {"width": 1280, "height": 1600}
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
TRIES = 6


def chromium() -> str:
    """Return the Chromium to drive: $CHROMIUM, or the first on the PATH.

    Raises:
        ValueError: there is none.
    """
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        msg = "no Chromium on the PATH: install one, or set CHROMIUM to its path"
        raise ValueError(msg)
    return found


class Notebook:
    """One open notebook. Cells are counted from 0; times come from the page's own clock."""

    def __init__(self, server: Server, page: "Page", path: Path) -> None:
        self.server = server
        self.page = page
        self.path = path
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def run(self, index: int, timeout_s: float = PATIENCE_S) -> str:
        """Run a cell, wait for its end and return what it printed.

        Raises:
            RuntimeError: the cell raised.
        """
        before = self._cell(index)["count"]
        self.page.evaluate(f"i => {{ {PANEL}.content.activeCellIndex = i; }}", index)
        self._start(index, before)
        ended = f"""([i, n]) => {{ const m = {CELLS}[i].model;
            const isNew = m.executionCount && m.executionCount !== n;
            return isNew && m.executionState !== 'running'; }}"""
        self.page.wait_for_function(
            ended, arg=[index, before], timeout=timeout_s * 1000, polling=50
        )
        outputs = self._cell(index)["outputs"]
        for output in outputs:
            if output["output_type"] == "error":
                msg = "a cell raised\n" + "\n".join(output["traceback"])
                raise RuntimeError(msg)
        return "".join(output.get("text", "") for output in outputs)

    def _start(self, index: int, before: int | None) -> None:
        """Ask for the cell until the kernel takes it: just after a start it may drop a request."""
        from playwright.sync_api import TimeoutError as PageTimeoutError

        begun = f"""([i, n]) => {{ const m = {CELLS}[i].model;
            const isNew = m.executionCount && m.executionCount !== n;
            return m.executionState === 'running' || isNew; }}"""
        for _ in range(TRIES):
            self.command("notebook:run-cell")
            try:
                self.page.wait_for_function(begun, arg=[index, before], timeout=8000)
            except PageTimeoutError:
                continue
            return
        msg = f"the kernel accepted no cell in {TRIES} tries"
        raise RuntimeError(msg)

    def cpu_ms(self) -> float:
        """Return the processor time of the page's main thread, without waiting, in milliseconds."""
        found = self._devtools.send("Performance.getMetrics")["metrics"]
        return 1e3 * next(
            float(metric["value"]) for metric in found if metric["name"] == "ThreadTime"
        )

    def ask(self, index: int) -> Any:
        """Run a cell and return the JSON it printed."""
        return json.loads(self.run(index))

    def _cell(self, index: int) -> dict[str, Any]:
        script = f"""i => {{ const m = {CELLS}[i].model;
            return {{count: m.executionCount ?? null, outputs: m.outputs.toJSON()}}; }}"""
        found: dict[str, Any] = self.page.evaluate(script, index)
        return found

    def command(self, name: str) -> None:
        """Start one of JupyterLab's own commands."""
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name); }", name)

    def save(self) -> int:
        """Save the notebook and return its bytes on disk."""
        self.page.evaluate(f"async () => {{ await {PANEL}.context.save(); }}")
        return self.path.stat().st_size

    def wait_for(self, condition: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until a JavaScript expression is true."""
        self.page.wait_for_function(f"() => {condition}", timeout=timeout_s * 1000, polling=100)


class BrowserLab:
    """A server and a browser; `notebook` opens one notebook after the other."""

    def __init__(self, server: Server, browser: "Browser") -> None:
        self.server = server
        self.browser = browser

    @property
    def version(self) -> str:
        """The browser's name and version."""
        return f"{self.browser.browser_type.name} {self.browser.version}, headless"

    @contextmanager
    def notebook(self, name: str, cells: list[str]) -> Iterator[Notebook]:
        """Write and open a notebook with a fresh kernel; page and kernel end with the block."""
        path = self.server.root / f"{name}.ipynb"
        path.write_text(json.dumps(_book(cells)), encoding="utf-8")
        context = self.browser.new_context(viewport=WINDOW)  # type: ignore[arg-type]  # a plain dict will do
        probe = (
            resources.files("warpviz.bench.browser")
            .joinpath("ui_probe.js")
            .read_text(encoding="utf-8")
        )
        context.add_init_script(probe)
        try:
            page = context.new_page()
            page.goto(
                self.server.page(name, path.name),
                timeout=PATIENCE_S * 1000,
            )
            book = Notebook(self.server, page, path)
            idle = f"{PANEL}?.sessionContext?.session?.kernel?.status === 'idle'"
            book.wait_for(f"window.jupyterapp && {PANEL}?.content?.widgets?.length && {idle}")
            yield book
        finally:
            context.close()
            self.server.stop_kernels()


def _book(cells: list[str]) -> dict[str, Any]:
    """Return a notebook of code cells in nbformat 4.5."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    code: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    listed = [
        {**code, "id": f"cell-{index}", "source": source} for index, source in enumerate(cells)
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": listed}


@contextmanager
def browser_lab() -> Iterator[BrowserLab]:
    """Start a private JupyterLab and a Chromium, and end both.

    Raises:
        ValueError: playwright or Chromium is missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        msg = "this benchmark drives a browser and needs playwright: pip install playwright"
        raise ValueError(msg) from error
    path = chromium()
    with tempfile.TemporaryDirectory(prefix="warpviz-ui-") as folder:
        home = Path(folder, "home")
        root = Path(folder, "notebooks")
        home.mkdir()
        root.mkdir()
        server = start_server(home, root)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
                yield BrowserLab(server, browser)
                browser.close()
        finally:
            server.close()
