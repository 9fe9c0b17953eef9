"""What views say and write, in a bare page: certificates, lists in order, words that keep out of each other's way."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.test_page_scripts import FAKE
from warpviz.topology.bounds import certificate_note
from warpviz.views import static


@contextmanager
def scripts(browser: Browser, *names: str) -> Iterator[Page]:
    """Open a page that holds the scripts and nothing else; afterwards nothing went wrong on it."""
    bare = browser.new_page()
    wrong: list[str] = []
    bare.on("pageerror", lambda error: wrong.append(str(error)))
    bare.set_content("<body></body>")
    bare.add_style_tag(content=static.sheet())
    sources = [static.shared(), *(static.source(name) for name in ("page.js", *names)), FAKE]
    bare.add_script_tag(content="\n".join(sources))
    yield bare
    bare.close()
    assert not wrong, wrong


def test_the_certificate_says_what_it_compares_with(browser: Browser) -> None:
    """Python's note, the cloud and the facts beside the diagrams mean the same best possible radius."""
    best = certificate_note(0.3).split(" times ")[1]
    with scripts(browser, "landmarks.js", "distance_curve.js", "persistence_compare.js") as page:
        assert page.evaluate("certificateText(0.3)") == f"at most 3.5\u00d7 {best}"
        line = page.evaluate("certificateLine(new Store(fake({ policy: 'hybrid', alpha: 0.3 })))")
        assert line == f"\u2264 3.5\u00d7 {best}"


@pytest.mark.parametrize("complex_", ["rips", "witness-weak"])
def test_a_barcode_calls_no_bar_certified_where_nothing_is(browser: Browser, complex_: str) -> None:
    """Twice the radius bounds Rips diagrams; under a witness complex the legend promises nothing."""
    with scripts(browser, "landmarks.js", "diagram_plot.js", "diagram_panels.js", "persistence_compare.js") as page:
        drawn = page.evaluate("""(complex) => {
          const view = Object.create(PersistenceView.prototype);
          view.store = new Store(fake({ complex, k: 1, dim: 0 }));
          view.store.arrays.base_radii = { data: [0.5] };
          const theme = themeOf(document.body), pen = new SvgPen(theme, 400, 200);
          drawBarcode(view, pen, 400, 200, theme, [[0, 2]], [[0, 2]]);
          return pen.group(0, 0);
        }""", complex_)  # fmt: skip
        assert ("longer than 2r, certified" in drawn) == (complex_ == "rips")
        assert ("none certified" in drawn) == (complex_ != "rips")
