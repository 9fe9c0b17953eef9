"""The View: shared traits, messages from the browser, errors shown, exports, static form, leaks."""

import base64
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import traitlets

from tests.views.leaks import live_views, num_pumps
from warpviz.drawing.svg import Svg
from warpviz.views.base import export, registry
from warpviz.views.base.pump import Patch
from warpviz.views.base.view import View

TIMEOUT_S = 3.0


class Sample(View):
    """A view of five numbers."""

    entry = "text/view.js"
    title = "Sample </script><img src=x onerror=alert(1)>"
    stem = "sample"
    rate_hz = 200.0
    bend = traitlets.Int(0).tag(sync=True)

    def __init__(self, **settings: Any) -> None:
        self.sent: list[tuple[dict[str, Any], list[Any]]] = []
        self.news = threading.Condition()
        super().__init__(**settings)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Remember what would go to the browser."""
        with self.news:
            self.sent.append((content, list(buffers or [])))
            self.news.notify_all()

    def wait(self, number: int) -> dict[str, Any]:
        """Wait for a number of messages and return the last of them."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.sent) >= number, TIMEOUT_S)
            return self.sent[number - 1][0]

    def state(self) -> Patch:
        """Return text that strict JSON refuses, and five numbers."""
        return Patch(
            data={"text": "a\ud800<b>", "bad": float("nan")},
            arrays={"x": np.arange(5, dtype=np.float32)},
        )

    def receive(self, content: Any, buffers: Any) -> None:
        """Refuse every message."""
        msg = f"cannot {content['op']}"
        raise ValueError(msg)

    def summary(self) -> str:
        """Return hostile words."""
        return "Five numbers & <b>hostile</b> words"

    def to_table(self) -> pd.DataFrame:
        """Return five rows."""
        return pd.DataFrame({"x": range(5), "text": ["a\rb", "b,c", 'd"e', "<img>", "f\ud800"]})

    def to_svg(self, path: Path | str | None = None) -> str:
        """Return one hostile word."""
        made = Svg(10, 10, title=self.summary(), metadata=export.dumps(self.provenance))
        made.text(1, 1, "<script>")
        return made.finish()


@pytest.fixture
def view(tmp_path: Path):
    """A view; afterwards no pump runs and no view is registered."""
    made = Sample(provenance={"model": "made up", "seed": 3}, export_dir=tmp_path, k=12)
    yield made
    made.close()
    assert num_pumps() == 0
    assert made not in live_views()


def test_a_selection_is_sorted_unique_and_read_only(view: Sample) -> None:
    """Any iterable of indices, or a mask, becomes sorted unique indices; an equal one is no
    change.
    """
    changes: list[Any] = []
    view.observe(changes.append, "selection")
    view.selection = [3, 1, 1]
    assert view.selection.tolist() == [1, 3]
    view.selection = np.array([False, True, False, True])
    assert len(changes) == 1
    with pytest.raises(ValueError, match="read-only"):
        view.selection[0] = 7
    assert view.get_state("selection")["selection"] == [1, 3]
    with pytest.raises(traitlets.TraitError, match="whole numbers"):
        view.selection = [-1]
    with pytest.raises(traitlets.TraitError, match="whole numbers"):
        view.selection = [0.5]
    with pytest.raises(traitlets.TraitError, match="should not be less than 1"):
        view.k = 0  # no landmarks would cover nothing "within 0"


def test_a_mounted_browser_gets_the_state_then_patches(view: Sample) -> None:
    """`ready` brings the full state with the shared traits; pushes follow with the next number."""
    view._on_message(view, {"op": "ready"}, [])
    first = view.wait(1)
    assert (first["op"], first["seq"]) == ("state", 1)
    assert first["data"]["traits"]["k"] == 12
    assert first["data"]["text"] == "a\ufffd<b>"
    assert first["data"]["bad"] is None
    json.dumps(first, allow_nan=False).encode("utf-8")
    view._on_message(view, {"op": "ack", "seq": 1}, [])
    view.push(data={"y": 1}, append={"x": np.ones(2, np.float32)}, events=[{"e": 1}])
    second = view.wait(2)
    assert (second["op"], second["seq"], second["events"]) == ("patch", 2, [{"e": 1}])
    assert second["arrays"] == [{"name": "x", "dtype": "float32", "shape": [2], "append": True}]
    assert np.frombuffer(view.sent[1][1][0], np.float32).tolist() == [1, 1]


def test_an_error_in_a_message_is_shown(view: Sample) -> None:
    """What a handler raises appears in `notice`; the view goes on."""
    view._on_message(view, {"op": "dance"}, [])
    assert view.notice == "ValueError: cannot dance"
    view._on_message(view, {"op": "ready"}, [])
    assert view.wait(1)["op"] == "state"


