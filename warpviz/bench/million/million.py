"""A million agents over one context: each thinks about its own task, through a few slots."""

import argparse
import json
import multiprocessing
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from warp_cortex import unreadable

from warpviz.bench.harness import flags
from warpviz.bench.harness.machine import has_bfloat16, load, provenance
from warpviz.bench.harness.progress import Meter, meter
from warpviz.bench.million import worker
from warpviz.bench.million.shards import Ledger, Shards, put, sweep, take
from warpviz.bench.million.summary import summary, text_of, totals
from warpviz.bench.million.tasks import VillageTasks
from warpviz.bench.million.worker import ThoughtNote, WorkPlan

SAVE_EVERY = 5.0  # seconds between two states of the record on disk
PATIENCE = 60.0  # seconds a process gets to end by itself


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument(
        "--model", default="village", help="a model that knows the village (village)"
    )
    parser.add_argument(
        "--agents", type=int, default=1_000_000, metavar="N", help="how many (1,000,000)"
    )
    parser.add_argument(
        "--slots", type=int, default=256, metavar="N", help="agents at once in one process (256)"
    )
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N", help="processes of one thread each (2)"
    )
    parser.add_argument(
        "--context", type=int, default=512, metavar="TOKENS", help="of the text they share (512)"
    )
    parser.add_argument("--k", type=int, default=64, help="landmarks (64)")
    parser.add_argument(
        "--dtype",
        choices=("auto", "bfloat16", "float32"),
        default="auto",
        help="auto: bfloat16 where the processor multiplies it",
    )
    parser.add_argument(
        "--shard", type=int, default=5000, metavar="N", help="agents per file of results (5,000)"
    )
    parser.add_argument("--seed", type=flags.seed, default=0)
    parser.add_argument(
        "--out", type=Path, default=Path("million"), help="folder of the results (million)"
    )
    parser.add_argument(
        "--show", action="store_true", help="print what the folder holds; run nothing"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object at the end, and nothing else"
    )


class CallRecord:
    """Records what a call does while it works.

    A call that is killed loses the last few seconds of its record at most.
    """

    def __init__(
        self, ledger: Ledger, record: dict[str, Any], args: argparse.Namespace, progress: Meter
    ) -> None:
        self.ledger = ledger
        self.record = record
        self.workers = args.workers
        self.progress = progress
        self.notes: list[ThoughtNote] = []
        self.call: dict[str, Any] = {
            "slots": args.slots,
            "workers": args.workers,
            "interrupted": False,
        }
        self.call |= provenance("cpu", seed=args.seed) | load()
        record["calls"].append(self.call)
        self._start = self._saved = time.monotonic()

    def add(self, note: ThoughtNote) -> None:
        """Count a shard that was written."""
        self.notes.append(note)
        self.progress.advance(note.agents, note.task_tokens + note.thought_tokens)
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the record."""
        self._saved = time.monotonic()
        self.call |= totals(self.notes, self.workers) | {"seconds": self._saved - self._start}
        self.ledger.save(self.record)


def plan_of(args: argparse.Namespace) -> WorkPlan:
    """Return the plan that the flags describe.

    Raises:
        ValueError: a number is out of its range; the message gives the range.
    """
    most = VillageTasks(args.seed).most
    for name, top in (("agents", most), ("slots", 65_536), ("workers", 256), ("shard", most)):
        value = getattr(args, name)
        if not 1 <= value <= top:
            msg = f"--{name} must be between 1 and {top:,}, got {value:,}"
            raise ValueError(msg)
    dtype = args.dtype if args.dtype != "auto" else "bfloat16" if has_bfloat16() else "float32"
    return WorkPlan(args.model, dtype, args.agents, args.seed, args.context, args.k, args.shard)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run all agents that are not finished, and return the summary of the folder."""
    if args.show:
        return shown(args.out)
    plan = plan_of(args)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    ledger = Ledger(args.out / "run.json")
    shards = Shards(args.out, plan.agents, plan.shard)
    record = ledger.open(_described(plan))
    sweep(args.out)
    if missing := shards.missing():
        _measure_axes(plan, args.slots, args.out, begin=lambda: ledger.save(record))
        done = plan.agents - sum(len(shards.members(number)) for number in missing)
        with meter(plan.agents, done, quiet=args.json) as seen:
            call = CallRecord(ledger, record, args, seen)
            try:
                _work(plan, args, missing, call)
            finally:
                call.save()
    return summary(record, shards)


