"""The council's table: shares, and gains over the same worlds without streams."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from warp_cortex import CortexConfig

from warpviz.village.evaluate import council
from warpviz.village.evaluate.council import (
    MAIN,
    OTHERS,
    TWO_HOP,
    WorldJob,
    WorldOutcome,
    is_outside,
    jobs,
    settings,
    table,
)
from warpviz.village.world.scene import scene
from warpviz.village.world.tokens import Encoder

ONE = WorldOutcome(
    arm="with",
    seed=1,
    right=True,
    answer="attic",
    thought="the key is in the attic.",
    thought_right=True,
    outside=True,
    two_hop=False,
)
RIGHTS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=30)


@settings_of(max_examples=15)  # every table bootstraps
@given(rights=RIGHTS)
def test_gains_are_over_the_same_worlds(rights: list[tuple[bool, bool, bool]]) -> None:
    """The gain of an arm is the difference of the shares in the worlds that both have run, in
    points.
    """
    outcomes = []
    for seed, (alone, helped, outside) in enumerate(rights):
        outcomes.append(replace(ONE, arm="without", seed=seed, right=alone, outside=outside))
        outcomes.append(replace(ONE, arm="with", seed=seed, right=helped, outside=outside))
    # no other arm ran this world
    outcomes.append(replace(ONE, arm="without", seed=999, right=False))
    found = table(outcomes)
    gain = found["gain_points_over_without"]["with"]
    total = sum(helped - alone for alone, helped, _ in rights)
    assert gain["all"]["points"] == pytest.approx(100 * total / len(rights), abs=0.01)
    assert gain["all"]["n"] == len(rights)
    far = [(alone, helped) for alone, helped, outside in rights if outside]
    assert ("fact_outside" in gain) == bool(far)
    if far:
        assert gain["fact_outside"]["n"] == len(far)
    assert found["arms"]["without"]["river"]["n"] == len(rights) + 1


def test_shares_are_of_their_own_runs() -> None:
    """Inside and outside the window, one hop and two, right thoughts and empty ones: each of those
    it is about.
    """
    outcomes = [
        ONE,
        replace(
            ONE,
            seed=2,
            right=False,
            outside=False,
            thought="nothing is known.",
            thought_right=False,
        ),
        replace(ONE, seed=3, right=True, two_hop=True, thought=None, thought_right=False),
    ]
    arm = table(outcomes)["arms"]["with"]
    assert (arm["river"]["n"], arm["river"]["share"]) == (3, 0.6667)
    assert (arm["river_fact_outside"]["n"], arm["river_fact_outside"]["share"]) == (2, 1.0)
    assert (arm["river_fact_inside"]["n"], arm["river_fact_inside"]["share"]) == (1, 0.0)
    assert (arm["river_two_hops"]["n"], arm["river_one_hop"]["n"]) == (1, 2)
    assert arm["thought_right"]["share"] == arm["thought_nothing"]["share"] == 0.3333


@pytest.mark.parametrize("arm", [*MAIN, *OTHERS, *TWO_HOP], ids=lambda arm: arm.name)
def test_an_arm_is_held_against_its_own_river(arm) -> None:
    """One like it but without streams: as long a cache, as many hops; those without streams gain
    nothing.
    """
    rivers = {a.name: a for a in (*MAIN, *TWO_HOP) if not a.streams}
    outcomes = [replace(ONE, arm=name, right=False) for name in {*rivers, arm.name}]
    gains = table(outcomes)["gain_points_over_without"]
    assert (arm.name in gains) == arm.streams
    if arm.streams:
        base = rivers[gains[arm.name]["base"]]
        assert (base.kind, base.window) == (arm.kind, arm.window)


def test_arms_have_names_of_their_own() -> None:
    """No two arms share a line of the table."""
    names = [arm.name for arm in (*MAIN, *OTHERS, *TWO_HOP)]
    assert len(set(names)) == len(names)
    assert [job.arm for job in jobs(1, 1, tokens=64, window=8, seed=0)] == [
        *MAIN,
        *OTHERS,
        *TWO_HOP,
    ]


def test_settings_change_what_the_arm_says_and_nothing_else() -> None:
    """Budget, policy, age and router are the arm's; the River takes the likeliest token; the rest
    is the default.
    """
    for arm in (*MAIN, *OTHERS, *TWO_HOP):
        config = settings(WorldJob(arm, 3, 512, 100))
        assert (config.synapse.k, config.synapse.policy, config.synapse.max_age) == (
            arm.k,
            arm.policy,
            arm.max_age,
        )
        assert config.router.enabled is arm.streams
        assert config.river.window == (100 if arm.window else None)
        assert config.river.temperature == 0
        assert (config.gate, config.injection, config.streams) == (
            CortexConfig().gate,
            CortexConfig().injection,
            CortexConfig().streams,
        )


def test_outside_is_before_the_window(encoder: Encoder) -> None:
    """With a window of the whole prompt nothing is outside, with one of no tokens everything that
    is needed is.
    """
    for seed in range(5):
        where = scene(seed, 300, encoder.length)
        whole = encoder.length(where.prompt)
        assert not is_outside(where, whole, encoder.length)
        assert is_outside(where, 0, encoder.length)
        windows = [is_outside(where, window, encoder.length) for window in range(0, whole, 10)]
        assert windows == sorted(windows, reverse=True)


def test_a_spent_budget_ends_the_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What does not fit is left out: the table is of the runs that were played, and says how
    many.
    """
    played = []

    def few(work: list[WorldJob], *, model: str, processes: int):
        for job in work:
            played.append(job)
            yield replace(ONE, arm=job.arm.name, seed=job.seed)

    monkeypatch.setattr(council, "_played", few)
    council.main(["--worlds", "5", "--arm-worlds", "1", "--minutes", "0", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert len(played) == 1
    assert found["arms"]["without"]["river"]["n"] == 1
    assert found["gain_points_over_without"] == {}
