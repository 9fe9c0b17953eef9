"""Warp-Cortex: many agents that think over one language model and one context.

The words of the paper, and what they mean here:

- River: the main agent; it writes the text. Stream: a side agent that thinks about one task.
- Prism: the one loaded model that all agents share.
- Synapse: publishes landmarks, the few tokens of the River's cache that streams can see. A
  published set is a snapshot and never changes.
- Router: reads the River's text and spawns streams. Gate: accepts or rejects a finished thought.
- Injection: puts an accepted thought into the River's cache without touching its visible text.
- Cortex: the engine that runs all of these. Trace: the record of a run.

Shapes: B agents, L layers, H_q query heads, H_kv key-value heads, T tokens, K landmarks,
D head size, C hidden size, W query window, V vocabulary.

Every public name is loaded from its module on first use (PEP 562), so that `import warp_cortex`
costs next to nothing and reading a trace loads no torch.
"""

import importlib
import warnings
from typing import TYPE_CHECKING, Any

import warp_cortex.landmarks.policies  # noqa: F401 - registers the policies that settings accept

if TYPE_CHECKING:
    from warp_cortex.agents.rewriting import written_without
    from warp_cortex.agents.streams import Stream, StreamBatch
    from warp_cortex.assets import bundled, is_bundled
    from warp_cortex.cache.store import SharedKV
    from warp_cortex.config import (
        ANCHORS,
        POLICIES,
        SCORERS,
        SPACES,
        TRIGGERS,
        CortexConfig,
        GateConfig,
        InjectionConfig,
        RiverConfig,
        RouterConfig,
        StreamConfig,
        SynapseConfig,
    )
    from warp_cortex.context.context import Context
    from warp_cortex.context.entries import EntryProjector, injected_entries, text_entries
    from warp_cortex.cortex import Cortex
    from warp_cortex.files.arrays import read_arrays
    from warp_cortex.files.atomic import Content, try_folder, write_files
    from warp_cortex.files.fields import read_field
    from warp_cortex.files.reading import (
        UnreadableFileError,
        parse_json,
        read_object,
        read_text,
        unreadable,
    )
    from warp_cortex.landmarks.evidence import Evidence
    from warp_cortex.landmarks.policies import Policy, register_policy
    from warp_cortex.landmarks.ranking import Ranking, certificate, cover_radius, rank
    from warp_cortex.model.spec import ModelSpec
    from warp_cortex.prism import Prism, attached
    from warp_cortex.remote.child import ChildProcess, parent_pipes
    from warp_cortex.remote.process import ProcessStreams
    from warp_cortex.remote.ray_streams import RayStreams
    from warp_cortex.router.router import Router, Task
    from warp_cortex.sources.cache_folder import cache_folder
    from warp_cortex.sources.catalogue import CATALOGUE
    from warp_cortex.sources.download import at_hand, fetch_model, is_fetched
    from warp_cortex.synapse.files import load_snapshot, save_snapshot
    from warp_cortex.synapse.synapse import Snapshot, Synapse
    from warp_cortex.thoughts.calibration import Roc, area, best_theta, confusion, roc
    from warp_cortex.trace.council import why_no_stream
    from warp_cortex.trace.recording import Recording
    from warp_cortex.trace.summary import summarise
    from warp_cortex.trace.trace import (
        EVENT_TYPES,
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
        Trace,
        from_record,
        load_trace,
        to_record,
    )
    from warp_cortex.voice.shipped import VOICES
    from warp_cortex.voice.voice import Voice

# the names that a module of this package gives to the public, by module
_HOMES = {
    "agents.rewriting": "written_without",
    "agents.streams": "Stream StreamBatch",
    "assets": "bundled is_bundled",
    "cache.store": "SharedKV",
    "config": (
        "ANCHORS CortexConfig GateConfig InjectionConfig POLICIES RiverConfig RouterConfig "
        "SCORERS SPACES TRIGGERS StreamConfig SynapseConfig"
    ),
    "context.context": "Context",
    "context.entries": "EntryProjector injected_entries text_entries",
    "cortex": "Cortex",
    "files.arrays": "read_arrays",
    "files.atomic": "Content try_folder write_files",
    "files.fields": "read_field",
    "files.reading": "UnreadableFileError parse_json read_object read_text unreadable",
    "landmarks.evidence": "Evidence",
    "landmarks.policies": "Policy register_policy",
    "landmarks.ranking": "Ranking certificate cover_radius rank",
    "model.spec": "ModelSpec",
    "prism": "Prism attached",
    "remote.child": "ChildProcess parent_pipes",
    "remote.process": "ProcessStreams",
    "remote.ray_streams": "RayStreams",
    "router.router": "Router Task",
    "sources.cache_folder": "cache_folder",
    "sources.catalogue": "CATALOGUE",
    "sources.download": "at_hand fetch_model is_fetched",
    "voice.shipped": "VOICES",
    "voice.voice": "Voice",
    "synapse.files": "load_snapshot save_snapshot",
    "synapse.synapse": "Snapshot Synapse",
    "thoughts.calibration": "Roc area best_theta confusion roc",
    "trace.council": "why_no_stream",
    "trace.recording": "Recording",
    "trace.summary": "summarise",
    "trace.trace": (
        "Calibration EVENT_TYPES Event Failure Finish GateDecision Influence Inject Memory Publish "
        "Revoke RunStart Spawn StreamToken Thought Token Trace from_record load_trace to_record"
    ),
}
_HOME_OF = {name: f"warp_cortex.{home}" for home, names in _HOMES.items() for name in names.split()}
_RENAMED = {"Beside": "EntryProjector"}  # until 0.3

__all__ = [
    "ANCHORS",
    "CATALOGUE",
    "EVENT_TYPES",
    "POLICIES",
    "SCORERS",
    "SPACES",
    "TRIGGERS",
    "VOICES",
    "Calibration",
    "ChildProcess",
    "Content",
    "Context",
    "Cortex",
    "CortexConfig",
    "EntryProjector",
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
    "Policy",
    "Prism",
    "ProcessStreams",
    "Publish",
    "Ranking",
    "RayStreams",
    "Recording",
    "Revoke",
    "RiverConfig",
    "Roc",
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
    "UnreadableFileError",
    "Voice",
    "area",
    "at_hand",
    "attached",
    "best_theta",
    "bundled",
    "cache_folder",
    "certificate",
    "confusion",
    "cover_radius",
    "fetch_model",
    "from_record",
    "injected_entries",
    "is_bundled",
    "is_fetched",
    "load_snapshot",
    "load_trace",
    "parent_pipes",
    "parse_json",
    "rank",
    "read_arrays",
    "read_field",
    "read_object",
    "read_text",
    "register_policy",
    "roc",
    "save_snapshot",
    "summarise",
    "text_entries",
    "to_record",
    "try_folder",
    "unreadable",
    "why_no_stream",
    "write_files",
    "written_without",
]


def __getattr__(name: str) -> Any:
    """Return a public name from its module, importing that module now."""
    if name in _RENAMED:
        msg = f"warp_cortex.{name} is called {_RENAMED[name]} now; the old name goes with 0.3"
        warnings.warn(msg, DeprecationWarning, stacklevel=2)
        return __getattr__(_RENAMED[name])
    home = _HOME_OF.get(name)
    if home is None:
        msg = f"module 'warp_cortex' has no attribute {name!r}; it has: {', '.join(__all__)}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(home), name)
    if name != "POLICIES":  # it grows with every policy that is registered
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
