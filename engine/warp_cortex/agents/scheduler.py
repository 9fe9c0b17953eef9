"""Which streams think next: a pure decision from counts and versions, without tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """What the stream lane does in one step.

    admit: (snapshot version, stream ids that get a slot now), in the order they were opened.
    advance: versions whose batch takes one step; every version is one batched forward pass.
    """

    admit: tuple[tuple[int, tuple[int, ...]], ...]
    advance: tuple[int, ...]


def plan_step(
    waiting: Sequence[tuple[int, int]], active: Mapping[int, int], *, slots: int
) -> Decision:
    """Decide one step of the stream lane.

    waiting: (stream id, snapshot version) in the order they were opened; the first `slots` of them
    are enough. active: streams in a slot, per version. First come, first served: no stream
    overtakes another, so each gets a slot after finitely many steps.
    """
    free = slots - sum(active.values())
    admitted: dict[int, list[int]] = {}
    for stream, version in waiting[: max(0, free)]:
        admitted.setdefault(version, []).append(stream)
    admit = tuple((version, tuple(streams)) for version, streams in sorted(admitted.items()))
    return Decision(admit, tuple(version for version, count in sorted(active.items()) if count))
