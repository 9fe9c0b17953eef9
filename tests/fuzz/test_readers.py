"""Damaged files: each reader returns something whole, or raises one error in one line.

By default 45 files a reader; WARPVIZ_FUZZ=100000 damages as many for each, WARPVIZ_FUZZ_SEED
chooses others. A failure names the seed of its file.
"""

import json
import os
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from warp_cortex import Token, Trace, UnreadableFileError, load_trace, read_text
from warp_cortex.files.reading import read_object
from warp_cortex.sources.folder import check_folder

from tests.fuzz.damage import damaged
from tests.topology.shapes import circle
from warpviz.bench.million import million
from warpviz.bench.million.shards import Shards
from warpviz.topology import compare, load_comparison
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.store import DiagramStore

COUNT = int(os.environ.get("WARPVIZ_FUZZ", "45"))
SEED = int(os.environ.get("WARPVIZ_FUZZ_SEED", "0"))
KEY = "ab" * 32
COUNTS = (
    "task_tokens",
    "thought_tokens",
    "ended",
    "accepted",
    "seconds",
    "cpu_seconds",
    "finished",
    "peak_rss_bytes",
    "slots",
    "workers",
)
CALL = dict.fromkeys(COUNTS, 1)


def trace(folder: Path) -> Callable[[], Any]:
    """A trace of a few tokens with arrays; what loads is written again."""
    rng = np.random.default_rng(0)
    arrays = {
        "hidden": rng.normal(size=(4, 3)).astype(np.float16),
        "keys": rng.normal(size=(1, 1, 4, 2)).astype(np.float16),
        "positions": np.arange(4),
    }
    events = [Token(step=at, id=at, text="a=1", position=at) for at in range(4)]
    Trace(events=events, arrays=arrays).save(folder)
    return lambda: load_trace(folder).dumps()


def comparison(folder: Path) -> Callable[[], Any]:
    """A comparison; what loads is saved again, with its table, picture and page."""
    compare(circle(24, seed=0), ks=(8,), policies=("farthest",), num_null=1).save(folder)
    return lambda: load_comparison(folder).save(folder.parent / "again")


def store(folder: Path) -> Callable[[], Any]:
    """Stored diagrams: what is unreadable reads as nothing."""
    cache = DiagramStore(root=folder)
    path = cache.put(KEY, diagrams(circle(12, seed=1)))
    assert path is not None

    def read() -> object:
        found = cache.get(KEY)
        return None if found is None else found.caption

    return read


def record(folder: Path) -> Callable[[], Any]:
    """The record of a run of many agents, and its summary."""
    plan = {"plan": {"agents": 9, "shard": 4}, "calls": [CALL]}
    (folder / "run.json").write_text(json.dumps(plan))
    return lambda: million.text_of(million.shown(folder), folder)


def shard(folder: Path) -> Callable[[], Any]:
    """A shard of results."""
    shards = Shards(folder, 4, 4)
    shards.write(0, {"agent": np.arange(4), "texts": np.array(["a", "b"])})
    return lambda: shards.read(0)


def model(folder: Path) -> Callable[[], Any]:
    """The JSON files of a model folder, before transformers reads them."""
    config = {"model_type": "llama", "num_hidden_layers": 2, "rope_parameters": {"rope_theta": 1.0}}
    (folder / "config.json").write_text(json.dumps(config))
    return lambda: (check_folder(folder), read_object(folder / "config.json"))


def prompt(folder: Path) -> Callable[[], Any]:
    """A text."""
    (folder / "prompt.txt").write_text("The key is under the mat. " * 9)
    return lambda: read_text(folder / "prompt.txt")


READERS = {make.__name__: make for make in (trace, comparison, store, record, shard, model, prompt)}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", sorted(READERS))
def test_a_damaged_file_is_one_clear_error_or_none(name: str, tmp_path: Path) -> None:
    """No other exception, no second line, under 300 characters, the file's name in it."""
    folder = tmp_path / "given"
    folder.mkdir()
    read = READERS[name](folder)
    read()
    suffixes = (".json", ".jsonl", ".npz", ".txt")
    files = sorted(path for path in folder.rglob("*") if path.suffix in suffixes)
    whole = {path: path.read_bytes() for path in files}
    for number in range(COUNT):
        seed = f"{SEED} {name} {number}"
        rng = random.Random(seed)
        path = rng.choice(files)
        path.write_bytes(damaged(whole[path], rng))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # arrays of other events are left out
                read()
        except UnreadableFileError as error:
            message = str(error)
            assert len(message) < 300, seed
            assert message.isprintable(), seed
            assert folder.name in message, seed
        except Exception as error:
            msg = f"{type(error).__name__} at {seed!r}: {error}"
            raise AssertionError(msg) from error
        path.write_bytes(whole[path])
