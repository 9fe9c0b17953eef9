"""What a million thoughts were: how many are right and pass the gate, and a map of a sample of
them.
"""

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
from warpviz.bench.million.tasks import Errands
from warpviz.village.world import protocol

NOTHING = protocol.NOTHING.strip()
LEAST = 2  # thoughts that can lie beside each other


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
class Told:
    """Distinct thoughts of a run, and which one each agent had. number: int32 [N], into texts."""

    texts: tuple[str, ...]
    number: NDArray[np.int32]


def gathered(shards: Shards) -> Arrays:
    """Return the arrays of all shards that are there, one below the other.

    Raises:
        ValueError: there is none.
    """
    parts = list(shards.present())
    if not parts:
        msg = f"{shards.folder} holds no shard yet; run `warpviz bench million --out {shards.folder}` first"
        raise ValueError(msg)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def told(thoughts: NDArray[np.int16], model: str) -> Told:
    """Return the texts of thoughts [N, most], each distinct one decoded once."""
    from warp_cortex import Prism

    distinct, number = np.unique(thoughts, axis=0, return_inverse=True)
    with Prism.load(model) as prism:
        texts = tuple(
            prism.decode([int(token) for token in row if token >= 0]).strip() for row in distinct
        )
    return Told(texts, number.reshape(-1).astype(np.int32))


def rightness(arrays: Arrays, said: Told, errands: Errands) -> NDArray[np.bool_]:
    """Return whether each thought is exactly what it should be: the fact, or that nothing is
    known.
    """
    facts = [protocol.answer(fact).text.strip() for fact in errands.facts]
    wanted = np.array([*facts, *[NOTHING] * (len(errands.questions) - len(facts))])
    right: NDArray[np.bool_] = np.array(said.texts)[said.number] == wanted[arrays["question"]]
    return right


def share_rows(arrays: Arrays, right: NDArray[np.bool_], errands: Errands) -> list[dict[str, Any]]:
    """Return one row per relation and per whether the context answers: agents, share right, share
    accepted.
    """
    relation = np.array([name for name, _ in errands.questions])[arrays["question"]]
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
    """Return a map [N, 2] of thought vectors by UMAP."""
    from warpviz.topology.projection.projections import umap

    placed: NDArray[np.float16] = umap(vectors.astype(np.float32), seed=seed).coords.astype(
        np.float16
    )
    return placed


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Count, draw a sample, lay it out and write it.

    Raises:
        ValueError: the folder holds no run, or fewer than two thoughts are to be drawn.
    """
    if args.thoughts < LEAST:
        msg = f"--thoughts must be at least {LEAST}, got {args.thoughts}"
        raise ValueError(msg)
    ledger = Ledger(args.of / "run.json")
    arrays = gathered(ledger.shards())
    plan = ledger.read()["plan"]
    errands = Errands(plan["seed"])
    said = told(arrays["thought"], plan["model"])
    right = rightness(arrays, said, errands)
    random = np.random.default_rng(args.seed)
    drawn = np.sort(random.choice(len(right), min(args.thoughts, len(right)), replace=False))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    sample: dict[str, Any] = _sample(arrays, said, right, drawn, errands=errands, seed=args.seed)
    np.savez_compressed(args.out, **sample)
    return {
        "plan": plan,
        "thoughts": len(right),
        "distinct": len(said.texts),
        "right": float(right.mean()),
        "accepted": float(arrays["accepted"].mean()),
        "drawn": len(drawn),
        "rows": share_rows(arrays, right, errands),
    }


def _sample(
    arrays: Arrays,
    said: Told,
    right: NDArray[np.bool_],
    drawn: NDArray[np.int64],
    *,
    errands: Errands,
    seed: int,
) -> Arrays:
    """Return the arrays of the map: `thought` and `question` point into the texts stored beside
    them.
    """
    kept, thought = np.unique(said.number[drawn], return_inverse=True)
    return {
        "place": lay_out(arrays["vector"][drawn], seed=seed),
        "right": right[drawn],
        "thought": thought.astype(np.int32),
        "thoughts": np.array([said.texts[number] for number in kept]),
        "questions": np.array([errands.plain(number) for number in range(len(errands.questions))]),
        "relations": np.array([name for name, _ in errands.questions]),
        "wanted": np.array(errands.trigger),
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
    sys.stdout.write(
        f"{found['thoughts']:,} thoughts, {found['distinct']:,} distinct; map of {found['drawn']:,}\n"
    )
    return 0
