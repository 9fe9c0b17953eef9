"""The browser harness itself: it drives a real notebook, and it notices what it promises to
notice.
"""

import urllib.error
import urllib.request

import pytest
from lab_page import Lab
from lab_server import Server

SLIDER = """
import ipywidgets as widgets
slider = widgets.IntSlider(value=3, min=0, max=9, description="k")
shown = widgets.Label()
def follow(change):
    shown.value = f"k squared is {slider.value ** 2}"
slider.observe(follow, "value")
widgets.VBox([slider, shown])
"""

FOREIGN = """
import urllib.request
try:
    urllib.request.urlopen("http://192.0.2.1", timeout=2)
except OSError as error:
    print(error)
"""


def test_a_slider_moved_by_keyboard_reaches_the_kernel_and_comes_back(lab: Lab) -> None:
    """Run All executes every cell in order; a key press on a slider makes a round trip through the
    kernel.
    """
    lab.write("trivial.ipynb", ["1 + 1", SLIDER])
    lab.open_notebook("trivial.ipynb")
    lab.run_all()
    lab.wait_for_prompt(1)
    assert [cell["count"] for cell in lab.cells()] == [1, 2]
    lab.page.locator(".noUi-handle").focus()
    lab.page.keyboard.press("ArrowRight")
    lab.page.get_by_text("k squared is 16").wait_for(timeout=10_000)
    assert lab.page.get_by_text("notified about official Jupyter news").count() == 0


def test_what_goes_wrong_is_noticed(lab: Lab) -> None:
    """A console error, a request off the machine from the page and one from the kernel are each
    recorded.
    """
    lab.write("naughty.ipynb", [FOREIGN])
    lab.open_notebook("naughty.ipynb")
    lab.run_all()
    assert "refused" in lab.wait_for_prompt(0)["outputs"][0]["text"]
    assert "192.0.2.1" in lab.server.foreign_connections()
    lab.page.evaluate(
        "console.error('a deliberate error'); fetch('http://192.0.2.2/').catch(() => 0)"
    )
    lab.page.wait_for_timeout(200)
    with pytest.raises(AssertionError, match="deliberate"):
        lab.assert_clean()
    assert lab.foreign == ["http://192.0.2.2/"]
    lab.errors.clear()
    lab.foreign.clear()
    (lab.server.home / "network.log").unlink()


def test_a_cell_that_raises_fails_the_test_with_its_traceback(lab: Lab) -> None:
    """Waiting on a notebook whose cell raised ends at once and shows the exception."""
    lab.write("broken.ipynb", ["raise ValueError('a deliberate failure')", "2"])
    lab.open_notebook("broken.ipynb")
    lab.run_all()
    with pytest.raises(pytest.fail.Exception, match="deliberate failure"):
        lab.wait_for_prompt(1)


def test_the_server_asks_for_its_token(lab_server: Server) -> None:
    """Another user of this machine gets no kernel, and the token stands in no command line."""
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{lab_server.url}/api/sessions", timeout=30)  # noqa: S310 -- http
    assert lab_server.api("sessions") == []
    assert not any(lab_server.token in str(part) for part in lab_server.process.args)
