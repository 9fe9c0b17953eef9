"""A kernel that is restarted, or gone: every view says so by itself and what it shows still
moves.
"""

from collections.abc import Iterator

import pytest
from lab_page import Lab
from playwright.sync_api import Browser, Page, expect

from tests.browser.lab.test_views_a import CLOUD, SHAPE, TEXT, open_board, slider
from tests.browser.pages.bare import modules
from warpviz.views.gate.view import GateTuner
from warpviz.views.run.view import LiveRun

LOST = "The kernel no longer answers: run the cell again"


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that holds the modules of a live run and nothing else."""
    with modules(browser, LiveRun.entry) as bare:
        yield bare


def test_a_closed_line_is_noticed_once_and_an_open_one_is_not_given_up(page: Page) -> None:
    """The notebook says that the line to the kernel has changed: only where talking then fails is
    the kernel gone.
    """
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
    """It stops saying so, its engine buttons go, and the rows that came can still be walked
    through.
    """
    found = page.evaluate("""async () => {
      const model = fake({ theta: 0.5 });
      const store = new Store(model);
      const frame = new Frame(document.body, store);
      const rows = [["r", 0, "m", ["a"], 1, 0.5], ["t", 1, "b"]];
      store.apply({ op: "state", data: { rows, status: "running" } }, []);
      mountRun(frame, store);
      const button = (name) => frame.root.querySelector(`[data-name=${name}]`);
      const look = () => ({ meta: frame.meta.textContent, said: frame.statusLine.textContent,
        engine: ["hold", "stop"].map((name) => button(name).checkVisibility()) });
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
    assert found["after"]["meta"].endswith("unfinished, no kernel")
    assert found["after"]["engine"] == [False, False]
    assert found["after"]["said"] == LOST
    assert found["beat"] == 0


def test_the_gate_and_the_council_go_on_without_their_kernel(browser: Browser) -> None:
    """After the kernel is gone, dragging theta judges every thought anew; the council says it,
    too.
    """
    with modules(browser, "council/view.js", GateTuner.entry) as page:
        found = page.evaluate("""async () => {
          const model = fake({ theta: 0.2, scorer: "raw" }), store = new Store(model);
          const frame = new Frame(document.body, store);
          const size = 40, values = Float32Array.from({ length: size }, (_, i) => (i + 0.5) / size);
          const thoughts = Array.from(values, (_, i) => [0, i, 0, "task", `thought ${i}`]);
          const none = new Uint8Array(size);
          const numbers = { similarities: values, labels: none, recorded: none };
          const arrays = Object.entries(numbers)
            .map(([name, data]) => [{ name }, { data, shape: [size] }]);
          store.apply({ op: "state", data: { scorers: ["raw"], thoughts, live: true } }, arrays);
          mountGate(frame, store);
          const fields = ["beat", "thinking", "accepted", "rejected", "failed"];
          const samples = { data: [9, 4, 3, 2, 1], shape: [1, 5] };
          store.apply({ op: "patch", data: { fields } }, [[{ name: "samples" }, samples]]);
          const council = new CouncilView(new Frame(document.body, store), store);
          const wait = () => new Promise((done) => setTimeout(done, 500));
          const look = () => [frame.root.querySelector('[data-fact="accepted"] b').textContent,
            frame.root.gateTuner.tune.el.hidden, council.frame.meta.textContent];
          await wait();
          const before = look();
          model.send = model.save_changes = () => { throw new Error("Cannot send"); };
          model.listeners.emit("comm_live_update");
          const canvas = frame.root.querySelector(".wt-canvas");
          const box = canvas.getBoundingClientRect();
          const x = box.left + frame.root.gateTuner.scale()(0.6), y = box.top + 40;
          canvas.setPointerCapture = () => {};
          for (const type of ["pointerdown", "pointermove", "pointerup"]) {
            canvas.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: y, bubbles: true }));
          }
          await wait();
          const said = [frame, council.frame].map((one) => one.statusLine.textContent);
          return { before, after: look(), said, theta: store.get("theta") };
        }""")
    assert found["before"] == ["32", False, "4 thinking, 6 done"]
    assert found["theta"] == pytest.approx(0.6, abs=0.01)
    assert found["after"] == ["16", True, "4 thinking, 6 done"]
    assert found["said"] == [LOST, LOST]


def test_every_view_says_that_its_kernel_was_restarted(lab: Lab) -> None:
    """Without a touch; the sliders then move what needs no kernel, and the message stays."""
    page = open_board(lab)
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    for view in (CLOUD, TEXT, SHAPE):
        expect(page.locator(f"{view} .wz-status")).to_contain_text(LOST, timeout=60_000)
    marked = page.locator(f"{TEXT} .wz-landmark").count()
    slider(page, CLOUD).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"{TEXT} .wz-landmark")).to_have_count(marked + 1)
    for view in (CLOUD, TEXT, SHAPE):
        expect(page.locator(f"{view} .wz-status")).to_contain_text(LOST)
