"""Exports: byte-identical, reloadable, recomputable, and safe to open whatever the model wrote."""

import csv
import dataclasses
import json
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.topology.shapes import HOSTILE, circle, parsed
from warpviz.topology import compare, load_comparison
from warpviz.topology.comparison.comparison import SCHEMA, from_record
from warpviz.topology.comparison.export import csv_text, json_text
from warpviz.topology.comparison.page import page
from warpviz.topology.comparison.picture import (
    curves_picture,
    diagrams_picture,
    summary,
    whole_picture,
)
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.distances import bottleneck

FILES = (
    "comparison.csv",
    "comparison.html",
    "comparison.json",
    "comparison.svg",
    "comparison_points.npz",
)


@pytest.fixture(scope="module")
def found():
    """A small comparison whose tokens and model are hostile."""
    points = circle(90, seed=0, noise=0.05, width=3)
    texts = tuple(HOSTILE[at % len(HOSTILE)] for at in range(90))
    plain = compare(points, ks=(12, 30), policies=("farthest", "random"), num_null=4)
    return dataclasses.replace(
        plain, token_texts=texts, model='evil</script><img src=x onerror="alert(9)">\u202e'
    )


class Reader(HTMLParser):
    """Collects what a browser would see: elements, attributes, texts and scripts."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags = []
        self.handlers = []
        self.scripts = []
        self.links = []
        self._inside = None

    def handle_starttag(self, tag, attrs):
        """Note an element, its event handlers and its links."""
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.links += [value for name, value in attrs if name in {"src", "href"}]
        self._inside = tag

    def handle_endtag(self, tag):
        """Leave the element."""
        self._inside = None

    def handle_data(self, data):
        """Keep what scripts hold."""
        if self._inside == "script":
            self.scripts.append(data)


def test_the_five_files_are_written(found, tmp_path):
    """JSON, CSV, HTML, SVG and the points, and nothing else; paths are returned by kind."""
    paths = found.save(tmp_path / "new" / "folder")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == list(FILES)
    assert paths.keys() == {"json", "csv", "html", "svg", "npz"}


def test_two_exports_are_byte_identical(found, tmp_path):
    """Saved twice, and saved again after loading: the same bytes in every file."""
    found.save(tmp_path / "one")
    found.save(tmp_path / "two")
    load_comparison(tmp_path / "one").save(tmp_path / "three")
    for name in FILES:
        data = (tmp_path / "one" / name).read_bytes()
        assert data == (tmp_path / "two" / name).read_bytes()
        assert data == (tmp_path / "three" / name).read_bytes()


def test_what_is_loaded_equals_what_was_saved(found, tmp_path):
    """Rows, settings, hostile strings and arrays all come back, from the folder or the file."""
    found.save(tmp_path)
    assert load_comparison(tmp_path) == found
    assert load_comparison(tmp_path / "comparison.json") == found
    assert load_comparison(tmp_path) != dataclasses.replace(found, seed=99)
    assert found.__eq__(3) is NotImplemented


def test_anyone_can_recompute_every_row_from_the_files(found, tmp_path):
    """From JSON and npz alone: SciPy's distances, GUDHI's bottleneck, our own radius."""
    from gudhi.bottleneck import bottleneck_distance
    from scipy.spatial.distance import cdist

    found.save(tmp_path)
    record = json.loads((tmp_path / "comparison.json").read_text())
    with np.load(tmp_path / record["points"], allow_pickle=False) as stored:
        points = stored["points"].astype(float)
        used = stored["used"]
    whole = diagrams(points)
    marks = {(mark["policy"], mark["k"]): mark["indices"] for mark in record["landmarks"]}
    for row in record["rows"]:
        chosen = points[np.isin(used, marks[row["policy"], row["k"]])]
        theirs = bottleneck_distance(whole[row["dim"]], diagrams(chosen)[row["dim"]], 0)
        assert row["bottleneck"] == pytest.approx(theirs, abs=1e-12)
        assert row["radius"] == pytest.approx(cdist(points, chosen).min(axis=1).max())
        assert row["bound"] == 2 * row["radius"]


def test_the_bars_in_the_npz_are_those_of_the_rows(found, tmp_path):
    """The stored diagrams give the stored distances."""
    found.save(tmp_path)
    with np.load(tmp_path / "comparison_points.npz", allow_pickle=False) as stored:
        for row in found.rows:
            kept = stored[f"bars_{row.policy}_{row.k}_h{row.dim}"]
            assert bottleneck(stored[f"full_h{row.dim}"], kept) == row.bottleneck


def test_the_json_has_what_the_contract_names(found):
    """The header, and rows with k, policy, dimension, distances, radius, bound, null model."""
    record = json.loads(json_text(found))
    assert record["schema"] == SCHEMA
    header = {
        "model",
        "layer",
        "space",
        "tokens",
        "seed",
        "versions",
        "points",
        "landmarks",
        "definitions",
    }
    assert header <= record.keys()
    wanted = {
        "k",
        "policy",
        "dim",
        "bottleneck",
        "wasserstein",
        "radius",
        "bound",
        "null_mean",
        "null_std",
    }
    assert all(wanted <= row.keys() for row in record["rows"])
    assert len(record["rows"]) == 2 * 2 * 2
    assert all(mark["indices"] == sorted(set(mark["indices"])) for mark in record["landmarks"])
    assert {"numpy", "scipy", "gudhi"} <= record["versions"].keys()


def test_the_csv_has_a_line_per_row_in_full_precision(found):
    """Numbers read back from the CSV are the rows' own."""
    lines = list(csv.DictReader(csv_text(found).splitlines()))
    assert len(lines) == len(found.rows)
    assert [float(line["bottleneck"]) for line in lines] == [row.bottleneck for row in found.rows]
    alone = dataclasses.replace(
        found, rows=tuple(dataclasses.replace(row, null_mean=None) for row in found.rows)
    )
    assert all(line["null_mean"] == "" for line in csv.DictReader(csv_text(alone).splitlines()))


