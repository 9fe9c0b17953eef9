"""Diagrams as curves, images and numbers: Betti curves, persistence images, persistence entropy,
barcodes.
"""

from dataclasses import dataclass

import numpy as np

from warpviz.topology.points import FloatArray


@dataclass(frozen=True, slots=True)
class Barcode:
    """Bars to draw, from the top: `births` and `deaths` float64 [B], longest first; `hidden`
    shorter ones left out.
    """

    births: FloatArray
    deaths: FloatArray
    hidden: int


@dataclass(frozen=True, slots=True)
class Image:
    """A persistence image: `values` float64 [R, R] over the edges of births (columns) and lengths
    (rows, ascending).
    """

    values: FloatArray
    births: FloatArray
    lengths: FloatArray


def betti_curve(diagram: FloatArray, scales: FloatArray) -> FloatArray:
    """Return the number of bars alive at each of `scales` [S]: births <= scale < deaths."""
    born = np.searchsorted(np.sort(diagram[:, 0]), scales, side="right")
    dead = np.searchsorted(np.sort(diagram[:, 1]), scales, side="right")
    return np.asarray(born - dead, dtype=np.float64)


def common_scales(*diagrams: FloatArray, count: int = 200) -> FloatArray:
    """Return `count` evenly spaced scales from 0 to the last death of any diagram."""
    top = max([float(bars.max()) for bars in diagrams if bars.size], default=1.0)
    return np.linspace(0.0, top, count)


def persistence_entropy(diagram: FloatArray, *, normalise: bool = True) -> float:
    """Return the Shannon entropy of the bars' shares of the total length, in nats; over log B it
    lies in [0, 1].

    0 for fewer than two bars.
    """
    lengths = diagram[:, 1] - diagram[:, 0]
    lengths = lengths[lengths > 0]
    if lengths.size <= 1:
        return 0.0
    share = lengths / lengths.sum()
    value = float(-(share * np.log(share)).sum())
    return min(1.0, value / float(np.log(lengths.size))) if normalise else value


def persistence_image(
    diagram: FloatArray,
    *,
    resolution: int = 32,
    spread: float | None = None,
    extent: tuple[float, float, float] | None = None,
) -> Image:
    """Return the diagram smoothed in (birth, length), each bar weighted by its length and
    integrated over pixels.

    `extent` is (first birth, last birth, longest length); give the same one to images that are
    compared. `spread` is the Gaussian's standard deviation, by default a twentieth of the longest
    length. (Adams et al., 2017.)
    """
    lengths = diagram[:, 1] - diagram[:, 0]
    first, last, top = image_extent(diagram) if extent is None else extent
    births = np.linspace(first, last, resolution + 1)
    heights = np.linspace(0.0, top, resolution + 1)
    width = top / 20 if spread is None else spread
    if width <= 0:
        msg = f"spread must be positive, got {width!r}"
        raise ValueError(msg)
    across = _mass(diagram[:, 0], births, width)  # [B, R]
    up = _mass(lengths, heights, width)
    return Image(np.einsum("b,bi,bj->ij", lengths, up, across), births, heights)


def image_extent(*diagrams: FloatArray) -> tuple[float, float, float]:
    """Return (first birth, last birth, longest length) that holds every bar, never empty in either
    direction.
    """
    bars = np.concatenate([np.zeros((0, 2)), *diagrams])
    if not len(bars):
        return 0.0, 1.0, 1.0
    first = float(bars[:, 0].min())
    last = float(bars[:, 0].max())
    top = float((bars[:, 1] - bars[:, 0]).max()) or 1.0
    return (first, last, top) if last > first else (first - top / 2, last + top / 2, top)


def barcode(diagram: FloatArray, *, most: int = 200) -> Barcode:
    """Return the `most` longest bars for drawing, and how many were left out."""
    order = np.lexsort((diagram[:, 0], diagram[:, 0] - diagram[:, 1]))[:most]
    return Barcode(diagram[order, 0], diagram[order, 1], max(0, len(diagram) - most))


def _mass(centres: FloatArray, edges: FloatArray, width: float) -> FloatArray:
    """Return the share of a Gaussian around each centre [B] that falls between neighbouring edges
    [R + 1]: [B, R].
    """
    from scipy.special import ndtr

    return np.asarray(np.diff(ndtr((edges[None, :] - centres[:, None]) / width), axis=1))
