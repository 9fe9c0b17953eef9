"""Trace events as JSON rows for the browser: [code, beat, ...], a tenth of the records' size.

`static/timeline/fold.js` folds them as `timeline.py` folds events: a saved page plays without a
kernel. Text is not changed here: `wire.clean` replaces lone surrogates, and the browser makes
hidden characters visible.
"""

from bisect import bisect_right
from itertools import accumulate
from typing import Any

from warp_cortex import (
    Calibration,
    Event,
    Failure,
    Finish,
    GateDecision,
    Influence,
    Inject,
    Memory,
    Publish,
    Revoke,
    RunStart,
    Spawn,
    StreamToken,
    Thought,
    Token,
)

from warpviz.live.beats import Beats

Row = list[Any]
DECIMALS = 4


class RowWriter:
    """Writes rows for one run's events, in order.

    A trigger's character span becomes a range of visible tokens [first, last], or [-1, -1] if it
    lies outside the text.
    """

    def __init__(self) -> None:
        self._beats = Beats()
        self._ends: list[int] = []  # where each visible token ends, in characters

    def write(self, event: Event) -> Row | None:
        """Return the event's row, or None for an event that the views do not draw."""
        beat = self._beats.advance(event)
        tail = self._river(event) or self._stream(event) or self._verdict(event)
        return None if tail is None else [tail[0], beat, *tail[1:]]

    def _river(self, event: Event) -> Row | None:
        match event:
            case RunStart():
                self._ends = list(accumulate(map(len, event.prompt_tokens)))
                special = sorted(
                    int(at)
                    for at in event.labels
                    if at.isdecimal() and int(at) < len(event.prompt_tokens)
                )
                tokens = list(event.prompt_tokens)
                for at in special:
                    tokens[at] = event.labels[str(at)]
                more = [special] if special else []
                return ["r", event.model, tokens, event.seed, _theta(event), *more]
            case Token():
                self._ends.append((self._ends[-1] if self._ends else 0) + len(event.text))
                return ["t", event.text]
            case Publish():
                return ["p", event.version, event.policy, _short(event.radius), event.landmarks]
            case Influence():
                return ["f", event.injection, event.first_position, [_short(kl) for kl in event.kl]]
            case Memory():
                return [
                    "m",
                    event.weights,
                    event.river_kv,
                    event.shared_kv,
                    event.private_kv,
                    event.num_streams,
                ]
            case _:
                return None

    def _stream(self, event: Event) -> Row | None:
        match event:
            case Spawn():
                return [
                    "s",
                    event.stream,
                    event.task,
                    event.kind,
                    *self._tokens(event.trigger),
                    event.version,
                    *([event.why] if event.why else []),
                ]
            case StreamToken():
                return ["k", event.stream, event.text]
            case Thought():
                return ["h", event.stream, event.text, event.reason]
            case Failure():
                return ["e", event.stream, event.message]
            case Finish():
                return ["x", event.stream, event.reason]
            case _:
                return None

    def _verdict(self, event: Event) -> Row | None:
        match event:
            case GateDecision():
                scores = {name: _short(value) for name, value in event.similarities.items()}
                judged = [
                    int(event.accepted),
                    _short(event.similarity),
                    _short(event.threshold),
                    event.scorer,
                ]
                return ["g", event.stream, *judged, scores]
            case Calibration():
                known = {
                    name: [_short(value) for value in values]
                    for name, values in event.similarities.items()
                }
                return ["c", event.scorer, _short(event.theta), event.share, known]
            case Inject():
                return ["i", event.injection, event.stream, event.text, len(self._ends)]
            case Revoke():
                return ["v", event.injection]
            case _:
                return None

    def _tokens(self, span: tuple[int, int]) -> tuple[int, int]:
        first = bisect_right(self._ends, span[0])
        last = bisect_right(self._ends, span[1] - 1)
        return (first, min(last, len(self._ends) - 1)) if first < len(self._ends) else (-1, -1)


def _theta(event: RunStart) -> float | None:
    gate = event.config.get("gate")
    theta = gate.get("theta") if isinstance(gate, dict) else None
    return float(theta) if isinstance(theta, (int, float)) else None


def _short(value: float) -> float:
    return round(value, DECIMALS)
