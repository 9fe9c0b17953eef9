"""Clouds with known topology, and strings a model may write to attack its reader."""

import xml.etree.ElementTree as ET

import numpy as np
from scipy.spatial.distance import cdist

HOSTILE = (
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(2)">',
    "lone \ud800 surrogate",
    "\u202eright to left",
    "\x1b[31mred\x1b[0m",
    "nul \x00 bell \x07",
    "quote \" apostrophe ' ampersand & less <",
    "]]><!-- comment -->",
    "\u2028line separator",
    "e\u0301 ok 漢字 🙂",
)


def circle(num, *, seed, noise=0.0, radius=1.0, width=2):
    """Return points on a circle in the first two of `width` coordinates, with noise in all."""
    generator = np.random.default_rng(seed)
    angle = generator.random(num) * 2 * np.pi
    points = np.zeros((num, width))
    points[:, 0] = radius * np.cos(angle)
    points[:, 1] = radius * np.sin(angle)
    return points + noise * generator.normal(size=points.shape)


def torus(num, *, seed, tube=1.0, ring=3.0):
    """Return `num` points spread evenly over a torus in three dimensions by rejection."""
    generator = np.random.default_rng(seed)
    points = []
    while len(points) < num:
        u, v, w = generator.random(3)
        u = 2 * np.pi * u
        v = 2 * np.pi * v
        if w <= (ring + tube * np.cos(v)) / (ring + tube):
            out = ring + tube * np.cos(v)
            points.append([out * np.cos(u), out * np.sin(u), tube * np.sin(v)])
    return np.array(points)


def gauss(num, width, *, seed):
    """Return `num` standard normal points."""
    return np.random.default_rng(seed).normal(size=(num, width))


def walk(num, width, *, seed):
    """Return a random walk of `num` steps: nearer to a text's keys than independent points are."""
    return np.cumsum(np.random.default_rng(seed).normal(size=(num, width)), axis=0)


def hausdorff(left, right):
    """Return the Hausdorff distance of two clouds, by its definition."""
    gaps = cdist(left, right)
    return max(gaps.min(axis=0).max(), gaps.min(axis=1).max())


def random_diagram(generator, most):
    """Return a diagram of up to `most` bars; some share values, as Rips diagrams do."""
    bars = generator.random((generator.integers(0, most + 1), 2))
    bars[:, 1] += bars[:, 0]
    return np.round(bars, 1) if generator.random() < 0.3 else bars


def parsed(picture):
    """Return the root element of an SVG, or fail because it is not well-formed."""
    return ET.fromstring(picture)  # our own picture
