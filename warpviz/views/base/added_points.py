"""Points that are added to a cloud: injected thoughts, streams' entries, tokens written since."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warpviz.views.base.wire import float32

Floats = NDArray[np.float32]
Vectors = Callable[[str, int, int], "Floats | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPoints:
    """Entries with their kind, a line about each, and their vectors by space, layer and head.

    `vectors(space, layer, head)` returns float32 [n, P], or None where the entries have none: a
    hidden state is kept of visible tokens only. Entries without vectors are not drawn.
    """

    tokens: tuple[str, ...]
    kinds: tuple[str, ...]
    about: tuple[str, ...]
    vectors: Vectors

    def fitting(self, space: str, layer: int, head: int, *, width: int) -> "Floats | None":
        """Return the vectors, float32 [n, P], if P is `width` and there is one per token."""
        found = self.vectors(space, layer, head)
        if found is None or found.shape != (len(self.tokens), width):
            return None
        return found


def given_points(
    tokens: Sequence[str],
    points: ArrayLike,
    kinds: Sequence[str] | None,
    about: Sequence[str] | None,
) -> AddedPoints:
    """Return tokens with vectors [n, P], which are the same for every space, layer and head.

    Raises:
        ValueError: tokens, kinds, remarks and vectors differ in number.
    """
    array = float32(points)
    kinds = ["text"] * len(tokens) if kinds is None else kinds
    about = [""] * len(tokens) if about is None else about
    numbers = (len(array), len(kinds), len(about))
    if set(numbers) != {len(tokens)}:
        msg = f"{len(tokens)} tokens need as many vectors, kinds and remarks, got {numbers}"
        raise ValueError(msg)
    return AddedPoints(
        tokens=tuple(tokens), kinds=tuple(kinds), about=tuple(about), vectors=lambda *_: array
    )


class Placer:
    """Projects cache entries to where they lie among the points of one context."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self._projectors: dict[tuple[str, int, int], Any] = {}

    def vectors(self, entries: Any) -> Vectors:
        """Return the entries' vectors by space, layer (-1 all) and head (-1 all, -2 mean)."""

        def project(space: str, layer: int, head: int) -> "Floats | None":
            """Return float32 [n, P]; None for hidden states, which entries do not have."""
            if space == "hidden":
                return None
            from warp_cortex import EntryProjector

            key = (space, layer, head)
            if key not in self._projectors:
                which = {-1: None, -2: "mean"}.get(head, head)
                self._projectors[key] = EntryProjector(
                    self.context, space, layer=None if layer < 0 else layer, head=which
                )
            return float32(self._projectors[key].points(entries).cpu())

        return project


def added_by_run(context: Any, trace: Any) -> list[AddedPoints]:
    """Return what a finished run added to its text.

    That is each injected thought as its cache entries, and each judged thought as a hidden state.
    """
    from warp_cortex import Inject, injected_entries

    placer = Placer(context)
    found = []
    entered = {event.injection: event for event in trace.of(Inject)} if trace is not None else {}
    for number, entries in injected_entries(context).items():
        event = entered.get(number)
        pieces = injected_pieces(context.prism, event.text if event else "", entries.num_entries)
        about = f"thought of stream {event.stream}, injected" if event else f"injection {number}"
        found.append(_alike("injected", pieces, about, placer.vectors(entries)))
    thoughts = _thoughts(context, trace)
    return [*found, thoughts] if thoughts is not None else found


def injected_pieces(prism: Any, text: str, count: int) -> list[str]:
    """Return the tokens of an injected text; of an unknown text, `count` blanks."""
    pieces = prism.pieces(prism.encode(text)) if text else []
    return list(pieces) if len(pieces) == count else [text, *[""] * (count - 1)]


def _alike(kind: str, tokens: Sequence[str], about: str, vectors: Vectors) -> AddedPoints:
    return AddedPoints(
        tokens=tuple(tokens),
        kinds=(kind,) * len(tokens),
        about=(about,) * len(tokens),
        vectors=vectors,
    )


def _thoughts(context: Any, trace: Any) -> AddedPoints | None:
    """Return each judged thought as a point of the hidden space: the mean of its tokens' states."""
    from warp_cortex import Thought

    pooled = trace.arrays.get("thoughts") if trace is not None else None
    if pooled is None or not len(pooled):
        return None
    events = [
        event
        for event in trace.of(Thought)
        if event.vector is not None and event.vector < len(pooled)
    ]
    states = float32(pooled[[event.vector for event in events]])
    centre = float32(context.middle[context.positions].float().mean(0).cpu())
    return AddedPoints(
        tokens=tuple(event.text for event in events),
        kinds=("stream",) * len(events),
        about=tuple(f"thought of stream {event.stream}, mean state" for event in events),
        vectors=lambda space, *_: states - centre if space == "hidden" else None,
    )
