"""The front-end modules as they stand in the folder: a browser reads them without a join."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from warpviz.views.cloud.view import KVCloud
from warpviz.views.council.view import CouncilMonitor
from warpviz.views.gate.view import GateTuner
from warpviz.views.persistence.view import PersistenceCompare
from warpviz.views.run.view import LiveRun
from warpviz.views.text.view import TokenText

STATIC = Path(__file__).parents[3] / "warpviz" / "static"
SITE = "http://modules.test"
VIEWS = (CouncilMonitor, GateTuner, KVCloud, LiveRun, PersistenceCompare, TokenText)
ENTRIES = [*(view.entry for view in VIEWS), "frame/page.js"]


def serve(route: Route) -> None:
    """Answer a request with a module, or with an empty page."""
    path = STATIC / route.request.url.removeprefix(f"{SITE}/")
    if path.is_file():
        body = path.read_text(encoding="utf-8")
        route.fulfill(body=body, content_type="text/javascript; charset=utf-8")
    else:
        route.fulfill(body="<!doctype html><title>modules</title>", content_type="text/html")


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_browser_resolves_every_import(browser: Browser, entry: str) -> None:
    """Every import names a module of the folder that exports the name; entries export a widget."""
    page = browser.new_page()
    page.route(f"{SITE}/**", serve)
    page.goto(f"{SITE}/")
    names = page.evaluate("async (path) => Object.keys(await import(path))", f"/{entry}")
    if entry == "frame/page.js":
        assert "startPage" in names
    else:
        widget = page.evaluate(
            "async (path) => Object.keys((await import(path)).default)", f"/{entry}"
        )
        assert widget == ["initialize", "render"]
    page.close()
