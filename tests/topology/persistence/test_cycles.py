"""Loops of H1 bars: they exist when the bar is born and cannot be filled before it dies."""

from itertools import combinations

import numpy as np
import pytest
from ripser import ripser

from tests.topology.shapes import circle, gauss
from warpviz.topology.persistence.cycles import loop_in
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.rips import rips_bars, tidy
from warpviz.topology.points import pairwise


def loop_of(points, *, birth, death):
    """Return the loop of a bar of the Rips complex of some points."""
    return loop_in(pairwise(points), birth=birth, death=death)


def cocycles(points):
    """Return Ripser's H1 bars [B, 2], in float32 precision, and each one's cocycle as edges."""
    found = ripser(pairwise(points), maxdim=1, coeff=2, distance_matrix=True, do_cocycles=True)
    edges = [{frozenset(edge) for edge in rows[:, :2].tolist()} for rows in found["cocycles"][1]]
    return np.asarray(found["dgms"][1], dtype=float), edges


def partner(theirs, birth, death):
    """Return the cocycle of the bar nearest to (birth, death)."""
    values, edges = theirs
    gap = np.abs(values - [birth, death]).max(axis=1)
    assert gap.min() < 1e-5
    return edges[int(gap.argmin())]


def crossings(loop, cocycle):
    """Return how many edges a loop and a cocycle share: odd while the loop cannot be filled."""
    steps = zip(loop.path.tolist(), np.roll(loop.path, -1).tolist(), strict=True)
    return sum(frozenset(step) in cocycle for step in steps)


def filled(distances, path, *, scale):
    """Say whether a loop is a sum of triangles of a Rips complex, by elimination over Z/2."""
    num = len(distances)

    def chain(edges):
        return sum(1 << (min(edge) * num + max(edge)) for edge in edges)

    basis = {}
    for one, two, three in combinations(range(num), 3):
        edges = [(one, two), (one, three), (two, three)]
        rest = chain(edges) if max(distances[edge] for edge in edges) <= scale else 0
        while rest and rest.bit_length() in basis:
            rest ^= basis[rest.bit_length()]
        if rest:
            basis[rest.bit_length()] = rest
    rest = chain(zip(path, [*path[1:], path[0]], strict=True))
    while rest and rest.bit_length() in basis:
        rest ^= basis[rest.bit_length()]
    return rest == 0


def test_the_loop_of_the_unit_square_is_its_four_corners():
    """By hand: four sides of nearly the same length; the loop goes once around."""
    square = np.array([[0.0, 0.0], [1.01, 0.0], [1.0, 1.0], [0.0, 0.99]])
    ((birth, death),) = diagrams(square)[1]
    loop = loop_of(square, birth=birth, death=death)
    assert sorted(loop.path.tolist()) == [0, 1, 2, 3]
    around = np.linalg.norm(square - np.roll(square, -1, axis=0), axis=1).sum()
    assert loop.length == pytest.approx(around)


def test_the_longest_bar_of_a_noisy_circle_goes_around_it():
    """Winding number: the angles along the loop add up to one whole turn."""
    points = circle(150, seed=0, noise=0.05)
    birth, death = diagrams(points)[1][0]
    loop = loop_of(points, birth=birth, death=death)
    angle = np.arctan2(points[loop.path, 1], points[loop.path, 0])
    steps = np.angle(np.exp(1j * (np.roll(angle, -1) - angle)))
    assert abs(steps.sum()) == pytest.approx(2 * np.pi)
    assert 15 < len(loop.path) < 80


@pytest.mark.parametrize(("num", "width", "seed"), [(80, 2, 1), (100, 6, 2), (120, 16, 3)])
def test_every_loop_meets_its_bars_cocycle_exactly_once(num, width, seed):
    """Two routes: our loop meets Ripser's cocycle once, so it lasts as long as the bar."""
    points = gauss(num, width, seed=seed)
    theirs = cocycles(points)
    distances = pairwise(points)
    bars = diagrams(points)[1]
    assert len(bars) > 5
    for birth, death in bars:
        loop = loop_in(distances, birth=birth, death=death)
        assert crossings(loop, partner(theirs, birth, death)) == 1


