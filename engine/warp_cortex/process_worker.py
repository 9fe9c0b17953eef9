"""What thinks in another process: its own copy of the model and one stream lane, told by frames on standard input.

Started by `process_streams`; ends when its standard input does, so it never outlives the process that started it.
"""

import os
import queue
import signal
import sys
import threading
from typing import IO, TYPE_CHECKING, Any

import torch

from warp_cortex import frames
from warp_cortex.config import StreamConfig
from warp_cortex.frames import Arrays
from warp_cortex.lane import Outcome, StreamLane
from warp_cortex.parcels import from_arrays, unpack
from warp_cortex.prism import Prism
from warp_cortex.streams import Stream

if TYPE_CHECKING:
    from warp_cortex.synapse import Snapshot

Frame = tuple[dict[str, Any], Arrays]


class Host:
    """One lane at a time, and the snapshots it was sent."""

    def __init__(self, prism: Prism) -> None:
        self.prism = prism
        self.lane: StreamLane | None = None
        self.run = 0
        self._snapshots: dict[int, Snapshot] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do before the next order."""
        return self.lane is None or self.lane.is_idle

    def take(self, order: dict[str, Any], arrays: Arrays) -> None:
        """Do what an order says: begin a run, remember a snapshot, open a stream, or end the run."""
        kind = order["kind"]
        if kind == "begin":
            config = StreamConfig(**{**order["config"], "stop": tuple(order["config"]["stop"])})
            self.lane, self.run = StreamLane(self.prism, config, seed=order["seed"]), order["run"]
            self._snapshots.clear()
        elif kind == "snapshot":
            self._snapshots[order["version"]] = unpack({**order["snapshot"], "bias": None, **arrays}, self.prism)
        elif kind == "open" and self.lane is not None:
            stream = Stream(order["id"], order["task"], "", (0, 0), order["version"], order["prompt"])
            focus = from_arrays({"bias": None, **arrays}, self.prism) if arrays else None
            self.lane.open(stream, self._snapshots[order["version"]], focus=focus)
        elif kind == "end":
            self.lane = None

    def step(self) -> Frame:
        """Let everybody think one token; return what happened as a message."""
        assert self.lane is not None  # noqa: S101 - not idle
        told, states = [], []
        for outcome in self.lane.step():
            told.append(_told(outcome))
            if outcome.state is not None:
                states.append(torch.stack((outcome.state.middle.float(), outcome.state.last.float())))
        arrays = {"states": torch.stack(states).numpy()} if states else {}
        return {"run": self.run, "private_bytes": self.lane.private_bytes, "outcomes": told}, arrays


def _told(outcome: Outcome) -> dict[str, Any]:
    stream = outcome.stream
    if outcome.token is not None:
        return {"stream": stream.id, "token": outcome.token, "index": outcome.index, "piece": outcome.piece}
    return {"stream": stream.id, "text": stream.text, "reason": stream.reason, "error": outcome.error}


def serve(host: Host, inbox: "queue.SimpleQueue[Frame | None]", out: IO[bytes]) -> None:
    """Take orders and step, until the orders end."""
    while True:
        while host.is_idle or not inbox.empty():
            if (frame := inbox.get()) is None:
                return
            host.take(*frame)
        record, arrays = host.step()
        if record["outcomes"]:
            frames.send(out, record, arrays)


def main() -> None:
    """Load the model named in the first frame, say so, and serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    source, out = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not look like a frame
    if (first := frames.receive(source)) is None:
        return
    order, _ = first
    torch.set_num_threads(order["threads"])
    try:
        prism = Prism.load(order["source"], device=order["device"], dtype=getattr(torch, order["dtype"]))
    except (ValueError, OSError, RuntimeError) as error:
        frames.send(out, {"error": f"{type(error).__name__}: {error}"})
        return
    prism.read("a").write(prism.encode("a")[0])  # what the first step loads is loaded before anybody waits for it
    frames.send(out, {"checksum": prism.spec.checksum})
    inbox: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()

    def listen() -> None:
        while (frame := frames.receive(source)) is not None:
            inbox.put(frame)
        inbox.put(None)

    threading.Thread(target=listen, daemon=True).start()
    serve(Host(prism), inbox, out)


if __name__ == "__main__":
    main()
