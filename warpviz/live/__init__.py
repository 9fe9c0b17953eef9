"""A run's state at any moment from its trace, the thread it runs in, and gates decided anew."""

from warpviz.live.engine_thread import EngineThread, stop_all
from warpviz.live.regate import GateOutcome, Rejudged, decide, judged_thoughts, outcome, roc
from warpviz.live.stream_card import Phase, StreamCard
from warpviz.live.timeline import RunState, Timeline

__all__ = [
    "EngineThread",
    "GateOutcome",
    "Phase",
    "Rejudged",
    "RunState",
    "StreamCard",
    "Timeline",
    "decide",
    "judged_thoughts",
    "outcome",
    "roc",
    "stop_all",
]
