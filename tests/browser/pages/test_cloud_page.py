"""KVCloud as a page: labels, contours, landmarks that do not hide their cells, neighbours."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages.bare import modules
from tests.views import clouds
from warpviz.views.cloud.neighbours import nearest_tokens
from warpviz.views.cloud.view import KVCloud

Open = Callable[..., Page]
CLOUD = "document.querySelector('.warpviz').cloud"


@pytest.mark.parametrize("width", [1280, 700])
@pytest.mark.parametrize("selection", [[], list(range(0, 120, 3))])
def test_labels_do_not_overlap(show: Open, width: int, selection: list[int]) -> None:
    """Groups, landmarks and selected tokens are named where there is room, and nowhere else."""
    view = KVCloud(clouds.made_up(300), k=40, projection="pca", selection=selection)
    page = show(view, width=width)
    boxes = page.evaluate(f"{CLOUD}.labelled")
    assert len(boxes) > 5
    for one, other in combinations(boxes, 2):
        apart = (
            one["x"] >= other["x"] + other["w"] - 0.01
            or other["x"] >= one["x"] + one["w"] - 0.01
            or one["y"] >= other["y"] + other["h"] - 0.01
            or other["y"] >= one["y"] + one["h"] - 0.01
        )
        assert apart, (one, other)
    for box in boxes:
        assert 0 <= box["x"] <= box["x"] + box["w"] <= page.evaluate(f"{CLOUD}.plot.width")


def test_the_neighbours_of_a_selected_token_stand_with_their_distances(show: Open) -> None:
    """The list is that of the vectors; a row selects its token; two tokens have none."""
    source = clouds.made_up(120)
    near, far = nearest_tokens(source.points())
    page = show(KVCloud(source, k=20, projection="pca", selection=[7]))
    rows = page.locator(".wz-near-rows button")
    expect(rows).to_have_count(8)
    for row, distance in enumerate(far[7]):
        shown = float(rows.nth(row).locator(".wz-faint").inner_text())
        assert shown == pytest.approx(float(distance), rel=0.01)
    rows.nth(2).click()
    page.wait_for_function(f"() => {CLOUD}.chosen.has({int(near[7][2])})")
    assert page.evaluate(f"{CLOUD}.store.get('selection')") == [int(near[7][2])]
    page.evaluate(f"{CLOUD}.select([1, 2], false)")
    expect(page.locator(".wz-near")).to_be_hidden()


def test_contours_hold_their_share_of_the_points(browser: Browser) -> None:
    """From 2,000 points on; inside the contour of 50 % lie about half of them."""
    rng = np.random.default_rng(0)
    spots = np.concatenate(
        [rng.normal((200, 150), 25, (1500, 2)), rng.normal((420, 200), 40, (1500, 2))]
    )
    with modules(browser, "cloud/density.js") as page:
        found = page.evaluate(
            """spots => { const scene = { count: spots.length / 2, screen: spots };
            const made = histogram(scene, 600, 380);
            const [level] = levelsOf(made, [0.5]);
            let held = 0, all = 0;
            for (const v of made.grid) { all += v; if (v >= level) held += v; }
            return [held / all, contour(made, level).length]; }""",
            spots.flatten().tolist(),
        )
        few = page.evaluate(
            """() => { let lines = 0; const pen = { path: () => { lines += 1; } };
            const scene = count => ({ count,
                screen: Array.from({ length: 2 * count }, () => 300 * Math.random()) });
            drawDensity(pen, { soft: "#000" }, scene(DENSE - 1), 300, 300);
            const before = lines; drawDensity(pen, { soft: "#000" }, scene(DENSE), 300, 300);
            return [before, lines > 0]; }"""
        )
    share, lines = found
    assert 0.45 < share < 0.6
    assert lines > 20
    assert few == [0, True]


def test_landmarks_leave_their_cells_in_sight(browser: Browser) -> None:
    """A landmark's mark is hollow: the middle of it shows what lies under it."""
    with modules(browser, "cloud/view.js", "base/svg_pen.js") as page:
        drawn = page.evaluate(
            """() => { const theme = themeOf(document.body); const pen = new SvgPen(theme, 90, 90);
            drawLandmarks({ scene: { screen: [40, 40] }, chosen: new Set(), marks: { k: 1 },
                tokenOf: i => i, colours: ["red"] }, pen, theme, [0]);
            return pen.parts; }"""
        )
    assert drawn
    assert all('fill="none"' in part for part in drawn)
