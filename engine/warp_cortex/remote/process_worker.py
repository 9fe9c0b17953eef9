"""The child of `ProcessStreams`: its own copy of the model, and the runner of one run's streams.

Orders and replies are messages on its pipes; it ends when its parent does (see `child`).
"""

import os
import queue
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any

import torch

from warp_cortex.agents.backend import StepOutcome
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.agents.streams import Stream
from warp_cortex.config import StreamConfig
from warp_cortex.files.reading import UnreadableFileError
from warp_cortex.prism import Prism
from warp_cortex.remote import messages
from warp_cortex.remote.child import parent_pipes
from warp_cortex.remote.codec import from_arrays, unpack
from warp_cortex.remote.messages import Arrays

if TYPE_CHECKING:
    from warp_cortex.synapse.synapse import Snapshot

REPORT_S = 0.008

Frame = tuple[dict[str, Any], Arrays]


class Host:
    """The runner of one run at a time, and the snapshots that were sent to it."""

    def __init__(self, prism: Prism) -> None:
        self.prism = prism
        self.runner: LocalRunner | None = None
        self.run = 0
        self.outcomes: list[dict[str, Any]] = []  # since the last report
        self._states: list[torch.Tensor] = []
        self._snapshots: dict[int, Snapshot] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do until the next order comes."""
        return self.runner is None or self.runner.is_idle

    def take(self, order: dict[str, Any], arrays: Arrays) -> None:
        """Obey an order: begin a run, keep a snapshot, open a stream, or end the run."""
        kind = order["kind"]
        if kind != "begin" and order["run"] != self.run:  # another run has begun since
            return
        if kind == "begin":
            config = StreamConfig(**{**order["config"], "stop": tuple(order["config"]["stop"])})
            self.runner = LocalRunner(self.prism, config, seed=order["seed"])
            self.run = order["run"]
            self._snapshots.clear()
            self.outcomes = []
            self._states = []
        elif kind == "snapshot":
            self._snapshots[order["version"]] = unpack(
                {**order["snapshot"], "bias": None, **arrays}, self.prism
            )
        elif kind == "open" and self.runner is not None:
            stream = Stream(
                order["id"], order["task"], "", (0, 0), order["version"], order["prompt"]
            )
            focus = from_arrays({"bias": None, **arrays}, self.prism) if arrays else None
            self.runner.open(stream, self._snapshots[order["version"]], focus=focus)
        elif kind == "end":
            self.runner = None

    def step(self) -> None:
        """Let every stream think one token; keep the outcomes for `report`."""
        assert self.runner is not None
        for outcome in self.runner.step():
            self.outcomes.append(_record(outcome))
            if outcome.state is not None:
                self._states.append(
                    torch.stack((outcome.state.middle.float(), outcome.state.last.float()))
                )

    def report(self) -> Frame:
        """Return the outcomes since the last report, as a message."""
        held = 0 if self.runner is None else self.runner.private_bytes
        arrays = {"states": torch.stack(self._states).numpy()} if self._states else {}
        record = {"run": self.run, "private_bytes": held, "outcomes": self.outcomes}
        self.outcomes = []
        self._states = []
        return record, arrays


def _record(outcome: StepOutcome) -> dict[str, Any]:
    stream = outcome.stream
    if outcome.token is not None:
        return {
            "stream": stream.id,
            "token": outcome.token,
            "index": outcome.index,
            "piece": outcome.piece,
        }
    return {
        "stream": stream.id,
        "text": stream.text,
        "reason": stream.reason,
        "error": outcome.error,
    }


def serve(host: Host, inbox: "queue.SimpleQueue[Frame | None]", out: IO[bytes]) -> None:
    """Take orders and step until the orders end; report the outcomes of a few milliseconds at once.

    Every message wakes the River's process and delays the River for a moment.
    """
    since = time.monotonic()
    while True:
        while host.is_idle or not inbox.empty():
            if (frame := inbox.get()) is None:
                return
            host.take(*frame)
        host.step()
        if host.outcomes and (host.is_idle or time.monotonic() - since >= REPORT_S):
            messages.send(out, *host.report())
            since = time.monotonic()


def main() -> None:
    """Load the model that the first message names, report that, and serve."""
    source, out = parent_pipes()
    if (first := messages.receive(source)) is None:
        return
    order, _ = first
    torch.set_num_threads(order["threads"])
    try:
        prism = Prism.load(
            order["source"], device=order["device"], dtype=getattr(torch, order["dtype"])
        )
    except (ValueError, OSError, RuntimeError) as error:
        messages.send(out, {"error": f"{type(error).__name__}: {error}"})
        return
    # a first step loads libraries: now, not while a run waits
    prism.read("a").write(prism.encode("a")[0])
    messages.send(out, {"checksum": prism.spec.checksum})
    inbox: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()

    def listen() -> None:
        code = 0
        try:
            while (frame := messages.receive(source)) is not None:
                inbox.put(frame)
        except UnreadableFileError as error:
            sys.stderr.write(f"{error}\n")
            sys.stderr.flush()
            code = 1
        # no reader is left, and taking torch apart would let the parent wait for a second
        os._exit(code)

    threading.Thread(target=listen, daemon=True).start()
    serve(Host(prism), inbox, out)


if __name__ == "__main__":
    main()
