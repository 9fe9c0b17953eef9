"""Questions put to streams over one held-out context each: how many are answered word for word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from warp_cortex import Context, Cortex, CortexConfig, Prism, Snapshot, StreamConfig, SynapseConfig

from warpviz.village.evaluate.report import interval
from warpviz.village.world import protocol
from warpviz.village.world.document import Item, item
from warpviz.village.world.scene import Kind, Scene, scene

if TYPE_CHECKING:
    from warpviz.village.world.world import Split

Length = Callable[[str], int]
# questions per document: more would make the questions of a cell depend on ever fewer documents
AT_ONCE = 24
SINKS = 4
PATIENCE = 200  # worlds in a row without a question of the kind asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What is asked, how long the text is, and which landmarks streams see.

    Policy `all` is the full context, `ends` the ends of random sentences.
    """

    tokens: int
    split: Split
    kind: Kind
    policy: str = "all"
    k: int = 64


def measure(
    prism: Prism, length: Length, cell: Cell, *, seed: int, least: int
) -> dict[str, object]:
    """Ask at least `least` questions and return the share of exact thoughts, with its interval.

    As many worlds are drawn as that takes. seed: of the first world.

    Raises:
        ValueError: `least` is less than 1, or no world of that length asks that kind of question.
    """
    if least < 1:
        msg = f"least must be at least 1, got {least}"
        raise ValueError(msg)
    right = total = nothing = worlds = empty = 0
    guess = 0.0  # expected number of right guesses
    while total < least:
        worlds += 1
        try:
            where = scene(seed + worlds - 1, cell.tokens, length, split=cell.split, kind=cell.kind)
        except ValueError as error:  # a world of one box or so asks nothing of this kind
            empty += 1
            if empty == PATIENCE:
                worlds_tried = f"{PATIENCE} worlds of {cell.tokens} tokens"
                msg = f"{worlds_tried} ask nothing of kind {cell.kind!r}: {error}"
                raise ValueError(msg) from error
            continue
        empty = 0
        items = asked(where, cell.kind)
        thoughts = think(prism, where.document.text, items, cell, seed=seed + worlds)
        right += sum(
            text == found.thought.strip() for text, found in zip(thoughts, items, strict=True)
        )
        nothing += sum(text == protocol.NOTHING.strip() for text in thoughts)
        guess += sum(guessing(where, found) for found in items)
        total += len(items)
    kept = nothing if cell.kind == "unknown" else right
    out = {**interval(kept, total), "worlds": worlds}
    if cell.kind != "unknown":
        out |= {"said_nothing": round(nothing / total, 4), "guessing": round(guess / total, 4)}
    return out


def asked(where: Scene, kind: Kind) -> list[Item]:
    """Return up to AT_ONCE questions of a kind about a scene, in the world's random order."""
    if kind == "unknown":
        relation = where.asked.question.relation
        return [item(where.world.unknown(relation), ()) for _ in range(8)]
    fitting = [
        found for found in (where.asked, *where.others) if found.question.two_hop == (kind == "two")
    ]
    return where.world.random.sample(fitting, min(AT_ONCE, len(fitting)))


def guessing(where: Scene, found: Item) -> float:
    """Return the chance to guess the value among the document's values of the same relation."""
    base = "location" if found.question.relation == "room" else found.question.relation
    values = {fact.value for fact in where.world.facts if fact.relation == base}
    return 1.0 / max(1, len(values | {found.question.value}))


def think(prism: Prism, text: str, items: list[Item], cell: Cell, *, seed: int) -> list[str]:
    """Return what one stream per question thinks over the landmarks of a text."""
    tasks = [found.task.removeprefix(" [TASK: ").removesuffix("]") for found in items]
    context = prism.read(text)
    policy = "all" if cell.policy == "ends" else cell.policy
    config = CortexConfig(
        seed=seed,
        synapse=SynapseConfig(k=cell.k, policy=policy),
        streams=StreamConfig(slots=AT_ONCE),
    )
    source = ends(context, cell.k, seed=seed) if cell.policy == "ends" else context
    return [stream.text.strip() for stream in Cortex(prism, config).fork(source, tasks)]


def ends(context: Context, k: int, *, seed: int) -> Snapshot:
    """Return a snapshot of the sinks and up to k - 4 random sentence ends."""
    every = torch.tensor(
        [at for at, piece in enumerate(context.tokens) if piece == "." and at >= SINKS]
    )
    picked = every[
        torch.randperm(len(every), generator=torch.Generator().manual_seed(seed))[: k - SINKS]
    ]
    rows = torch.cat((torch.arange(SINKS), picked)).sort().values
    spec = context.prism.spec
    return Snapshot(
        version=1,
        step=context.num_tokens,
        kv=context.store.gather(rows),
        landmarks=rows,
        ranking=rows,
        radius=0.0,
        policy="ends",
        model=spec.name,
        checksum=spec.checksum,
    )


def continued(prism: Prism, context: Context, texts: list[str], *, tokens: int) -> list[str]:
    """Return how the River continues each text after the context, as branches of one batch."""
    config = CortexConfig(
        synapse=SynapseConfig(policy="all"),
        streams=StreamConfig(prompt="{task}", max_tokens=tokens, slots=AT_ONCE),
    )
    return [stream.text for stream in Cortex(prism, config).fork(context, texts)]


def triggers(
    prism: Prism, length: Length, *, tokens: int, seed: int, least: int
) -> dict[str, object]:
    """Return recall and precision of the River's tasks, after needs and after plain prose."""
    exact = needs = spurious = prose = 0
    for where in scenes(length, tokens=tokens, seed=seed):
        if needs >= least:
            break
        items = asked(where, "one")
        world = where.world
        texts = [
            protocol.need(i.question, world.random, protocol.person(i.question, world.random)).text
            for i in items
        ]
        context = prism.read(where.document.text)
        after = continued(prism, context, texts, tokens=16)
        exact += sum(text.startswith(found.task) for text, found in zip(after, items, strict=True))
        needs += len(items)
        facts = [
            protocol.fact(fact, world.random, world.split).text
            for fact in world.facts[: len(items)]
        ]
        later = continued(prism, context, facts, tokens=4)
        spurious += sum(text.startswith(" [TASK") for text in later)
        prose += len(facts)
    return {
        "recall": interval(exact, needs),
        "false_alarms_after_prose": interval(spurious, prose),
        "precision_at_equal_shares": interval(exact, exact + spurious),
    }


def scenes(length: Length, *, tokens: int, seed: int) -> Iterator[Scene]:
    """Yield held-out scenes with one-hop questions without end."""
    while True:
        yield scene(seed, tokens, length, kind="one")
        seed += 1
