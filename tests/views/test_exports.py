"""Every export of every view by method: what it holds, where it says it comes from, and that it
stays text.
"""

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from warp_cortex import Cortex, CortexConfig, Prism, RiverConfig, RunStart

from tests.views import clouds
from tests.views.fabricated import HOSTILE, fabricate, labels_of
from warpviz.characters import visible
from warpviz.texts import sample
from warpviz.topology.persistence.store import DiagramStore
from warpviz.views.base import export
from warpviz.views.base.view import View
from warpviz.views.cloud.view import KVCloud
from warpviz.views.council.view import CouncilMonitor
from warpviz.views.gate.view import GateTuner
from warpviz.views.persistence.view import PersistenceCompare
from warpviz.views.run.view import LiveRun
from warpviz.views.text.view import Note, TokenText

REQUIRED = {
    "view",
    "model",
    "checksum",
    "k",
    "alpha",
    "policy",
    "theta",
    "layer",
    "seed",
    "versions",
}
TRACE = fabricate(num_streams=len(HOSTILE), num_tokens=120, hostile=True)
NAMESPACE = "{http://www.w3.org/2000/svg}"
MAKERS: dict[str, Callable[[Path], View]] = {
    "cloud": lambda _: KVCloud(clouds.made_up(120, hostile=True), k=20, projection="pca"),
    "room": lambda _: KVCloud(clouds.made_up(120, hostile=True), k=20, projection="pca", dims=3),
    "text": lambda _: TokenText(
        clouds.made_up(120, hostile=True),
        k=20,
        notes=[Note(token=9 * n, text=text) for n, text in enumerate(HOSTILE)],
    ),
    "persistence": lambda folder: PersistenceCompare(
        clouds.made_up(120, hostile=True), k=20, num_null=2, store=DiagramStore(root=folder)
    ),
    "live": lambda _: LiveRun(TRACE),
    "gate": lambda _: GateTuner(TRACE, labels=labels_of(TRACE)),
    "council": lambda _: CouncilMonitor(TRACE),
}


