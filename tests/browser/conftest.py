"""A real JupyterLab in a real Chromium, on this machine only, with a clean world before and after
every test.

Fixtures: `lab` drives a page (see `lab_page.Lab`), `lab_server` is the server behind it. Tests in
this folder need no marker; the tests of one file share a worker.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_page import Lab
from lab_server import Server, start_server
from playwright.sync_api import Browser, Page, sync_playwright

from warpviz.views.base.view import View

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and keep each file on one worker: one server, one browser at
    a time.
    """
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))
            item.add_marker(pytest.mark.timeout(600))


def chromium() -> str:
    """Return the Chromium to drive: $CHROMIUM, or the first one on the PATH."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(
            "no Chromium on the PATH; `make test` installs Debian's, or set CHROMIUM to one"
        )
    return found


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab that serves an empty folder for the whole session."""
    server = start_server(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("notebooks"))
    yield server
    server.process.terminate()
    server.process.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium that resolves no name but this machine's."""
    arguments = [
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        "--enable-unsafe-swiftshader",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield chrome
        chrome.close()


@pytest.fixture
def lab(lab_server: Server, browser: Browser) -> Iterator[Lab]:
    """A fresh page of 1,280 by 900 pixels; afterwards nothing may be in the console, on the wire or
    still running.
    """
    assert not lab_server.api("kernels"), "an earlier test left a kernel"
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    driver = Lab(lab_server, context.new_page())
    driver.watch()
    try:
        yield driver
    finally:
        context.close()
        lab_server.stop_kernels()
    driver.assert_clean()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Return a function that writes a view as a page and opens it; afterwards the console must be
    clean.
    """
    errors: list[str] = []
    contexts = []

    def open_page(view: View, *, motion: str = "reduce", **size: int) -> Page:
        path = view.to_html(tmp_path / f"{view.stem}.html")
        view.close()
        viewport = {"width": 1280, "height": 900, **size}
        context = browser.new_context(
            viewport=viewport, reduced_motion=motion, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: errors.append(message.text) if message.type == "error" else None,
        )
        page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
        page.goto(path.as_uri())
        page.wait_for_function("() => document.body.dataset.ready === 'true'")
        page.wait_for_timeout(200)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors, errors
