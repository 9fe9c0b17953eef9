"""What thinks in another process: its own copy of the model and one stream lane, told by frames on
standard input.

Started by `process_streams`; ends when its standard input does, so it never outlives the process
that started it.
"""

import os
import queue
import signal
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any

import torch

from warp_cortex.agents.backend import StepOutcome
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.agents.streams import Stream
from warp_cortex.config import StreamConfig
from warp_cortex.prism import Prism
from warp_cortex.remote import messages
from warp_cortex.remote.codec import from_arrays, unpack
from warp_cortex.remote.messages import Arrays

if TYPE_CHECKING:
    from warp_cortex.synapse.synapse import Snapshot

TELL_S = 0.008

Frame = tuple[dict[str, Any], Arrays]


class Host:
    """One lane at a time, and the snapshots it was sent."""

    def __init__(self, prism: Prism) -> None:
        self.prism = prism
        self.runner: LocalRunner | None = None
        self.run = 0
        self.told: list[dict[str, Any]] = []
        self._states: list[torch.Tensor] = []
        self._snapshots: dict[int, Snapshot] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do before the next order."""
        return self.runner is None or self.runner.is_idle

    def take(self, order: dict[str, Any], arrays: Arrays) -> None:
        """Do what an order says: begin a run, remember a snapshot, open a stream, or end the
        run.
        """
        kind = order["kind"]
        if kind != "begin" and order["run"] != self.run:  # of a run whose place another has taken
            return
        if kind == "begin":
            config = StreamConfig(**{**order["config"], "stop": tuple(order["config"]["stop"])})
            self.runner = LocalRunner(self.prism, config, seed=order["seed"])
            self.run = order["run"]
            self._snapshots.clear()
            # of a run that was closed: nobody asks any more
            self.told = []
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
        """Let everybody think one token; what happened is kept until `report` is asked for."""
        assert self.runner is not None
        for outcome in self.runner.step():
            self.told.append(_told(outcome))
            if outcome.state is not None:
                self._states.append(
                    torch.stack((outcome.state.middle.float(), outcome.state.last.float()))
                )

    def report(self) -> Frame:
        """Return what has happened since the last report, as a message."""
        held = 0 if self.runner is None else self.runner.private_bytes
        arrays = {"states": torch.stack(self._states).numpy()} if self._states else {}
        record = {"run": self.run, "private_bytes": held, "outcomes": self.told}
        self.told = []
        self._states = []
        return record, arrays


def _told(outcome: StepOutcome) -> dict[str, Any]:
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
    """Take orders and step, until the orders end; tell what happened a few milliseconds at a time.

    Every message wakes the River's process, which then holds the River up for a moment.
    """
    since = time.monotonic()
    while True:
        while host.is_idle or not inbox.empty():
            if (frame := inbox.get()) is None:
                return
            host.take(*frame)
        host.step()
        if host.told and (host.is_idle or time.monotonic() - since >= TELL_S):
            messages.send(out, *host.report())
            since = time.monotonic()


def main() -> None:
    """Load the model named in the first frame, say so, and serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    source = sys.stdin.buffer
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # whatever a library prints must not look like a frame
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
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
    # what the first step loads is loaded before anybody waits for it
    prism.read("a").write(prism.encode("a")[0])
    messages.send(out, {"checksum": prism.spec.checksum})
    inbox: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()

    def listen() -> None:
        while (frame := messages.receive(source)) is not None:
            inbox.put(frame)
        inbox.put(None)

    threading.Thread(target=listen, daemon=True).start()
    serve(Host(prism), inbox, out)


if __name__ == "__main__":
    main()
