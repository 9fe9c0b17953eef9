"""Wire, store and links in a bare page: what the kernel sends arrives, what is linked follows."""

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages.bare import modules
from warpviz.views.base import wire


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that holds these modules and nothing else."""
    with modules(browser, "base/store.js") as bare:
        yield bare


def message(
    op: str, seq: int, arrays: dict[str, np.ndarray], *, append: bool = False
) -> dict[str, Any]:
    """Return a message as JSON, its buffers as base64."""
    headers, buffers = wire.pack(arrays)
    coded = [base64.b64encode(buffer).decode() for buffer in buffers]
    marked = [{**header, "append": append} for header in headers]
    return {
        "content": {
            "op": op,
            "seq": seq,
            "data": {"n": seq},
            "arrays": marked,
            "events": [{"at": seq}],
        },
        "buffers": coded,
    }


RUN = """(messages) => {
  const model = fake({ k: 3 });
  const store = new Store(model);
  const events = [];
  store.on("events", (list) => events.push(...list.map((e) => e.at)));
  for (const { content, buffers } of messages) store.receive(content, buffers.map(buffer));
  return new Promise((done) => setTimeout(() => done({
    data: store.data, seq: store.seq, events, sent: model.sent,
    arrays: Object.fromEntries(
      Object.entries(store.arrays).map(([n, a]) => [n, [Array.from(a.data), a.shape]]),
    ),
  }), 300));
}"""


@pytest.mark.parametrize("dtype", wire.DTYPES)
def test_every_dtype_arrives_as_it_was_sent(page: Page, dtype: str) -> None:
    """The browser decodes what `wire.pack` wrote, value for value, in its shape."""
    array = (np.arange(12).reshape(3, 4) * 20).astype(dtype)
    found = page.evaluate(RUN, [message("state", 1, {"a": array})])
    assert found["arrays"]["a"] == [array.ravel().tolist(), [3, 4]]


def test_patches_follow_a_state_and_are_acknowledged(page: Page) -> None:
    """State, then patches in order: arrays are replaced or grown; answers after the paint say how
    far it got.
    """
    one, two = np.array([[1, 2]], np.float32), np.array([[3, 4], [5, 6]], np.float32)
    messages = [
        message("state", 4, {"x": one}),
        message("patch", 5, {"x": two}, append=True),
        message("patch", 6, {"y": one}),
    ]
    found = page.evaluate(RUN, messages)
    assert found["arrays"]["x"] == [[1, 2, 3, 4, 5, 6], [3, 2]]
    assert found["data"]["n"] == 6
    assert found["events"] == [4, 5, 6]
    assert [sent["seq"] for sent in found["sent"] if sent["op"] == "ack"][-1] == 6


def test_a_gap_asks_for_the_state_and_applies_nothing(page: Page) -> None:
    """A message out of order changes nothing and asks for a full state once; the state mends it."""
    x = np.array([1], np.float32)
    messages = [
        message("state", 1, {"x": x}),
        message("patch", 3, {"x": x}, append=True),
        message("patch", 4, {"x": x}, append=True),
    ]
    found = page.evaluate(RUN, messages)
    assert found["seq"] == 1
    assert found["arrays"]["x"][0] == [1]
    assert {"op": "resync"} in found["sent"]
    mended = page.evaluate(
        RUN,
        [
            message("patch", 9, {"x": x}),
            message("state", 10, {"x": 2 * x}),
            message("patch", 11, {}),
        ],
    )
    assert mended["seq"] == 11
    assert mended["arrays"]["x"][0] == [2]


def test_a_linked_trait_moves_other_stores_without_telling_the_kernel(page: Page) -> None:
    """Only the store that was touched saves; the others follow on the page; unlinked ones stay."""
    found = page.evaluate("""() => {
      const linked = () => fake({ k: 1, links: { k: "g" } });
      const models = [linked(), linked(), fake({ k: 1 })];
      const stores = models.map((m) => new Store(m));
      const heard = [];
      stores[1].on("change:k", (v) => heard.push(v));
      stores[0].set("k", 7);
      stores[0].set("k", 7);
      models[2].set("links", { k: "g" });
      stores[1].set("k", 9);
      const ks = stores.map((s) => s.get("k"));
      stores.forEach(closeStore);
      return { ks, saves: models.map((m) => m.saves), heard };
    }""")
    assert found == {"ks": [9, 9, 9], "saves": [1, 1, 0], "heard": [7, 9]}


def test_a_restarted_kernel_breaks_nothing(page: Page) -> None:
    """When talking to the kernel throws, the store says so once and linked views still move."""
    found = page.evaluate("""() => {
      const models = [fake({ k: 1, links: { k: "h" } }), fake({ k: 1, links: { k: "h" } })];
      models[0].save_changes = models[0].send = () => { throw new Error("comm is closed"); };
      const stores = models.map((m) => new Store(m));
      let lost = 0;
      stores[0].on("lost", () => { lost += 1; });
      stores[0].set("k", 5);
      stores[0].send({ op: "x" });
      const ks = stores.map((s) => s.get("k"));
      stores.forEach(closeStore);
      return { ks, lost };
    }""")
    assert found == {"ks": [5, 5], "lost": 1}


def test_an_older_state_does_not_undo_a_slider(page: Page) -> None:
    """Shared traits come with a full state, but not over a value that was set here a moment ago."""
    found = page.evaluate("""() => {
      const store = new Store(fake({ k: 1, alpha: 0.1 }));
      store.set("k", 9);
      store.apply({ op: "state", data: { traits: { k: 4, alpha: 0.4 } } }, []);
      return [store.get("k"), store.get("alpha")];
    }""")
    assert found == [9, 0.4]