def test_a_loop_is_made_of_edges_no_longer_than_the_birth():
    """It exists at the birth: one edge as long as that, the others shorter, no token twice."""
    points = gauss(100, 4, seed=4)
    distances = pairwise(points)
    for birth, death in diagrams(points)[1][:10]:
        loop = loop_in(distances, birth=birth, death=death)
        steps = distances[loop.path, np.roll(loop.path, -1)]
        assert steps[-1] == birth
        assert (steps[:-1] < birth).all()
        assert len(set(loop.path.tolist())) == len(loop.path) >= 4
        assert loop.length == pytest.approx(steps.sum())
        assert loop.edge == (loop.path[0], loop.path[-1])


def test_killing_a_loops_edges_kills_its_bar():
    """Without the tokens on the circle's loop the long bar is gone, or its birth is later."""
    points = circle(60, seed=5, noise=0.02)
    birth, death = diagrams(points)[1][0]
    rest = np.delete(points, loop_of(points, birth=birth, death=death).path, axis=0)
    left = tidy(rips_bars(rest, max_dim=1, threshold=None)[1], clamp=None)
    assert not len(left) or left[0, 0] > birth


def test_births_from_single_precision_find_their_edge():
    """A birth read from Ripser is off by a rounding; its loop is still found."""
    points = circle(50, seed=6, noise=0.05)
    values, _ = cocycles(points)
    theirs = values[(values[:, 1] - values[:, 0]).argmax()]
    birth, death = diagrams(points)[1][0]
    found = loop_of(points, birth=np.float32(theirs[0]), death=theirs[1])
    assert found.path.tolist() == loop_of(points, birth=birth, death=death).path.tolist()


def test_ties_take_the_widest_loop():
    """On a regular polygon every side is the birth edge: each corner is visited once."""
    angle = np.arange(12) * np.pi / 6
    polygon = np.column_stack([np.cos(angle), np.sin(angle)])
    for points in (polygon, polygon + 1e-7 * gauss(12, 2, seed=7)):
        birth, death = diagrams(points)[1][0]
        assert sorted(loop_of(points, birth=birth, death=death).path.tolist()) == list(range(12))
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    assert sorted(loop_of(corners, birth=1.0, death=2.0**0.5).path.tolist()) == [0, 1, 2, 3]


def test_copies_of_tokens_do_not_hide_a_loop():
    """A text repeats tokens: with every point twice the loop is found and goes around."""
    points = circle(40, seed=10, noise=0.02)
    birth, death = diagrams(points)[1][0]
    twice = np.concatenate([points, points])
    loop = loop_of(twice, birth=birth, death=death)
    assert sorted((loop.path % 40).tolist()) == sorted(
        loop_of(points, birth=birth, death=death).path.tolist()
    )


@pytest.mark.parametrize("seed", range(8))
def test_on_a_grid_with_copies_every_loop_lives_until_its_bar_dies(seed):
    """Many equal edges and points in one place: no loop is filled before its bar's death."""
    points = np.random.default_rng(seed).integers(0, 4, size=(18, 2)).astype(float)
    distances = pairwise(points)
    for birth, death in diagrams(points)[1]:
        loop = loop_in(distances, birth=birth, death=death)
        assert (distances[loop.path, np.roll(loop.path, -1)] <= birth).all()
        assert not filled(distances, loop.path.tolist(), scale=death - 1e-9)


def test_a_birth_that_is_none_is_refused():
    """A length no edge has, and an edge that merges components, are answered by a reason."""
    points = gauss(20, 3, seed=8)
    with pytest.raises(ValueError, match=r"no edge of that length$"):
        loop_of(points, birth=1e6, death=2e6)
    with pytest.raises(ValueError, match="closes a loop"):
        loop_of(points, birth=diagrams(points)[0][0, 1], death=9.0)
