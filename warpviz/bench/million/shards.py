"""A folder of results in shards; a later call computes only the shards that are missing."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import psutil
from numpy.typing import NDArray
from warp_cortex import UnreadableFileError, read_arrays, read_object, unreadable, write_files
from warp_cortex.files.atomic import writer_of

Arrays = dict[str, NDArray[Any]]
# of a zip file: its first entry, and how its end begins
FIRST = b"PK\x03\x04"
LAST = b"PK\x05\x06"
END_BYTES = 22
# what `summary.summary` adds up
NUMBERS = (
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
MOST = 2**63
MOST_SHARDS = 100_000


@dataclass(frozen=True, slots=True)
class Shards:
    """Results of `agents` agents, `size` of them a shard; each shard is one .npz of arrays."""

    folder: Path
    agents: int
    size: int

    @property
    def count(self) -> int:
        """Number of shards."""
        return -(-self.agents // self.size)

    def members(self, number: int) -> range:
        """Return the agents of a shard."""
        return range(number * self.size, min(self.agents, (number + 1) * self.size))

    def missing(self) -> list[int]:
        """Return the numbers of the shards that are absent or cut short."""
        return [number for number in range(self.count) if not _is_whole(self.path(number))]

    def path(self, number: int) -> Path:
        """Return the path of a shard."""
        return self.folder / f"thoughts-{number:05}.npz"

    def write(self, number: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write a shard; its file is complete or absent at any moment."""
        put(self.path(number), arrays)

    def read(self, number: int) -> Arrays:
        """Return a shard's arrays.

        Raises:
            ValueError: the file is damaged.
        """
        return take(self.path(number))

    def present(self) -> Iterator[Arrays]:
        """Yield the arrays of the shards that exist, in order."""
        for number in range(self.count):
            if self.path(number).exists():
                yield self.read(number)


def take(path: Path) -> Arrays:
    """Return the arrays that `put` wrote.

    Raises:
        UnreadableFileError: the file is damaged; the message says what to do.
    """
    advice = "is damaged; delete it and repeat the run, which writes it again"
    return read_arrays(path, kinds="fiuUb", refusal=advice)


def put(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as one .npz; the file is complete or absent, whatever happens."""

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    write_files({path: write})


def _is_whole(path: Path) -> bool:
    """Return whether a file begins and ends as an .npz does; nothing between is read."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(FIRST)) == FIRST
            file.seek(-END_BYTES, os.SEEK_END)
            return begins and file.read(len(LAST)) == LAST
    except OSError:  # there is none, or it is shorter than an end
        return False


def sweep(folder: Path) -> None:
    """Remove the unfinished files of processes that were killed."""
    for partial in folder.glob(".*.npz.*.part"):
        writer = writer_of(partial)
        if writer is not None and not psutil.pid_exists(writer):
            partial.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The record of a folder: the plan of its results, and the calls that worked on them."""

    path: Path

    def open(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record in the folder, or a new one, which `save` writes.

        Raises:
            ValueError: the folder holds results of another plan, or results without a record.
        """
        if not self.path.exists():
            folder = self.path.parent
            if strays := sorted(
                path.name for name in ("axes.npz", "thoughts-*.npz") for path in folder.glob(name)
            ):
                found = (
                    f"{folder} holds {strays[0]} but no {self.path.name} that says what it is of"
                )
                msg = f"{found}; put that back, or name another folder with --out"
                raise ValueError(msg)
            return {"plan": dict(plan), "calls": []}
        record = self.read()
        for name, value in plan.items():
            if record["plan"].get(name) != value:
                there = f"{name} {record['plan'].get(name)!r}, this call has {value!r}"
                advice = "repeat that, or name another folder with --out"
                msg = f"{self.path.parent} holds results with {there}; {advice}"
                raise ValueError(msg)
        return record

    def read(self) -> dict[str, Any]:
        """Return the record in the folder.

        Raises:
            ValueError: there is none, or the file is something else.
        """
        try:
            record = read_object(self.path)
        except FileNotFoundError as error:
            raise unreadable(self.path.parent, "holds no run") from error
        except UnreadableFileError as error:
            self._refuse("it is no JSON object", error)
        plan = record.get("plan")
        calls = record.get("calls")
        if not isinstance(plan, dict) or not isinstance(calls, list):
            self._refuse("it has no plan, or no calls")
        if not all(isinstance(call, dict) for call in calls):
            self._refuse("a call is no object")
        for name in NUMBERS:
            for call in calls:
                value = call.get(name, 0)
                if type(value) not in (int, float) or not 0 <= value < MOST:
                    self._refuse(f"{name} must be a number from 0, got {value!r:.40}")
        return record

    def _refuse(self, why: str, cause: Exception | None = None) -> NoReturn:
        raise unreadable(self.path, f"is not the record of a run: {why}") from cause

    def shards(self) -> Shards:
        """Return the shards that the record describes.

        Raises:
            ValueError: there is no record, or it does not say how many agents and shards.
        """
        plan = self.read()["plan"]
        agents = plan.get("agents")
        size = plan.get("shard")
        if type(agents) is not int or type(size) is not int or min(agents, size) < 1:
            self._refuse("agents and shard must be whole numbers from 1")
        if -(-agents // size) > MOST_SHARDS:
            self._refuse(f"{agents:,} agents in shards of {size:,}")
        return Shards(self.path.parent, agents, size)

    def save(self, record: Mapping[str, Any]) -> None:
        """Write the record."""
        write_files({self.path: f"{json.dumps(record, indent=1)}\n".encode()})
