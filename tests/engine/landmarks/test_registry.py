"""The registry of policies: what each says it needs, and policies that others add."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields

import pytest
import torch
import warp_cortex
from torch import Generator, Tensor
from warp_cortex import (
    Context,
    Cortex,
    CortexConfig,
    Evidence,
    Policy,
    Prism,
    Publish,
    RiverConfig,
    Synapse,
    SynapseConfig,
    rank,
    register_policy,
)
from warp_cortex import config as settings_module
from warp_cortex.context.queries import QueryLog
from warp_cortex.landmarks import policies as registry
from warp_cortex.landmarks.policies import NEEDS, find_policy, policies

from tests.engine.tiny import build_prism, random_ids

CUT = [policy.name for policy in policies() if policy.name != "all"]


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test registers is gone after it."""
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    for name in ("POLICIES", "COMPOSABLE"):
        monkeypatch.setattr(settings_module, name, getattr(settings_module, name))


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("qwen2") as built:
        yield built


def made(*given: str, tokens: int = 40, seed: int = 0) -> Evidence:
    """Return random evidence with points and the fields that are given."""
    draw = torch.Generator().manual_seed(seed)
    values = {
        "points": torch.randn(tokens, 3, generator=draw),
        "keys": torch.randn(tokens, 5, generator=draw),
        "attention": torch.rand(4, tokens, generator=draw),
        "received": torch.rand(tokens, generator=draw),
    }
    return Evidence(**{name: values[name] for name in ("points", *given)})


def latest_even(evidence: Evidence, _generator: Generator | None) -> Tensor:
    """Score even positions above odd ones, later above earlier."""
    place = torch.arange(evidence.num_tokens)
    return torch.where(place % 2 == 0, place, -1).float()


def test_settings_accept_exactly_what_is_registered():
    """The names that settings check against are the registry's, in its order."""
    assert tuple(policy.name for policy in policies()) == settings_module.POLICIES
    composing = tuple(policy.name for policy in policies() if policy.composes)
    assert composing == settings_module.COMPOSABLE == ("farthest", "hybrid")


def test_needs_are_what_evidence_may_lack():
    """Every field of `Evidence` but the points can be needed, and nothing else."""
    assert tuple(field.name for field in fields(Evidence)) == ("points", *NEEDS)


@pytest.mark.parametrize("name", CUT)
def test_a_policy_needs_what_it_says_and_no_more(name):
    """With its needs alone it ranks as with everything; with one of them missing it is refused."""
    needs = find_policy(name).needs
    whole = rank(made(*NEEDS), k=30, policy=name, sinks=2, recent=3)
    alone = rank(made(*needs), k=30, policy=name, sinks=2, recent=3)
    assert alone.order.tolist() == whole.order.tolist()
    assert torch.equal(alone.scores, whole.scores)
    for need in needs:
        rest = [other for other in NEEDS if other != need]
        with pytest.raises(ValueError, match=rf"policy '{name}' needs evidence\.{need}, .*random"):
            rank(made(*rest), k=30, policy=name)


