"""A million thoughts: how many are right, how many pass the gate, and a map of a sample."""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warpviz.bench.harness import flags
from warpviz.bench.million.shards import Arrays, Ledger, Shards
from warpviz.bench.million.tasks import VillageTasks
from warpviz.village.world import protocol

NOTHING = protocol.NOTHING.strip()
LEAST = 2  # a map needs a second thought


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument(
        "--of", type=Path, default=Path("million"), help="folder of a `million` run (million)"
    )
    parser.add_argument(
        "--thoughts", type=int, default=20_000, metavar="N", help="how many are drawn (20,000)"
    )
    parser.add_argument("--seed", type=flags.seed, default=0)
    parser.add_argument(
        "--out", type=Path, default=Path("galaxy.npz"), help="file of the map (galaxy.npz)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else"
    )


@dataclass(frozen=True, slots=True)
class ThoughtTexts:
    """Distinct thoughts of a run, and which one each agent had.

    number: int32 [N], for each agent an index into `texts`.
    """

    texts: tuple[str, ...]
    number: NDArray[np.int32]


def gathered(shards: Shards) -> Arrays:
    """Return the arrays of all finished shards, concatenated along the agents.

    Raises:
        ValueError: there is none.
    """
    parts = list(shards.present())
    if not parts:
        command = f"warpviz bench million --out {shards.folder}"
        msg = f"{shards.folder} holds no shard yet; run `{command}` first"
        raise ValueError(msg)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def texts_of(thoughts: NDArray[np.int16], model: str) -> ThoughtTexts:
    """Return the texts of thoughts [N, most], each distinct one decoded once."""
    from warp_cortex import Prism

    distinct, number = np.unique(thoughts, axis=0, return_inverse=True)
    with Prism.load(model) as prism:
        texts = tuple(
            prism.decode([int(token) for token in row if token >= 0]).strip() for row in distinct
        )
    return ThoughtTexts(texts, number.reshape(-1).astype(np.int32))


def rightness(arrays: Arrays, said: ThoughtTexts, tasks: VillageTasks) -> NDArray[np.bool_]:
    """Return for each agent whether its thought is exactly right, bool [N].

    Right is the fact, or, where the context does not say it, that nothing is known.
    """
    facts = [protocol.answer(fact).text.strip() for fact in tasks.facts]
    wanted = np.array([*facts, *[NOTHING] * (len(tasks.questions) - len(facts))])
    right: NDArray[np.bool_] = np.array(said.texts)[said.number] == wanted[arrays["question"]]
    return right


def share_rows(
    arrays: Arrays, right: NDArray[np.bool_], tasks: VillageTasks
) -> list[dict[str, Any]]:
    """Return one row per relation and per whether the context answers its questions.

    Each gives the number of agents, the shares right and accepted, and the mean similarity.
    """
    relation = np.array([name for name, _ in tasks.questions])[arrays["question"]]
    rows = []
    for name in dict.fromkeys(relation.tolist()):
        for known in (True, False):
            chosen = (relation == name) & (arrays["known"] == known)
            if chosen.any():
                rows.append(
                    {
                        "relation": str(name),
                        "known": known,
                        "agents": int(chosen.sum()),
                        "right": float(right[chosen].mean()),
                        "accepted": float(arrays["accepted"][chosen].mean()),
                        "similarity": float(arrays["similarity"][chosen].astype(np.float32).mean()),
                    }
                )
    return rows


def lay_out(vectors: NDArray[Any], *, seed: int) -> NDArray[np.float16]:
    """Return a map [N, 2] of thought vectors [N, D], placed by UMAP."""
    from warpviz.topology.projection.projections import umap

    placed: NDArray[np.float16] = umap(vectors.astype(np.float32), seed=seed).coords.astype(
        np.float16
    )
    return placed


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Count right and accepted thoughts, place a sample by UMAP and write it.

    Raises:
        ValueError: the folder holds no run, or fewer than two thoughts are to be drawn.
    """
    if args.thoughts < LEAST:
        msg = f"--thoughts must be at least {LEAST}, got {args.thoughts}"
        raise ValueError(msg)
    ledger = Ledger(args.of / "run.json")
    arrays = gathered(ledger.shards())
    plan = ledger.read()["plan"]
    tasks = VillageTasks(plan["seed"])
    said = texts_of(arrays["thought"], plan["model"])
    right = rightness(arrays, said, tasks)
    random = np.random.default_rng(args.seed)
    drawn = np.sort(random.choice(len(right), min(args.thoughts, len(right)), replace=False))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    sample: dict[str, Any] = _sample(arrays, said, right, drawn, tasks=tasks, seed=args.seed)
    np.savez_compressed(args.out, **sample)
    return {
        "plan": plan,
        "thoughts": len(right),
        "distinct": len(said.texts),
        "right": float(right.mean()),
        "accepted": float(arrays["accepted"].mean()),
        "drawn": len(drawn),
        "rows": share_rows(arrays, right, tasks),
    }


def _sample(
    arrays: Arrays,
    said: ThoughtTexts,
    right: NDArray[np.bool_],
    drawn: NDArray[np.int64],
    *,
    tasks: VillageTasks,
    seed: int,
) -> Arrays:
    """Return the arrays of the map; `thought` and `question` index its arrays of texts."""
    kept, thought = np.unique(said.number[drawn], return_inverse=True)
    return {
        "place": lay_out(arrays["vector"][drawn], seed=seed),
        "right": right[drawn],
        "thought": thought.astype(np.int32),
        "thoughts": np.array([said.texts[number] for number in kept]),
        "questions": np.array([tasks.plain(number) for number in range(len(tasks.questions))]),
        "relations": np.array([name for name, _ in tasks.questions]),
        "wanted": np.array(tasks.trigger),
        **{
            name: arrays[name][drawn]
            for name in ("agent", "question", "known", "accepted", "similarity")
        },
    }


def execute(args: argparse.Namespace) -> int:
    """Run and print."""
    found = run(args)
    if args.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    from warpviz.bench.harness.report import table

    sys.stdout.write("\n".join(table(found["rows"])) + "\n\n")
    counts = f"{found['thoughts']:,} thoughts, {found['distinct']:,} distinct"
    sys.stdout.write(f"{counts}; map of {found['drawn']:,}\n")
    return 0
