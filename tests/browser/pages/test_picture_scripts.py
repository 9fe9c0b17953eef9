"""Landmarks, pens, axes and scenes in a bare page, against their Python counterparts."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from warp_cortex import certificate

from tests.browser.pages.bare import modules
from tests.views.clouds import HOSTILE, made_up, vectors, words
from warpviz.characters import visible
from warpviz.views.base import wire
from warpviz.views.base.nearest import chains

MODULES = (
    "base/axes.js",
    "base/landmarks.js",
    "base/marks.js",
    "base/svg_pen.js",
    "cloud/controls.js",
    "cloud/scene.js",
    "persistence/bars.js",
)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that holds these modules and nothing else."""
    with modules(browser, *MODULES) as bare:
        yield bare


def test_landmarks_of_any_k_agree_with_python(page: Page) -> None:
    """Nearest landmark, distance, rank and radius in the browser equal `Chains.at` for every k."""
    source = made_up(90)
    ranks = source.rank_arrays(space="keys", layer=-1, policy="hybrid", alpha=0.3)
    order = source.ranked(space="keys", layer=-1, policy="hybrid", alpha=0.3).order
    links = chains(source.points(), order)
    arrays = {name: array.tolist() for name, array in ranks.items()}
    script = """([arrays, ks]) => {
      const marks = new Landmarks({ array: (name) => Float64Array.from(arrays[name] ?? []) });
      return ks.map((k) => {
        marks.use(k);
        return [Array.from(marks.near), Array.from(marks.far), marks.radius];
      });
    }"""
    found = page.evaluate(script, [arrays, list(range(1, 91))])
    for k, (near, far, radius) in enumerate(found, start=1):
        rows, distances = links.at(k)
        assert near == order[rows].tolist()
        assert np.allclose(far, distances, rtol=1e-5)
        assert radius == pytest.approx(float(ranks["radii"][k - 1]), nan_ok=True)


def test_the_certificate_at_the_slider_is_the_engine_s(page: Page) -> None:
    """The factor shown for alpha equals `warp_cortex.certificate`, and is absent from one half
    on.
    """
    alphas = [0.0, 0.1, 0.3, 0.45, 0.5, 0.9]
    assert page.evaluate("alphas => alphas.map(certificateFactor)", alphas) == [
        pytest.approx(certificate(alpha)) if certificate(alpha) is not None else None
        for alpha in alphas
    ]


def test_hidden_characters_show_alike_in_both_languages(page: Page) -> None:
    """Control and direction characters become the same visible text in the browser and in Python's
    SVG.
    """
    texts = [wire.clean(text) for text in HOSTILE] + [
        "\u2066x\u2069",
        "\u007f",
        "a\x00b",
        "\U000e006f",
    ]
    assert page.evaluate("texts => texts.map(visible)", texts) == [visible(text) for text in texts]


def test_a_drawing_as_svg_is_well_formed_whatever_it_says(page: Page) -> None:
    """Hostile labels, colours and clips give XML that parses, with the text as text."""
    texts = [wire.clean(text) for text in HOSTILE]
    body = page.evaluate(
        """(texts) => {
      const theme = { ink: "#000", surface: "#fff", font: "a'b\\"c<", mono: "m" };
      const pen = new SvgPen(theme, 100, 100);
      const write = (text, i) => pen.text(1, i * 10, text, { halo: true, rotate: 0.1 });
      pen.clip(0, 0, 50, 50, () => texts.forEach(write));
      drawMark(pen, "diamond", 5, 5, 3, { fill: "#abc" });
      pen.union([[1, 2], [3, 4]], 5, { fill: "red", alpha: 0.5 });
      pen.path([[0, NaN], [1, 2]], { stroke: "blue", dash: [1, 2] });
      return pen.group(0, 0);
    }""",
        texts,
    )
    root = ET.fromstring(f"<svg>{body}</svg>")
    assert [el.text for el in root.iter("text")] == [visible(text) for text in texts]
    assert "NaN" not in body


def test_search_finds_every_token_of_every_occurrence(page: Page) -> None:
    """The tokens found cover exactly the characters of the occurrences, ignoring case."""
    tokens = [*words(80), " \u0130stanbul", " BRASS", " key"]
    for needle in ("brass key", "RAIN", "ai", ".\n", "no such words"):
        found = page.evaluate("([tokens, needle]) => findTokens(tokens, needle)", [tokens, needle])
        low = [token.lower() for token in tokens]
        starts = np.concatenate([[0], np.cumsum([len(token) for token in low])])
        text, wanted, at = "".join(low), set(), -1
        while (at := text.find(needle.lower(), at + 1)) >= 0:
            wanted |= {
                t for t in range(len(tokens)) if starts[t] < at + len(needle) and starts[t + 1] > at
            }
        assert found == sorted(wanted)


def test_betti_curves_agree_with_python(page: Page) -> None:
    """The number of bars alive at a scale is the topology package's."""
    bars = np.sort(np.random.default_rng(0).uniform(0, 5, size=(30, 2)), axis=1)
    scales = np.linspace(0, 5, 40)
    found = page.evaluate(
        "([bars, scales]) => scales.map((s) => bettiAt(bars, s))", [bars.tolist(), scales.tolist()]
    )
    alive = (bars[:, 0] <= scales[:, None]) & (scales[:, None] < bars[:, 1])
    assert found == alive.sum(axis=1).tolist()


def test_old_points_stay_where_they_are_when_new_ones_come(page: Page) -> None:
    """On the screen two axes keep one scale, and growing the scene moves no goal of an old
    point.
    """
    points = vectors(30)[:, :2]
    found = page.evaluate(
        """([few, all]) => {
      const scene = new Scene();
      scene.aim(Float32Array.from(few), 2), scene.project(400, 300);
      const [before, scale] = [Array.from(scene.screen), scene.scale];
      scene.aim(Float32Array.from(all), 2, { origin: () => [0, 0, 0] });
      const [goal, now] = [Array.from(scene.goal), Array.from(scene.now)];
      return { before, scale, goal, now, count: scene.count };
    }""",
        [points[:20].ravel().tolist(), points.ravel().tolist()],
    )
    screen = np.array(found["before"]).reshape(-1, 2)
    true = np.linalg.norm(points[:20, None] - points[None, :20], axis=2) * found["scale"]
    seen = np.linalg.norm(screen[:, None] - screen[None], axis=2)
    assert np.allclose(seen, true, atol=1e-2)
    assert found["count"] == 30
    goal, now = (np.array(found[name]).reshape(-1, 3)[:, :2] for name in ("goal", "now"))
    assert np.allclose(goal, points, atol=1e-5)
    assert np.allclose(now[:20], points[:20], atol=1e-5)
    assert np.allclose(now[20:], 0)


def test_ticks_are_inside_even_and_few(page: Page) -> None:
    """Axis ticks lie in the domain, are evenly spaced and never crowd."""
    for low, high in ((0, 1), (0.013, 0.0171), (-5, 12345), (3, 3), (0, 1e-9)):
        ticks = page.evaluate("([a, b]) => linear([a, b], [0, 100]).ticks(5)", [low, high])
        assert len(ticks) <= 8
        if low < high:
            assert len(ticks) >= 2
            assert min(ticks) >= low - 1e-12
            assert np.allclose(np.diff(ticks), np.diff(ticks)[0], rtol=1e-3)