def test_only_what_a_policy_needs_is_computed(prism, monkeypatch):
    """The farthest-point rule asks no query, whether its text was followed, evicted or is new."""
    monkeypatch.setattr(QueryLog, "mass", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(QueryLog, "attention", lambda *_, **__: 1 / 0)
    for incremental in (False, True):
        context = Context(prism)
        synapse = Synapse(SynapseConfig(k=12, policy="farthest", incremental=incremental))
        for start in range(0, 80, 16):
            context.read(random_ids(16, seed=start))
            synapse.follow(context)
        synapse.publish(context)
        context.read(random_ids(9, seed=2))
        synapse.publish(context)
        context.evict(sinks=4, window=30)
        assert synapse.publish(context).landmarks.numel() == 12


@pytest.mark.usefixtures("own_registry")
def test_a_registered_policy_is_a_policy(prism):
    """Its name is accepted by settings and `rank`, and a run publishes what it chooses."""
    mine = register_policy(Policy("mine", latest_even, source="this test"))
    assert warp_cortex.POLICIES == settings_module.POLICIES
    assert warp_cortex.POLICIES[-1] == "mine"
    assert find_policy("mine") is mine
    order = rank(made(), k=6, policy="mine", sinks=1, recent=2).order.tolist()
    assert order == [0, 39, 38, 36, 34, 32]
    config = CortexConfig(
        synapse=SynapseConfig(k=10, policy="mine"), river=RiverConfig(max_tokens=8)
    )
    events = list(Cortex(prism, config).run("the red door is shut [TASK: look again] and so on"))
    published = [event for event in events if isinstance(event, Publish)]
    assert {event.policy for event in published} <= {"mine"}
    context = Context(prism)
    context.read(random_ids(60, seed=3))
    snapshot = Synapse(SynapseConfig(k=10, policy="mine", sinks=1, recent=2)).publish(context)
    assert snapshot.ranking.tolist()[:6] == [0, 59, 58, 56, 54, 52]


@pytest.mark.usefixtures("own_registry")
def test_a_registered_policy_that_covers_may_be_incremental():
    """Its score is weighed against coverage; a need that cannot be summed up forbids composing."""
    register_policy(Policy("mine", latest_even, covers=True))
    assert SynapseConfig(policy="mine", incremental=True).incremental
    with_alpha = rank(made(), k=20, policy="mine", alpha=0.0).order.tolist()
    assert with_alpha == rank(made(), k=20, policy="farthest").order.tolist()
    register_policy(Policy("mine", latest_even, covers=True, needs=("attention",)))
    with pytest.raises(ValueError, match=r"needs a policy that composes \(farthest or hybrid\)"):
        SynapseConfig(policy="mine", incremental=True)


@pytest.mark.usefixtures("own_registry")
def test_registering_again_replaces_but_never_a_built_in():
    """A cell that runs twice registers twice; the built-in names stay what they are."""
    register_policy(Policy("mine", latest_even))
    again = register_policy(Policy("mine", lambda evidence, _: -latest_even(evidence, None)))
    assert find_policy("mine") is again
    assert warp_cortex.POLICIES.count("mine") == 1
    with pytest.raises(ValueError, match="policy 'h2o' is built in and cannot be replaced"):
        register_policy(Policy("h2o", latest_even))
    with pytest.raises(TypeError, match="register_policy needs a Policy, got 'mine'"):
        register_policy("mine")


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"name": "my policy"}, ValueError, "a policy's name must be letters.*'my policy'"),
        ({"name": ""}, ValueError, "a policy's name must be"),
        ({"score": None}, ValueError, "policy 'mine' must have a score or covers=True"),
        ({"score": 3}, TypeError, "score must be a function of .*, got 3"),
        ({"needs": "keys"}, TypeError, "needs must be a tuple.*'keys'"),
        ({"needs": ("key",)}, ValueError, "did you mean 'keys'"),
    ],
)
def test_bad_policies_are_named(values, error, words):
    """A policy that could not be chosen by is refused when it is made."""
    with pytest.raises(error, match=words):
        Policy(**({"name": "mine", "score": latest_even} | values))


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (torch.zeros(39), r"must be float32 \[40\], got torch.float32 \[39\]"),
        (torch.zeros(40, dtype=torch.float64), r"must be float32 \[40\], got torch.float64 \[40\]"),
        (None, r"must be float32 \[40\], got None"),
        (torch.full((40,), torch.nan), "must be finite"),
    ],
)
def test_bad_scores_are_named(scores, words):
    """What a registered score returns is checked before it chooses anything."""
    register_policy(Policy("mine", lambda *_: scores))
    with pytest.raises(ValueError, match=f"the score of policy 'mine' {words}"):
        rank(made(), k=9, policy="mine")


@pytest.mark.usefixtures("own_registry")
def test_a_need_that_was_not_declared_is_named():
    """A score that reads what it did not ask for says so, instead of choosing by something else."""
    register_policy(Policy("mine", lambda evidence, _: evidence.required("received")))
    with pytest.raises(ValueError, match=r"evidence\.received was not given.*in `needs`"):
        rank(made(), k=9, policy="mine")


def test_settings_are_checked_without_torch():
    """Names are known as soon as the package is imported, and nothing heavy is loaded for it."""
    code = (
        "import sys, warp_cortex\n"
        "warp_cortex.SynapseConfig(policy='hybrid', incremental=True)\n"
        "assert 'hybrid' in warp_cortex.POLICIES\n"
        "assert warp_cortex.load_trace and warp_cortex.Policy\n"
        "assert 'torch' not in sys.modules\n"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=env, check=True, timeout=60)
