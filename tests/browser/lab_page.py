"""A JupyterLab page, driven as a user drives it; everything that goes wrong on it is remembered."""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lab_server import PATIENCE_S, Server
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, WebSocket, expect
from playwright.sync_api import TimeoutError as PageTimeout

# What the console may say in red: a fragment, and why it is not ours.
ALLOWED_ERRORS: tuple[tuple[str, str], ...] = ()
NOTEBOOK = "window.jupyterapp.shell.currentWidget.content"


@dataclass
class Lab:
    """Drives one JupyterLab page as a user would, and remembers everything that went wrong on
    it.
    """

    server: Server
    page: Page
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Record console errors, uncaught exceptions and requests to anywhere but our server."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        self.page.on("request", self._check)
        self.page.on("websocket", self._check)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(
            part in message.text for part, _reason in ALLOWED_ERRORS
        ):
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _check(self, request: Request | WebSocket) -> None:
        local = (
            self.server.url,
            self.server.url.replace("http", "ws", 1),
            "data:",
            "blob:",
            "about:",
            "file:",
        )
        if not request.url.startswith(local):
            self.foreign.append(request.url)

    def write(self, name: str, cells: list[str]) -> Path:
        """Write a notebook of code cells into the server's folder and return its path."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata.kernelspec = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        path = self.server.root / name
        nbformat.write(book, path)
        return path

    def open_notebook(self, path: Path | str) -> None:
        """Open a notebook (copied into the server's folder if it lies elsewhere) and wait for its
        idle kernel.
        """
        source = Path(path)
        target = self.server.root / source.name
        if source.is_absolute() and source != target:
            shutil.copy(source, target)
        workspace = target.stem.replace("_", "-")
        self.page.goto(self.server.page(workspace, target.name), timeout=90_000)
        self.page.wait_for_function(
            "() => { const p = window.jupyterapp?.shell?.currentWidget;"
            " return p?.content?.widgets?.length"
            " && p.sessionContext?.session?.kernel?.status === 'idle'; }",
            timeout=PATIENCE_S * 1000,
        )

    def run_all(self) -> None:
        """Run every cell, as the menu does; returns at once. A kernel may drop a first request: it
        is repeated.
        """
        started = (
            f"() => {NOTEBOOK}.widgets.map(c => c.model)"
            ".some(m => m.executionCount || m.executionState === 'running')"
        )
        for _attempt in range(5):
            self.command("notebook:run-all-cells")
            try:
                self.page.wait_for_function(started, timeout=10_000)
            except PageTimeout:
                continue
            return
        pytest.fail("the kernel accepted no cell")

    def command(self, name: str, **arguments: Any) -> None:
        """Start one of JupyterLab's own commands without waiting for its end."""
        self.page.evaluate(
            "([name, args]) => { window.jupyterapp.commands.execute(name, args); }",
            [name, arguments],
        )

    def cells(self) -> list[dict[str, Any]]:
        """Return every cell as a dict: type, source, count (None until it has run) and outputs,
        from the model.
        """
        return self.page.evaluate(
            f"() => {NOTEBOOK}.widgets.map(c => ({{type: c.model.type,"
            " source: c.model.sharedModel.source, "
            "count: c.model.executionCount ?? null, outputs: c.model.outputs?.toJSON() ?? []}))"
        )

    def wait_for_prompt(self, index: int, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until code cell number `index` (0 is the first code cell, -1 the last) has run;
        return that cell.

        A cell that raised fails the test with its traceback at once, rather than after the time
        limit.
        """
        code = f"{NOTEBOOK}.widgets.filter(c => c.model.type === 'code')"
        done = f"""(index) => {{ const cells = {code}; const cell = cells.at(index);
            const outputs = c => c.model.outputs?.toJSON() ?? [];
            const broken = c => outputs(c).some(o => o.output_type === 'error');
            const m = cell?.model;
            const done = m?.executionCount && m.executionState !== 'running';
            return cells.some(broken) || done; }}"""
        self.page.wait_for_function(done, arg=index, timeout=timeout_s * 1000, polling=100)
        cells = [cell for cell in self.cells() if cell["type"] == "code"]
        for cell in cells:
            for output in cell["outputs"]:
                if output["output_type"] == "error":
                    pytest.fail(
                        "a cell raised\n" + cell["source"] + "\n" + "\n".join(output["traceback"])
                    )
        return cells[index]

    def scroll_to(self, index: int) -> None:
        """Bring cell `index` (of all cells) into view: JupyterLab draws outputs only near the
        window.
        """
        self.page.evaluate(f"async (i) => {{ await {NOTEBOOK}.scrollToItem(i, 'start'); }}", index)

    def views(self, index: int) -> Locator:
        """Return the warpviz views in the output of cell `index` (of all cells)."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator("section.warpviz")

    def view(self, title: str) -> Locator:
        """Return the view called `title`, wherever it is on the page; the last one if there are
        several.
        """
        return self.page.locator(f'section.warpviz[aria-label="{title}"]').last

    def set_theme(self, *, dark: bool) -> None:
        """Switch JupyterLab's theme."""
        self.command(
            "apputils:change-theme", theme="JupyterLab Dark" if dark else "JupyterLab Light"
        )
        self.page.wait_for_function(
            "(dark) => document.body.dataset.jpThemeLight === String(!dark)", arg=dark
        )

    def assert_clean(self) -> None:
        """Fail if the console said an error, or anything on the page or in a kernel reached off
        this machine.
        """
        assert not self.errors, "the console said:\n" + "\n".join(self.errors)
        assert not self.foreign, f"the page asked for {self.foreign}"
        assert not self.server.foreign_connections(), self.server.foreign_connections()


def words(view: Locator) -> str:
    """Return a view's summary in words, as a screen reader has it."""
    return view.locator("[data-summary]").text_content() or ""


def says(view: Locator, pattern: str) -> str:
    """Wait until a view's words match a regular expression, and return them."""
    expect(view.locator("[data-summary]")).to_contain_text(
        re.compile(pattern), timeout=PATIENCE_S * 1000
    )
    return words(view)


def press(view: Locator, trait: str, key: str, times: int = 1) -> None:
    """Move the slider of a trait by keyboard."""
    handle = view.locator(f"input[type=range][data-trait={trait}]").first
    handle.focus()
    for _ in range(times):
        handle.press(key)