@pytest.fixture(params=MAKERS, scope="module")
def view(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """Each view in turn, over hostile text, complete."""
    made = MAKERS[request.param](tmp_path_factory.mktemp("store"))
    made.complete()
    yield made
    made.close()


def facts_in_csv(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the provenance and the table of a CSV export."""
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition("\n")
    return json.loads(head.removeprefix("# ")), pd.read_csv(
        io.StringIO(rest), keep_default_na=False
    )


def strict(text: str) -> Any:
    """Return strict JSON: NaN and its like are refused."""

    def refuse(name: str) -> Any:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def test_every_table_says_where_it_comes_from(view: View, tmp_path: Path) -> None:
    """CSV and JSON name model, checksum, k, alpha, policy, theta, layer, seed and versions, and
    hold the same rows.
    """
    facts, frame = facts_in_csv(view.to_csv(tmp_path / "x.csv"))
    assert facts.keys() >= REQUIRED
    assert facts["versions"].keys() >= {"torch", "numpy"}
    assert len(frame) == len(view.to_table())
    assert list(frame.columns) == list(view.to_table().columns)
    saved = strict(view.to_json(tmp_path / "x.json").read_text(encoding="utf-8"))
    if not isinstance(view, PersistenceCompare):  # its JSON is a comparison, which names its own
        assert saved["provenance"] == facts
        assert len(saved["rows"]) == len(frame)
        assert saved["summary"]


def test_a_run_s_settings_are_the_run_s(tmp_path: Path) -> None:
    """Views of a run name the k, alpha and policy of that run, not those of a slider that nothing
    was drawn with.
    """
    for kind in (LiveRun, GateTuner, CouncilMonitor):
        with kind(TRACE) as made:
            assert {name: made.provenance[name] for name in ("k", "alpha", "policy")} == {
                "k": 32,
                "alpha": 0.3,
                "policy": "hybrid",
            }
    with KVCloud(clouds.made_up(60), k=7, policy="farthest", projection="pca") as cloud:
        assert (cloud.provenance["k"], cloud.provenance["policy"]) == (7, "farthest")


def test_pictures_are_well_formed_vector_text(view: View, tmp_path: Path) -> None:
    """The SVG parses, is made of known shapes, has its words as text elements and its provenance as
    metadata.
    """
    text = view.to_svg(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").read_text(encoding="utf-8") == text
    root = ET.fromstring(text)
    tags = {element.tag.removeprefix(NAMESPACE) for element in root.iter()}
    assert tags <= {"svg", "title", "metadata", "rect", "circle", "line", "path", "text"}
    assert root.find(f".//{NAMESPACE}text") is not None
    facts = strict(root.findtext(f"{NAMESPACE}metadata") or "")
    assert facts.keys() >= REQUIRED
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]


def test_pages_hold_the_strings_as_data(view: View, tmp_path: Path) -> None:
    """A page has two scripts, forbids the network, and no string of a model is markup in it."""
    page = view.to_html(tmp_path / "x.html").read_text(encoding="utf-8")
    assert page.count("<script") == page.count("</script") == 2
    assert "<img" not in page
    assert "default-src 'none'" in page
    data = strict(page.partition('id="warpviz-data">')[2].partition("</script>")[0])
    assert data["views"][0]["provenance"].keys() >= REQUIRED
    held = json.dumps(data, ensure_ascii=False)
    assert isinstance(view, CouncilMonitor) or "onerror=" in held


def test_figures_show_strings_as_text(view: View) -> None:
    """Plotly reads a few tags even in labels: whatever a model wrote reaches it escaped, or not at
    all.
    """
    made = json.loads(view.to_figure().to_json())
    for text in strings(made):
        assert "<img" not in text
        assert "<script" not in text
        assert text == visible(text) or text.isspace(), text


def strings(value: Any) -> list[str]:
    """Return every string in JSON, templates aside."""
    if isinstance(value, dict):
        return [
            found for name, item in value.items() if name != "template" for found in strings(item)
        ]
    if isinstance(value, list):
        return [found for item in value for found in strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("path", ["/nonexistent/chrome", "/bin/true"])
def test_without_a_browser_a_png_says_what_to_install(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No Chrome, or one that does not start, is a clear error and writes nothing."""
    monkeypatch.setenv("BROWSER_PATH", path)
    with LiveRun(TRACE) as view, pytest.raises(RuntimeError, match="apt install chromium"):
        view.to_png(tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_a_png_is_asked_of_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page that draws it loads no MathJax from a network."""
    asked: dict[str, Any] = {}

    def draw(figure: Any, *, opts: dict[str, Any], kopts: dict[str, Any]) -> bytes:
        asked.update(opts=opts, kopts=kopts)
        return b"\x89PNG"

    monkeypatch.setattr("kaleido.calc_fig_sync", draw)
    assert export.write_png(tmp_path / "deep" / "x.png", None, 3.0).read_bytes() == b"\x89PNG"
    assert asked == {"opts": {"format": "png", "scale": 3.0}, "kopts": {"mathjax": False}}


def test_a_real_run_of_500_tokens_is_one_small_file(tmp_path: Path) -> None:
    """A replay with its cloud, text, thoughts and landmarks takes less than 5 MB; there is no
    library inside.
    """
    cortex = Cortex(Prism.load("village"), CortexConfig(river=RiverConfig(max_tokens=500)))
    assert sum(event.type == "token" for event in cortex.run(sample())) == 500
    with LiveRun(cortex.trace) as view:
        path = view.to_html(tmp_path / "run.html")
        num = len(cortex.trace.of(RunStart)[0].prompt_tokens) + 500
    assert path.stat().st_size < 5_000_000
    page = path.read_text(encoding="utf-8")
    data = strict(page.partition('id="warpviz-data">')[2].partition("</script>")[0])
    (cloud,) = data["views"][0]["arrays"]
    assert (cloud["name"], cloud["shape"]) == ("cloud", [num, 2])
    assert "plotly" not in page


def test_beads_of_a_crowd_stay_in_their_strip() -> None:
    """However many thoughts share a similarity, the gate's SVG draws each once and inside the
    picture.
    """
    trace = fabricate(num_streams=300, num_tokens=60)
    with GateTuner(trace) as view:
        root = ET.fromstring(view.to_svg())
        accepted = view.outcome().num_accepted
        num = len(view.scorers)
    beads = [float(dot.get("cy", -1)) for dot in root.iter(f"{NAMESPACE}circle")]
    assert len(beads) == num * accepted
    assert min(beads) > 20
    assert max(beads) < float(root.get("height", 0)) - 20


def test_what_was_held_is_not_added_up_over_a_beat() -> None:
    """The council's bars: one per beat, the bytes of its last sample, as wide as they were held."""
    with CouncilMonitor(TRACE) as view:
        bars, frame = view.to_figure().data, view.to_table()
    last = frame.drop_duplicates("beat", keep="last")
    assert len(last) < len(frame)
    for bar in bars:
        assert list(bar.x) == last["beat"].tolist()
        assert [start + wide for start, wide in zip(bar.x, bar.width, strict=True)][:-1] == last[
            "beat"
        ].tolist()[1:]
    owners = [name for name in frame.columns if name.endswith("_bytes") and name != "total_bytes"]
    total = [sum(held) for held in zip(*(bar.y for bar in bars), strict=True)]
    assert total == pytest.approx((last[owners].sum(axis=1) / 1e6).tolist())
