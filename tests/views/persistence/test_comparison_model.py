"""The curve of a PersistenceCompare: its random landmarks are as bound as any policy's, and as
`compare` has them.
"""

import numpy as np
import pytest

from tests.views.clouds import made_up, vectors
from warpviz.topology import compare
from warpviz.topology.landmarks import num_recent
from warpviz.views.base.data_source import SKIP
from warpviz.views.persistence import comparison_model
from warpviz.views.persistence.view import PersistenceCompare


@pytest.mark.parametrize("policy", ["hybrid", "random", "recent"])
def test_chance_keeps_the_recent_tokens_too(policy: str) -> None:
    """Up to 20 landmarks sinks and window leave no choice, so chance is what is shown; beyond it is
    `compare`'s.
    """
    source = made_up(60)
    order = source.ranked(space="keys", layer=-1, policy=policy, alpha=0.3).order
    base = comparison_model.ground(source.points(), order, skip=SKIP, most=1024)
    assert base.recent == 16
    full = comparison_model.bars_of(base, None, max_dim=0, kind="rips")
    made = compare(
        source.points(),
        orders={policy: order},
        ks=(16, 32),
        num_null=4,
        seed=3,
        max_dim=0,
        recent=16,
    )
    for row in made.rows:
        found = comparison_model.curve_row(
            base, row.k, full=full, max_dim=0, num_null=4, seed=3, should_stop=lambda: False
        )
        _k, _radius, distance, *drawn = found[0]
        assert distance == pytest.approx(row.bottleneck)
        assert drawn == pytest.approx([row.null_low, row.null_mean, row.null_high])
        assert row.k == 32 or drawn == pytest.approx([distance] * 3)


def test_the_window_is_read_from_the_order() -> None:
    """Latest first after the sinks, 16 at most; text order and an order of one's own keep none."""
    window = np.arange(59, 29, -1)
    assert num_recent(np.r_[:4, window], num_tokens=60) == 16
    assert num_recent(window, num_tokens=60) == 16, "policy recent keeps no sinks"
    assert num_recent(np.r_[:4, 59, 58, 10, 57], num_tokens=60) == 2
    assert num_recent(np.arange(60), num_tokens=60) == 0
    assert num_recent(np.arange(4), num_tokens=60) == 0


def test_a_thinned_cloud_keeps_the_window() -> None:
    """The rows that every policy keeps are the last 16 tokens', and landmarks."""
    source = made_up(80)
    order = source.ranked(space="keys", layer=-1, policy="hybrid", alpha=0.3).order
    base = comparison_model.ground(source.points(), order, skip=SKIP, most=50)
    rows = base.rows(30)
    assert base.used[base.forced(rows)].tolist() == list(range(64, 80))
    assert set(base.forced(rows)) <= set(rows)


def test_long_contexts_are_thinned_and_keep_landmarks() -> None:
    """Above the limit the cloud is thinned, the early landmarks stay in it, and the summary says n
    of N.
    """
    points = vectors(400)
    order = np.random.default_rng(0).permutation(400)
    base = comparison_model.ground(points, order, skip=SKIP, most=120)
    assert len(base.used) == 120
    assert set(order[:60][order[:60] >= SKIP]) <= set(base.used)
    assert base.radii[79] <= base.radii[19]


def test_a_figure_of_too_few_tokens_says_why() -> None:
    """The file is refused for the reason the view shows, not as if something had failed."""
    view = PersistenceCompare(vectors(5), k=4, num_null=0).wait(60)
    with pytest.raises(ValueError, match="at least 3 tokens after the first 4, got 1"):
        view.to_figure()
    view.close()
