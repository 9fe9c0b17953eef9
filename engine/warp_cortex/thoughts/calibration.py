"""Where to put the gate's threshold: the ROC of labelled thoughts, and its best operating point."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warp_cortex.config.checks import within
from warp_cortex.thoughts.gate import REJECTED

# how far two computations of one J may differ; different J's are 1 / (good * bad thoughts) apart
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Roc:
    """Receiver operating characteristic, from accepting nothing to accepting everything.

    thresholds: float64 [P], falling from +inf. Point i accepts thoughts whose similarity is at
        least `thresholds[i]`; equal similarities share a point.
    false_positive_rate, true_positive_rate: float64 [P] in [0, 1].
    """

    thresholds: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How many thoughts a threshold accepts and rejects, rightly and wrongly."""

    theta: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """Share of accepted thoughts that are good; 0 if none is accepted."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of good thoughts that are accepted; 0 if none is good."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def youden(self) -> float:
        """Youden's J: recall minus the share of bad thoughts accepted."""
        return self.recall - _ratio(
            self.false_positives, self.false_positives + self.true_negatives
        )


def roc(similarities: ArrayLike, labels: Sequence[bool] | NDArray[np.bool_]) -> Roc:
    """Return the ROC of N thoughts: similarities [N] and whether each should be accepted [N].

    Its last point accepts everything, also a similarity of -1, which the gate accepts at no theta.

    Raises:
        ValueError: lengths differ, a similarity is not finite, or all labels are alike.
    """
    values, good = _pairs(similarities, labels)
    if good.all() or not good.any():
        count = int(good.sum())
        msg = f"labels must hold both good and bad thoughts, got {count} good of {len(good)}"
        raise ValueError(msg)
    order = np.argsort(-values, kind="stable")
    values = values[order]
    good = good[order]
    # the last of each run of equal similarities
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    return Roc(
        thresholds=np.concatenate([[np.inf], values[last]]),
        false_positive_rate=np.concatenate([[0.0], np.cumsum(~good)[last] / np.sum(~good)]),
        true_positive_rate=np.concatenate([[0.0], np.cumsum(good)[last] / np.sum(good)]),
    )


def area(curve: Roc) -> float:
    """Return the area under the curve.

    It is the chance that a good thought has a higher similarity than a bad one, ties counting half.
    """
    return float(np.trapezoid(curve.true_positive_rate, curve.false_positive_rate))


def best_theta(similarities: ArrayLike, labels: Sequence[bool] | NDArray[np.bool_]) -> float:
    """Return the threshold with the largest Youden's J, halfway to the next similarity it rejects.

    Of equally good ones it is the strictest, since an injected falsehood costs more than a lost
    thought. If no threshold beats accepting nothing, it is one above every similarity (1 at most).

    Raises:
        ValueError: as for `roc`.
    """
    curve = roc(similarities, labels)
    gain = curve.true_positive_rate - curve.false_positive_rate
    best = int(np.argmax(gain > gain.max() - ROUNDING))
    edges = np.append(np.minimum(curve.thresholds, 1.0), REJECTED)
    accepted = float(edges[best])
    rejected = float(edges[best + 1])
    middle = (accepted + rejected) / 2
    # between neighbouring floats there is no middle
    return middle if middle > rejected else accepted


def confusion(
    similarities: ArrayLike, labels: Sequence[bool] | NDArray[np.bool_], *, theta: float
) -> Confusion:
    """Return what the gate does to labelled thoughts at `theta`.

    A similarity of -1 never passes, as in the gate.

    Raises:
        ValueError: theta is outside [-1, 1], lengths differ, or a similarity is not finite.
    """
    within("theta", theta, -1, 1)
    values, good = _pairs(similarities, labels)
    passed = (values >= theta) & (values > REJECTED)
    return Confusion(
        theta=theta,
        true_positives=int(np.sum(passed & good)),
        false_positives=int(np.sum(passed & ~good)),
        true_negatives=int(np.sum(~passed & ~good)),
        false_negatives=int(np.sum(~passed & good)),
    )


def _pairs(
    similarities: ArrayLike, labels: Sequence[bool] | NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values = np.asarray(similarities, dtype=np.float64)
    good = np.asarray(labels, dtype=np.bool_)
    if values.ndim != 1 or values.shape != good.shape:
        shapes = f"{values.shape} and {good.shape}"
        msg = f"similarities and labels must be two equally long lists, got shapes {shapes}"
        raise ValueError(msg)
    if not np.isfinite(values).all():
        msg = f"similarities must be finite, got {values[~np.isfinite(values)][0]}"
        raise ValueError(msg)
    return values, good


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