def test_a_wrong_array_is_shown_and_the_pump_goes_on(view: Sample) -> None:
    """A patch the wire refuses is reported; the next one arrives."""
    view._on_message(view, {"op": "ready"}, [])
    assert view.wait(1)["op"] == "state"
    view._on_message(view, {"op": "ack", "seq": 1}, [])
    view.push(arrays={"x": np.zeros(2)})
    deadline = threading.Event()
    for _ in range(100):
        if view.notice:
            break
        deadline.wait(0.02)
    assert "float64" in view.notice
    view._on_message(view, {"op": "ack", "seq": 2}, [])
    view.push(data={"ok": True})
    assert view.wait(2)["data"] == {"ok": True}


@pytest.mark.parametrize("kind", ["csv", "json", "html"])
def test_export_buttons_write_files_with_provenance(
    view: Sample, kind: str, tmp_path: Path
) -> None:
    """A button's message writes a file into the export folder, numbered when the name is taken, and
    says where.
    """
    view._on_message(view, {"op": "export", "kind": kind}, [])
    view._on_message(view, {"op": "export", "kind": kind}, [])
    assert [sent[0]["path"] for sent in view.sent] == [
        str(tmp_path / f"sample.{kind}"),
        str(tmp_path / f"sample-2.{kind}"),
    ]
    text = (tmp_path / f"sample.{kind}").read_text(encoding="utf-8")
    assert "made up" in text
    assert (tmp_path / f"sample-2.{kind}").read_text(encoding="utf-8") == text


def test_pictures_from_the_browser_are_written_as_they_are(view: Sample, tmp_path: Path) -> None:
    """SVG and PNG come as one buffer; the browser does not choose the name; other kinds and sizes
    are refused.
    """
    view._on_message(view, {"op": "export", "kind": "svg", "path": "/etc/evil"}, [b"<svg/>"])
    assert (tmp_path / "sample.svg").read_bytes() == b"<svg/>"
    for content, buffers in (
        ({"kind": "exe"}, [b"x"]),
        ({"kind": "png"}, []),
        ({"kind": "../x"}, [b"x"]),
    ):
        view._on_message(view, {"op": "export", **content}, buffers)
        assert view.notice.startswith("ValueError")
        view.notice = ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sample.svg"]


def test_csv_and_json_read_back(view: Sample, tmp_path: Path) -> None:
    """The CSV is a table below one comment line; the JSON holds provenance, summary and rows."""
    frame = pd.read_csv(view.to_csv(tmp_path / "t.csv"), skiprows=1)
    assert frame["text"].tolist() == ["a\rb", "b,c", 'd"e', "<img>", "f\ufffd"]
    record = json.loads(view.to_json(tmp_path / "t.json").read_text(encoding="utf-8"))
    assert record["provenance"]["k"] == 12
    assert record["provenance"]["versions"]["numpy"] == np.__version__
    assert len(record["rows"]) == 5


def test_a_page_holds_no_markup_from_data(view: Sample) -> None:
    """Nothing hostile ends the page's script elements; no address outside the page appears."""
    page = export.page([view], title=view.title)
    assert page.count("</script>") == 2
    assert "<img" not in page
    assert not [
        word
        for word in ("http://", "https://")
        if word in page.replace("http://www.w3.org/2000/svg", "")
    ]
    data = page.split('id="warpviz-data">')[1].split("</script>")[0]
    shot = json.loads(data)["views"][0]
    assert shot["kind"] == "Sample"
    assert np.frombuffer(base64.b64decode(shot["arrays"][0]["base64"]), np.float32).tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_the_static_form_is_inert(view: Sample) -> None:
    """A saved notebook carries words and a picture, escaped, next to the live view."""
    bundle, _ = view._repr_mimebundle_()
    assert bundle["text/plain"] == view.summary()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "<script" not in bundle["text/html"]
    assert "&lt;b&gt;hostile" in bundle["text/html"]
    assert len(bundle["text/html"]) < export.STILL_BYTES


def test_a_rerun_cell_closes_its_earlier_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """A view made by a later run of the same cell closes the earlier one; other cells' views
    stay.
    """
    monkeypatch.setattr(registry, "current_cell", lambda: ("cell", "run 1"))
    first, second = Sample(), Sample()
    monkeypatch.setattr(registry, "current_cell", lambda: ("other", "run 2"))
    other = Sample()
    monkeypatch.setattr(registry, "current_cell", lambda: ("cell", "run 3"))
    again = Sample()
    live = live_views()
    assert other in live
    assert again in live
    assert first not in live
    assert second not in live
    for made in (other, again):
        made.close()


def test_closing_in_mid_run_is_clean() -> None:
    """Closing while another thread pushes leaves no thread, and further pushes are ignored."""
    with Sample() as made:
        made._on_message(made, {"op": "ready"}, [])
        assert made.wait(1)["op"] == "state"
        stop = threading.Event()

        def push() -> None:
            while not stop.is_set():
                made.push(data={"n": 1})

        pusher = threading.Thread(target=push)
        pusher.start()
        made.close()
        assert num_pumps() == 0
        stop.set()
        pusher.join()
    made.close()
