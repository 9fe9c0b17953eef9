"""Warp-Cortex: many agents that think over one model and one context.

Glossary of shapes: B agents, L layers, H_q query heads, H_kv key-value heads, T tokens, K
landmarks, D head size, C hidden size, W query window, V vocabulary.
"""

from warp_cortex.agents.streams import Stream, StreamBatch
from warp_cortex.assets import bundled, is_bundled
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import (
    ANCHORS,
    POLICIES,
    SCORERS,
    SPACES,
    CortexConfig,
    GateConfig,
    InjectionConfig,
    RiverConfig,
    RouterConfig,
    StreamConfig,
    SynapseConfig,
)
from warp_cortex.context.context import Context
from warp_cortex.context.entries import Beside, injected_entries, text_entries
from warp_cortex.cortex import Cortex
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.ranking import Ranking, certificate, cover_radius, rank
from warp_cortex.model.spec import ModelSpec
from warp_cortex.prism import Prism, attached
from warp_cortex.remote.process import ProcessStreams
from warp_cortex.remote.ray_streams import RayStreams
from warp_cortex.router.router import Router, Task
from warp_cortex.synapse.files import load_snapshot, save_snapshot
from warp_cortex.synapse.synapse import Snapshot, Synapse
from warp_cortex.thoughts.calibration import area, best_theta, confusion, roc
from warp_cortex.trace.summary import summarise
from warp_cortex.trace.trace import (
    EVENT_TYPES,
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
    Trace,
    from_record,
    load_trace,
    to_record,
)

__all__ = [
    "ANCHORS",
    "EVENT_TYPES",
    "POLICIES",
    "SCORERS",
    "SPACES",
    "Beside",
    "Context",
    "Cortex",
    "CortexConfig",
    "Event",
    "Evidence",
    "Failure",
    "Finish",
    "GateConfig",
    "GateDecision",
    "Influence",
    "Inject",
    "InjectionConfig",
    "Memory",
    "ModelSpec",
    "Prism",
    "ProcessStreams",
    "Publish",
    "Ranking",
    "RayStreams",
    "Revoke",
    "RiverConfig",
    "Router",
    "RouterConfig",
    "RunStart",
    "SharedKV",
    "Snapshot",
    "Spawn",
    "Stream",
    "StreamBatch",
    "StreamConfig",
    "StreamToken",
    "Synapse",
    "SynapseConfig",
    "Task",
    "Thought",
    "Token",
    "Trace",
    "area",
    "attached",
    "best_theta",
    "bundled",
    "certificate",
    "confusion",
    "cover_radius",
    "from_record",
    "injected_entries",
    "is_bundled",
    "load_snapshot",
    "load_trace",
    "rank",
    "roc",
    "save_snapshot",
    "summarise",
    "text_entries",
    "to_record",
]
