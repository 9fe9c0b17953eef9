"""Write the sample texts: `python -m warpviz.village.world.sample_texts --out data/contexts`.

The files come out the same, byte for byte. Each is a held-out scene whose seed was found by
`--search N`: the first of N in which a default run shows what the engine does (see `shows`). That
is a choice of examples, not a measurement; `council` and `evaluate` measure.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from warp_cortex import Cortex, CortexConfig, GateDecision, Prism, RouterConfig, Thought, bundled

from warpviz.village.world import protocol
from warpviz.village.world.scene import Kind, Scene, answered, scene
from warpviz.village.world.tokens import Encoder

LEAST_STREAMS = 3


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one sample text is made from.

    needs_help: whether the River must answer wrongly without streams.
    """

    name: str
    seed: int
    num_tokens: int
    kind: Kind
    needs_help: bool = False


RECIPES = (
    Recipe("boxes", 54, 520, "two", needs_help=True),
    Recipe("chests", 1001, 640, "two", needs_help=True),
    Recipe("household", 2000, 520, "one"),
    Recipe("village", 3008, 860, "one"),
)


def bundled_encoder() -> Encoder:
    """Return the encoder of the bundled model's own tokenizer."""
    return Encoder(Tokenizer.from_file(str(bundled("village") / "tokenizer.json")))


def make(recipe: Recipe, encoder: Encoder) -> Scene:
    """Write the scene of a recipe."""
    return scene(recipe.seed, recipe.num_tokens, encoder.length, kind=recipe.kind)


def write(folder: Path) -> list[Path]:
    """Write every sample text into a folder and return the paths.

    No line end follows the need, because the River goes on from there.
    """
    encoder = bundled_encoder()
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for recipe in RECIPES:
        path = folder / f"{recipe.name}.txt"
        path.write_text(make(recipe, encoder).prompt, encoding="utf-8")
        paths.append(path)
    return paths


def shows(summary: dict[str, Any], where: Scene) -> bool:
    """Tell whether a run shows what the engine does.

    It spawns three streams, keeps out exactly the thoughts that know nothing, one at least, and its
    first answer is the true one, which was injected.
    """
    streams = summary["streams"]
    rejected = [stream["thought"] for stream in streams if not stream["accepted"]]
    empty = [
        stream["thought"] for stream in streams if stream["thought"] == protocol.NOTHING.strip()
    ]
    if len(streams) < LEAST_STREAMS or not rejected or rejected != empty:
        return False
    injected = {injection["text"] for injection in summary["injections"]}
    if where.asked.ref not in injected:
        return False
    return answered(summary["river_text"], where.asked.question) == where.asked.question.value


def run(prism: Prism, prompt: str, *, streams: bool = True) -> dict[str, Any]:
    """Return the summary of a default run, or of one without streams."""
    cortex = Cortex(prism, CortexConfig(router=RouterConfig(enabled=streams)))
    for _ in cortex.run(prompt):
        pass
    return cortex.summary()


def starts_well(prism: Prism, where: Scene) -> bool:
    """Tell whether the first stream of a default run answers the text's question and is accepted.

    The run ends there.
    """
    cortex = Cortex(prism, CortexConfig())
    thought = ""
    for event in cortex.run(where.prompt):
        if isinstance(event, Thought):
            thought = event.text
        if isinstance(event, GateDecision):
            return event.accepted and thought == where.asked.thought.strip()
    return False


def search(recipe: Recipe, encoder: Encoder, prism: Prism, *, count: int) -> int | None:
    """Return the first of `count` seeds whose scene shows what it should; None if none does.

    The first seed tried is the recipe's.
    """
    for seed in range(recipe.seed, recipe.seed + count):
        where = make(replace(recipe, seed=seed), encoder)
        if not starts_well(prism, where) or not shows(run(prism, where.prompt), where):
            continue
        if not recipe.needs_help:
            return seed
        alone = answered(
            run(prism, where.prompt, streams=False)["river_text"], where.asked.question
        )
        if alone != where.asked.question.value:
            return seed
    return None


def main(arguments: list[str] | None = None) -> None:
    """Write the sample texts, or look for seeds."""
    parser = argparse.ArgumentParser(
        prog="python -m warpviz.village.world.sample_texts", description=__doc__
    )
    parser.add_argument(
        "--out", type=Path, default=Path("data/contexts"), help="folder to write to"
    )
    parser.add_argument(
        "--search", type=int, default=0, metavar="N", help="try N seeds per text and write nothing"
    )
    got = parser.parse_args(arguments)
    if not got.search:
        sys.stdout.writelines(f"{path}\n" for path in write(got.out))
        return
    encoder = bundled_encoder()
    prism = Prism.load("village")
    for recipe in RECIPES:
        found = search(recipe, encoder, prism, count=got.search)
        sys.stdout.write(f"{recipe.name}: {'no seed found' if found is None else found}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
