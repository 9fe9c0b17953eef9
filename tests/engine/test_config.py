"""Settings: defaults are valid, bad values are named, and the whole is JSON."""

import json
import math
from dataclasses import FrozenInstanceError, fields

import pytest
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
from warp_cortex.config.checks import choice, whole, within

PARTS = (RiverConfig, StreamConfig, SynapseConfig, RouterConfig, GateConfig, InjectionConfig)


@pytest.mark.parametrize(
    ("cls", "name", "value", "words"),
    [
        (SynapseConfig, "k", 0, "k must be at least 1, got 0"),
        (SynapseConfig, "k", True, "k must be a whole number, got True"),
        (SynapseConfig, "k", 64.0, r"k must be a whole number, got 64\.0"),
        (
            SynapseConfig,
            "policy",
            "farthst",
            "policy 'farthst' is unknown; accepted: all, .*did you mean 'farthest'",
        ),
        (SynapseConfig, "policy", "zzzz", "policy 'zzzz' is unknown; accepted: all, .*hybrid$"),
        (SynapseConfig, "policy", 7, "policy must be one of all, .*, got 7"),
        (SynapseConfig, "alpha", 1.01, r"alpha must be between 0 and 1, got 1\.01"),
        (SynapseConfig, "alpha", math.nan, "alpha must be between 0 and 1, got nan"),
        (SynapseConfig, "alpha", "0.3", "alpha must be a number, got '0.3'"),
        (SynapseConfig, "space", "key", "did you mean 'keys'"),
        (SynapseConfig, "sinks", -1, "sinks must be at least 0, got -1"),
        (SynapseConfig, "recent", -1, "recent must be at least 0"),
        (SynapseConfig, "focus", -1, "focus must be at least 0"),
        (SynapseConfig, "max_age", -1, "max_age must be at least 0"),
        (SynapseConfig, "query_window", 0, "query_window must be at least 1"),
        (GateConfig, "theta", 1.5, r"theta must be between -1 and 1, got 1\.5"),
        (GateConfig, "scorer", "centered", "did you mean 'centred'"),
        (RiverConfig, "max_tokens", -1, "max_tokens must be at least 0"),
        (RiverConfig, "temperature", -0.1, "temperature must be between 0 and 100"),
        (RiverConfig, "repetition_penalty", 0.5, "repetition_penalty must be between 1 and 10"),
        (RiverConfig, "window", 0, "window must be at least 1"),
        (RiverConfig, "prefill_chunk", 0, "prefill_chunk must be at least 1"),
        (StreamConfig, "max_tokens", 0, r"streams\.max_tokens must be at least 1"),
        (StreamConfig, "slots", 0, "slots must be at least 1"),
        (
            StreamConfig,
            "temperature",
            math.inf,
            r"streams\.temperature must be between 0 and 100, got inf",
        ),
        (StreamConfig, "prompt", "think", "must contain {task} .*, got 'think'"),
        (StreamConfig, "prompt", 7, "must be text with {task} in it, got 7"),
        (StreamConfig, "prompt", "{task} {0}", "{task} and no other braces"),
        (StreamConfig, "prompt", "{task.__class__}", "must contain {task}"),
        (StreamConfig, "prompt", "{task} }", "must contain {task}"),
        (StreamConfig, "prompt", "{task:>{width}}", "must contain {task}"),
        (RouterConfig, "max_streams", -1, "max_streams must be at least 0"),
        (RouterConfig, "max_rate", 1.1, "max_rate must be between 0 and 1"),
        (RouterConfig, "max_task_chars", 0, "max_task_chars must be at least 1"),
        (InjectionConfig, "anchor", "nxt", "did you mean 'next'"),
        (InjectionConfig, "max_tokens", -1, r"injection\.max_tokens must be at least 0"),
        (InjectionConfig, "template", "[Ref]", r"must contain {thought} .*, got '\[Ref\]'"),
        (CortexConfig, "seed", -1, "seed must be at least 0"),
        (CortexConfig, "seed", 2**32, "seed must be at most 4294967295, got 4294967296"),
        (
            CortexConfig,
            "mode",
            "parallel",
            "mode 'parallel' is unknown; accepted: cooperative, concurrent",
        ),
    ],
)
def test_bad_values_are_named(cls, name, value, words):
    """Every setting out of range raises at once, with its name, the value and what is accepted."""
    with pytest.raises((ValueError, TypeError), match=words):
        cls(**{name: value})


@pytest.mark.parametrize(
    ("cls", "name", "values"),
    [
        (SynapseConfig, "policy", POLICIES),
        (SynapseConfig, "space", SPACES),
        (SynapseConfig, "alpha", (0, 0.0, 0.5, 1)),
        (GateConfig, "scorer", SCORERS),
        (GateConfig, "theta", (-1, 0, 1.0)),
        (InjectionConfig, "anchor", ANCHORS),
        (InjectionConfig, "template", ("{thought}", "<{thought}> {{note}}")),
        (RiverConfig, "window", (None, 1, 256)),
        (CortexConfig, "mode", ("cooperative", "concurrent")),
    ],
)
def test_everything_documented_is_accepted(cls, name, values):
    """The listed choices and the ends of every range are valid."""
    assert [getattr(cls(**{name: value}), name) for value in values] == list(values)


@pytest.mark.parametrize("cls", [*PARTS, CortexConfig])
def test_settings_are_values(cls):
    """Settings are frozen and compare by value."""
    assert cls() == cls()
    with pytest.raises(FrozenInstanceError):
        setattr(cls(), fields(cls)[0].name, 1)


def test_all_settings_are_json_and_rebuild_the_same_run():
    """The header of a trace holds every setting, as JSON; the parts can be built from it again."""
    config = CortexConfig(
        seed=7, synapse=SynapseConfig(k=16, policy="farthest"), river=RiverConfig(window=256)
    )
    record = json.loads(json.dumps(config.to_dict(), allow_nan=False))
    assert record == config.to_dict()
    types = {field.name: type(getattr(config, field.name)) for field in fields(CortexConfig)}
    rebuilt = {
        name: cls(**record[name]) if cls in PARTS else record[name] for name, cls in types.items()
    }
    assert CortexConfig(**rebuilt) == config


def test_checkers_hand_back_what_they_accept():
    """A checker returns the value it was given, and a hint only where something is near."""
    assert whole("n", 3, least=3) == 3
    assert within("x", -1, -1, 1) == -1
    assert choice("c", "b", ("a", "b")) == "b"
    with pytest.raises(ValueError, match=r"c 'x' is unknown; accepted: a, b$"):
        choice("c", "x", ("a", "b"))
