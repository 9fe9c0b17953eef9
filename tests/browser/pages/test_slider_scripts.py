"""What keeps sliders quick, in a bare page: one drawing per frame, words put off, kept pictures
that show the same.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages.bare import modules

MODULES = ("base/landmarks.js", "gate/view.js")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that holds these modules and nothing else."""
    with modules(browser, *MODULES) as bare:
        yield bare


def test_ten_thousand_events_are_a_few_drawings(page: Page) -> None:
    """However fast a slider moves, a picture is drawn once per frame and shows the last value; no
    queue is left.
    """
    found = page.evaluate("""async () => {
      const model = fake({ k: 1 });
      const store = new Store(model);
      const frame = new Frame(document.body, store);
      const drawn = [], told = [];
      const plot = new Plot(frame, { height: 40, draw: () => drawn.push(store.get("k")) });
      const k = slider(frame, { label: "k", trait: "k", min: 1, max: 20000, format: String });
      const tell = () => told.push(store.get("k"));
      frame.cleanup(store.on("change:k", () => { plot.redraw(); frame.later("told", tell); }));
      await new Promise((done) => setTimeout(done, 200));
      drawn.length = 0;
      for (let v = 1; v <= 10000; v += 1) {
        k.input.value = v;
        k.input.dispatchEvent(new Event("input"));
      }
      await new Promise((done) => setTimeout(done, 900));
      const left = [plot.pending, plot.later, frame.waiting.size];
      frame.close();
      const shown = k.el.querySelector("output").textContent;
      return { drawn, told, left, saves: model.saves, shown };
    }""")
    assert found["drawn"] == [10000]
    assert found["told"] == [2, 10000]  # the first words at once, then the last
    assert found["left"] == [0, 0, 0]
    # every move is told at once: a late one would cross the kernel's echo of an older
    assert found["saves"] == 9999
    assert found["shown"] == "10000"


def test_a_plot_follows_its_size_and_asks_for_no_layout(page: Page) -> None:
    """A canvas made wider is drawn again at its new size before it is seen; painting in between
    never asks the page.
    """
    found = page.evaluate("""async () => {
      const box = document.body.appendChild(document.createElement("div"));
      box.style.width = "300px";
      const frame = new Frame(box, new Store(fake({})));
      const sizes = [];
      const plot = new Plot(frame, { height: 40, draw: (pen, w, h) => sizes.push([w, h]) });
      await new Promise((done) => setTimeout(done, 200));
      const narrow = sizes.at(-1);
      let asked = 0;
      const get = () => { asked += 1; return 0; };
      Object.defineProperty(plot.canvas, "clientWidth", { get, configurable: true });
      plot.paint();
      delete plot.canvas.clientWidth;
      box.style.width = "500px";
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const wide = sizes.at(-1);
      frame.close();
      return { narrow, wide, asked, grown: wide[0] - narrow[0] };
    }""")
    assert found["grown"] == 200
    assert found["asked"] == 0
    assert found["narrow"][1] == found["wide"][1] == 40


STRIPS = """(theta) => {
  const size = 900;
  const values = Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 1000) / 1000);
  const labels = Uint8Array.from({ length: size }, (_, i) => 1 + (i % 2));
  const gate = new Regate(values, labels), scale = linear([0, 1], [100, 600]);
  const view = { size, theta, active: 0, width: 620, domain: "0,1", gate, gates: [gate], labels,
    point: null, scorers: ["raw"], strangers: () => [],
    recorded: new Uint8Array(size), pictures: new Map(),
    passes: (i) => values[i] >= Math.fround(theta),
    swarms: [beeswarm(values, scale, { radius: beadOf(size), middle: 48, half: 30 })] };
  const theme = themeOf(document.body);
  const draw = (kept) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 620, height: 100 });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    view.plot = { context: kept ? context : null };
    drawStrip(view, new CanvasPen(context, theme, 1), theme, scale, 0);
    return context.getImageData(0, 0, 620, 100).data;
  };
  const [kept, each] = [draw(true), draw(false)];
  let [ink, off] = [0, 0];
  for (let i = 0; i < kept.length; i += 1) {
    if (each[i]) ink += 1;
    if (Math.abs(kept[i] - each[i]) > 24) off += 1;
  }
  return { ink, off, pictures: view.pictures.size };
}"""


@pytest.mark.parametrize("theta", [-0.2, 0.0, 0.333, 0.5, 0.731, 1.0])
def test_kept_pictures_show_what_drawing_every_bead_shows(page: Page, theta: float) -> None:
    """At any theta the strip pieced together from two kept pictures has the pixels of one drawn
    bead by bead.
    """
    found = page.evaluate(STRIPS, theta)
    assert found["ink"] > 10_000
    assert found["pictures"] == 2
    assert found["off"] < found["ink"] * 0.002


def test_a_curve_of_thoughts_knows_its_area_and_its_lowest(page: Page) -> None:
    """The area under the ROC curve is the share of pairs in the right order; the lowest ignores
    what was not judged.
    """
    found = page.evaluate("""() => {
      const values = Float32Array.from([0.9, 0.1, -0.4, 0.5, -1, 0.3]);
      const labels = Uint8Array.from([1, 2, 2, 1, 0, 2]);
      const gate = new Regate(values, labels);
      const none = new Regate(values, new Uint8Array(6)).auc;
      return { auc: gate.auc, lowest: gate.lowest, none };
    }""")
    assert found["auc"] == pytest.approx(1.0)
    assert found["lowest"] == pytest.approx(-0.4)
    assert found["none"] is None


def test_the_best_theta_passes_the_thoughts_it_was_best_for(page: Page) -> None:
    """Rounded to three digits only where that lets the same ones pass; of equal thetas the
    strictest.
    """
    best = """([values, labels]) => {
      const gate = new Regate(Float32Array.from(values), Uint8Array.from(labels));
      return [gate.best, gate.passing(gate.best)];
    }"""
    assert page.evaluate(best, [[0.9, 0.4128, 0.4121, 0.1], [1, 1, 2, 2]]) == [
        pytest.approx(0.41245),
        2,
    ]
    assert page.evaluate(best, [[0.9, 0.6, 0.3, 0.1], [1, 1, 2, 2]]) == [0.45, 2]
    assert page.evaluate(best, [[0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [1, 2] * 3]) == [0.85, 1]
    assert page.evaluate(best, [[0.9, 0.5, -1, -1], [1, 2, 1, 1]]) == [0.7, 1]


def test_nearest_landmarks_are_found_when_asked_for(page: Page) -> None:
    """Moving k costs nothing per token; the first question after it gets the answer for the new
    k.
    """
    found = page.evaluate("""() => {
      const arrays = { order: [2, 0], radii: [3, 1], chain_start: [0, 2, 3, 4],
        chain_pick: [0, 1, 0, 0], chain_distance: [3, 0, 1, 0] };
      const marks = new Landmarks({ array: (name) => Float32Array.from(arrays[name]) });
      return [1, 2].map((k) => {
        marks.use(k);
        return [marks.assigned !== k, [...marks.near], [...marks.far]];
      });
    }""")
    assert found == [[True, [2, 2, 2], [3, 1, 0]], [True, [0, 2, 2], [0, 1, 0]]]