def test_every_line_of_the_csv_says_where_it_comes_from(found):
    """Model, seed, settings and versions are columns: the first line stays the header."""
    for line in csv.DictReader(csv_text(found).splitlines()):
        assert (line["model"], line["layer"]) == (found.model, "")
        assert (int(line["seed"]), int(line["tokens"]), int(line["num_null"])) == (
            found.seed,
            90,
            4,
        )
        assert f"gudhi={found.versions['gudhi']}" in line["versions"].split()


def test_the_page_holds_no_element_or_handler_of_the_models(found):
    """Parsed as HTML: no img, no event handler, no link, and exactly the page's two scripts."""
    reader = Reader()
    reader.feed(page(found))
    assert "img" not in reader.tags
    assert reader.handlers == []
    assert reader.links == []
    assert len(reader.scripts) == 2
    assert "alert" not in reader.scripts[1]
    assert "onerror" not in page(found).split("<script", 1)[0].replace("onerror=&quot;", "")


def test_the_page_carries_every_token_as_data(found):
    """The script's JSON has every view's landmarks, and texts with visible characters only."""
    reader = Reader()
    reader.feed(page(found))
    data = json.loads(reader.scripts[0])
    assert set(data["landmarks"]) == {"farthest/12", "farthest/30", "random/12", "random/30"}
    joined = "".join(data["tokens"])
    assert "<U+D800>" in joined
    assert "<U+202E>right to left" in joined
    assert "\u241b[31m" in joined
    assert not any(char in joined for char in "\u202e\x1b\x00\ud800\u2028")


def test_the_page_is_utf8_forbids_the_network_and_is_small(found):
    """It encodes despite a lone surrogate, allows no source but itself, and holds no library."""
    data = page(found).encode("utf-8")
    assert len(data) < 300_000
    assert b"default-src 'none'" in data
    assert b"http://" not in data.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"https://" not in data


def test_pictures_are_well_formed_and_hold_text_as_text(found):
    """Each SVG parses, has a title, keeps hostile names as text and a mark per landmark bar."""
    for picture in (
        whole_picture(found),
        curves_picture(found),
        diagrams_picture(found, "random", 12),
    ):
        root = parsed(picture)
        names = [element.tag.split("}")[1] for element in root.iter()]
        assert "title" in names
        assert "text" in names
        assert not {"script", "img", "image", "foreignObject"} & set(names)
    texts = "".join(parsed(whole_picture(found)).itertext())
    assert 'evil</script><img src=x onerror="alert(9)"><U+202E>' in texts
    bars = sum(len(found.diagrams["random"][12][dim]) for dim in (0, 1))
    hints = parsed(diagrams_picture(found, "random", 12)).itertext()
    assert sum(text.startswith("born") for text in hints) == bars


def test_the_summary_names_the_best_policy(found):
    """One sentence: tokens, the smallest radius at the largest k, and its bound."""
    best = min(found.select(k=30, dim=0), key=lambda row: row.radius)
    assert f"at k = 30 the smallest cover radius is {best.radius:.3g} ({best.policy})" in summary(
        found
    )
    assert f"none can exceed {best.bound:.3g}" in summary(found)


def test_strange_files_are_refused_with_a_reason(found, tmp_path):
    """No JSON, another schema, something missing, a path out of the folder: one line each."""
    path = tmp_path / "comparison.json"
    path.write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        load_comparison(path)
    path.write_text("[]")
    with pytest.raises(ValueError, match="is not a JSON object"):
        load_comparison(path)
    path.write_text(json.dumps({"points": "../../etc/passwd"}))
    with pytest.raises(ValueError, match="must name a file in its folder"):
        load_comparison(path)
    with pytest.raises(ValueError, match="not a comparison of schema"):
        from_record({"schema": "other"}, {})
    record = json.loads(json_text(found))
    with pytest.raises(ValueError, match="incomplete"):
        from_record(record, {})
    for name in ("seed", "max_dim"):
        with pytest.raises(ValueError, match=f"incomplete: '{name}'"):
            from_record(
                {key: value for key, value in record.items() if key != name}, found.arrays()
            )
    found.save(tmp_path)
    for junk in (b"", b"PK\x03\x04 and no more"):
        (tmp_path / "comparison_points.npz").write_bytes(junk)
        with pytest.raises(ValueError, match=r"comparison_points.npz is damaged"):
            load_comparison(tmp_path)


def test_pickled_arrays_are_never_loaded(found, tmp_path):
    """An npz that holds an object array is refused, not unpickled."""
    found.save(tmp_path)
    np.savez(
        tmp_path / "comparison_points.npz",
        **{**found.arrays(), "points": np.array([{"a": 1}], dtype=object)},
    )
    with pytest.raises(ValueError, match="'points' is no plain array"):
        load_comparison(tmp_path)


def test_a_single_k_still_makes_pictures():
    """One k: the null band is a bar instead of a polygon, axes have a width."""
    alone = compare(circle(40, seed=1), ks=(10,), policies=("farthest",), num_null=3)
    assert parsed(whole_picture(alone)) is not None
    everything = compare(circle(40, seed=1), ks=(10,), policies=("all",), num_null=0)
    assert parsed(whole_picture(everything)) is not None
