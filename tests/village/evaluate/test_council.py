"""The bundled model in the engine: its sample texts show what the engine does, and streams help the
River.
"""

from pathlib import Path

import pytest
from warp_cortex import Cortex, CortexConfig, GateConfig, Prism, bundled

from warpviz.village.evaluate import council
from warpviz.village.evaluate.council import MAIN, Arm, WorldJob, play, prepare, table
from warpviz.village.world import sample_texts
from warpviz.village.world.sample_texts import RECIPES, Recipe, answered, make, shows
from warpviz.village.world.tokens import Encoder


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_sample_shows_what_the_engine_does(
    village: Prism, encoder: Encoder, recipe: Recipe
) -> None:
    """A default run spawns three streams, rejects one, injects one, and its answer is the injected
    fact.
    """
    where = make(recipe, encoder)
    assert shows(sample_texts.run(village, where.prompt), where)


@pytest.mark.parametrize(
    "recipe", [recipe for recipe in RECIPES if recipe.needs_help], ids=lambda recipe: recipe.name
)
def test_the_river_alone_does_not_find_it(village: Prism, encoder: Encoder, recipe: Recipe) -> None:
    """Where two facts must be joined, the same River without streams answers something else."""
    where = make(recipe, encoder)
    alone = sample_texts.run(village, where.prompt, streams=False)
    assert alone["streams"] == []
    assert answered(alone["river_text"], where.asked.question) != where.asked.question.value


def test_an_answer_follows_what_was_injected_not_luck(village: Prism, encoder: Encoder) -> None:
    """With the gate closed nothing enters, and the first sample's answer is no longer the right
    one.
    """
    where = make(RECIPES[0], encoder)
    cortex = Cortex(village, CortexConfig(gate=GateConfig(theta=1.0)))
    for _ in cortex.run(where.prompt):
        pass
    found = cortex.summary()
    assert found["injections"] == []
    assert answered(found["river_text"], where.asked.question) != where.asked.question.value


def test_two_runs_are_one(village: Prism, encoder: Encoder) -> None:
    """The same text gives the same trace, byte for byte."""
    prompt = make(RECIPES[0], encoder).prompt
    traces = []
    for _ in range(2):
        cortex = Cortex(village)
        for _ in cortex.run(prompt):
            pass
        traces.append(cortex.trace.dumps())
    assert traces[0] == traces[1]


def test_samples_are_written_again_byte_for_byte(tmp_path: Path) -> None:
    """The command that made the sample texts makes the same bytes."""
    written = sample_texts.write(tmp_path)
    assert [path.stem for path in written] == [recipe.name for recipe in sample_texts.RECIPES]
    for path in written:
        assert path.read_bytes() == (bundled("contexts") / path.name).read_bytes()


def test_streams_tell_a_bounded_river_what_it_no_longer_holds() -> None:
    """With every token as a landmark the River answers what lies outside its window, and without
    streams it cannot.
    """
    prepare("village")
    try:
        arms = (Arm(name="without", streams=False), Arm(name="with", policy="all"))
        outcomes = [play(WorldJob(arm, seed, 600, 128)) for arm in arms for seed in (3, 4, 5)]
    finally:
        council._PRISM.pop().close()
    far = [found for found in outcomes if found.outside]
    assert far
    assert all(found.right == (found.arm == "with") for found in far)
    found = table(outcomes)
    assert found["gain_points_over_without"]["with"]["fact_outside"]["points"] == 100
    assert found["arms"]["with"]["river"]["n"] == 3


def test_the_main_arms_differ_by_the_router_alone() -> None:
    """The comparison is fair: same budget, window and seed, streams or none."""
    one, other = (council.settings(WorldJob(arm, 0, 1024, 256)).to_dict() for arm in MAIN)
    one.pop("router")
    other.pop("router")
    assert one == other