def shown(folder: Path) -> dict[str, Any]:
    """Return the summary of a folder, of any plan; nothing is written.

    Raises:
        UnreadableFileError: it holds no run, or its run.json is something else.
    """
    ledger = Ledger(folder / "run.json")
    try:
        return summary(ledger.read(), ledger.shards())
    # a call that lacks what every call records
    except (KeyError, TypeError, AttributeError) as error:
        why = "is not the record of a run: a call lacks what every call records"
        raise unreadable(ledger.path, why) from error


def try_out(folder: Path | str, *, agents: int = 200, slots: int = 64) -> dict[str, Any]:
    """Run a few agents in this process, print nothing, and return what `--json` prints."""
    parser = argparse.ArgumentParser()
    configure(parser)
    small = [
        "--agents",
        str(agents),
        "--slots",
        str(slots),
        "--shard",
        "50",
        "--workers",
        "1",
        "--json",
    ]
    return run(parser.parse_args([*small, "--out", str(folder)]))


def _described(plan: WorkPlan) -> dict[str, Any]:
    """Return the plan with the checksum of the model's weights.

    Results of two models must not share a folder.
    """
    from warp_cortex import Prism

    with Prism.load(plan.model) as prism:
        return plan.record() | {"checksum": prism.spec.checksum}


def _measure_axes(plan: WorkPlan, slots: int, folder: Path, *, begin: Callable[[], None]) -> None:
    """Measure, once per folder, the axes that thoughts are projected on.

    `begin` is called before anything is written: a plan that fails leaves the folder empty.
    """
    if (folder / "axes.npz").exists():
        take(folder / "axes.npz")  # a damaged file is an error here, before processes start
        return
    workshop = worker.Workshop(plan)
    try:
        axes = workshop.axes(slots)
    finally:
        workshop.prism.close()
    begin()
    put(folder / "axes.npz", axes)


def _work(plan: WorkPlan, args: argparse.Namespace, missing: list[int], call: CallRecord) -> None:
    """Work on the missing shards, here or in processes, until they are done or Ctrl-C ends it."""
    try:
        if args.workers == 1:
            worker.work(
                plan,
                args.slots,
                args.out,
                numbers=iter(missing),
                tell=call.add,
                stop=lambda: False,
            )
        else:
            _work_in_processes(plan, args, missing, call.add)
    except KeyboardInterrupt:
        call.call["interrupted"] = True


def _work_in_processes(
    plan: WorkPlan,
    args: argparse.Namespace,
    missing: list[int],
    on_note: Callable[[ThoughtNote], None],
) -> None:
    """Let several processes take shards from one queue; call `on_note` after each shard.

    Raises:
        ChildProcessError: a process failed; the shards written so far stay.
    """
    spawn = multiprocessing.get_context("spawn")
    numbers: multiprocessing.Queue[int] = spawn.Queue()
    notes: multiprocessing.Queue[ThoughtNote] = spawn.Queue()
    stop = spawn.Event()
    for number in missing:
        numbers.put(number)
    shared = {"numbers": numbers, "notes": notes, "stop": stop}
    arguments = (plan, args.slots, args.out)
    processes = [
        spawn.Process(target=worker.work_beside, args=arguments, kwargs=shared)
        for _ in range(args.workers)
    ]
    for process in processes:
        process.start()
    try:
        for note in _received(notes, lambda: any(process.is_alive() for process in processes)):
            on_note(note)
    finally:
        stop.set()
        numbers.cancel_join_thread()
        for process in processes:
            process.join(PATIENCE)
        for note in _received(notes, lambda: False):
            on_note(note)
    if failed := [process.exitcode for process in processes if process.exitcode]:
        found = f"{len(failed)} of {args.workers} processes ended early (exit codes {failed})"
        msg = f"{found}; repeat the call to go on"
        raise ChildProcessError(msg)


def _received(
    notes: "multiprocessing.Queue[ThoughtNote]", go_on: Callable[[], bool]
) -> Iterator[ThoughtNote]:
    """Yield notes until the queue is empty and `go_on` is false."""
    while True:
        try:
            yield notes.get(timeout=0.2)
        except queue.Empty:
            if not go_on():
                return


def execute(args: argparse.Namespace) -> int:
    """Run and print; return 130 if agents are left for another call, else 0."""
    found = run(args)
    if args.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.write(text_of(found, args.out) + "\n")
    return 130 if found["missing"] and not args.show else 0
