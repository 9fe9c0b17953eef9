"""A kernel that is restarted, or gone: every view says so by itself and what it shows still moves."""

from collections.abc import Iterator

import pytest
from lab_page import Lab
from playwright.sync_api import Browser, Page, expect
from test_views_a import CLOUD, SHAPE, TEXT, open_board, slider

from tests.browser.test_page_scripts import FAKE
from warpviz.views import static
from warpviz.views.live_run import LiveRun

LOST = "The kernel no longer answers: run the cell again"


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that holds the scripts of a live run and nothing else; afterwards nothing went wrong on it."""
    bare = browser.new_page()
    wrong: list[str] = []
    bare.on("pageerror", lambda error: wrong.append(str(error)))
    bare.set_content("<body></body>")
    bare.add_style_tag(content=static.sheet())
    scripts = [static.shared(), *(static.source(name) for name in ("page.js", *LiveRun.scripts)), FAKE]
    bare.add_script_tag(content="\n".join(scripts))
    yield bare
    bare.close()
    assert not wrong, wrong


def test_a_closed_line_is_noticed_once_and_an_open_one_is_not_given_up(page: Page) -> None:
    """The notebook says that the line to the kernel has changed: only where talking then fails is the kernel gone."""
    found = page.evaluate("""() => {
      const model = fake({ k: 1 }), store = new Store(model);
      const heard = [], changed = () => model.listeners.emit("comm_live_update");
      store.on("lost", () => heard.push("lost"));
      changed();
      const open = [heard.length, store.lost, store.live];
      model.send = () => { throw new Error("Cannot send"); };
      changed(), changed(), store.send({ op: "x" });
      closeStore(store);
      return { open, heard, live: store.live };
    }""")
    assert found == {"open": [0, False, True], "heard": ["lost"], "live": False}


def test_a_live_run_that_lost_its_kernel_is_no_longer_live(page: Page) -> None:
    """It stops saying so, its engine buttons go, and the rows that came can still be walked through."""
    found = page.evaluate("""async () => {
      const model = fake({ theta: 0.5 }), store = new Store(model), frame = new Frame(document.body, store);
      const rows = [["r", 0, "m", ["a"], 1, 0.5], ["t", 1, "b"]];
      store.apply({ op: "state", data: { rows, status: "running" } }, []);
      mount(frame, store);
      const look = () => ({ meta: frame.meta.textContent, said: frame.statusLine.textContent,
        engine: ["hold", "stop"].map((name) => frame.root.querySelector(`[data-name=${name}]`).checkVisibility()) });
      const wait = (ms) => new Promise((done) => setTimeout(done, ms));
      await wait(400);
      const before = look();
      model.send = () => { throw new Error("Cannot send"); };
      model.listeners.emit("comm_live_update");
      await wait(600);
      const after = look();
      frame.root.liveRun.transport.act.seek(0);
      const beat = frame.root.liveRun.playhead.beat;
      frame.close();
      closeStore(store);
      return { before, after, beat };
    }""")
    assert found["before"]["meta"].endswith("live")
    assert found["before"]["engine"] == [True, True]
    assert found["after"]["meta"].endswith("cut off")
    assert found["after"]["engine"] == [False, False]
    assert found["after"]["said"] == LOST
    assert found["beat"] == 0


def test_every_view_says_that_its_kernel_was_restarted(lab: Lab) -> None:
    """Without a touch; the sliders then move what needs no kernel, and the message stays."""
    page = open_board(lab)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    for view in (CLOUD, TEXT, SHAPE):
        expect(page.locator(f"{view} .wz-status")).to_contain_text(LOST, timeout=30_000)
    marked = page.locator(f"{TEXT} .wz-landmark").count()
    slider(page, CLOUD).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"{TEXT} .wz-landmark")).to_have_count(marked + 1)
    for view in (CLOUD, TEXT, SHAPE):
        expect(page.locator(f"{view} .wz-status")).to_contain_text(LOST)
