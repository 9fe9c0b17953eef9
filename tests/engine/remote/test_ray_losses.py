"""Errors that Ray may return instead of a thought, from a pretended Ray without a cluster."""

from types import SimpleNamespace
from typing import Any

import pytest
from warp_cortex import Stream, StreamConfig
from warp_cortex.remote.ray_streams import RayRunner, RayStreams


class RayError(Exception):
    """Ray's own name for the class of all its errors."""


class RayActorError(RayError):
    """A worker was lost."""


class RayTaskError(RayError):
    """The work raised something."""

    cause = ValueError("no such prompt")


class ObjectLostError(RayError):
    """What was to be fetched is gone, its owner perhaps too."""


class PretendedRay:
    """Every call is answered at once; `get` raises the errors it was given, one after the other."""

    exceptions = SimpleNamespace(
        RayError=RayError, RayActorError=RayActorError, RayTaskError=RayTaskError
    )

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.put_objects = 0

    def remote(self, **_: object) -> Any:
        """Give a class whose object answers."""
        worker = SimpleNamespace(think=SimpleNamespace(remote=lambda *_: object()))
        return lambda _: SimpleNamespace(remote=lambda *_: worker)

    def put(self, _: object) -> int:
        """Keep an object; return its number."""
        self.put_objects += 1
        return self.put_objects

    def wait(self, refs: list[object], **_: object) -> tuple[list[object], list[object]]:
        """Return the first as done."""
        return refs[:1], refs[1:]

    def get(self, _: object) -> Any:
        """Raise the next error."""
        raise self.errors.pop(0)

    def kill(self, _: object) -> None:
        """Let a worker go."""


def runner_of(ray: PretendedRay, monkeypatch: pytest.MonkeyPatch) -> RayRunner:
    """Return a runner with one worker of a pretended Ray."""
    monkeypatch.setattr("warp_cortex.remote.ray_streams._ray", lambda: ray)
    monkeypatch.setattr("warp_cortex.remote.ray_streams.pack", lambda _: {})
    prism: Any = SimpleNamespace(source="nowhere", dtype="torch.float32")
    return RayRunner(RayStreams(workers=1), prism, StreamConfig(), seed=0)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RayTaskError("a remote traceback\nof many lines"), "no such prompt"),
        (ObjectLostError("object 17 is lost\nits owner died"), "object 17 is lost"),
        (RayError(""), "unknown error"),
    ],
    ids=["task", "object lost", "anything else"],
)
def test_an_error_of_rays_is_the_streams_not_the_runs(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream ends with the error; the next stream sends its snapshot again and goes on."""
    ray = PretendedRay(error, error)
    runner = runner_of(ray, monkeypatch)
    snapshot = SimpleNamespace(version=1)
    for number in (1, 2):
        stream = Stream(number, "task", "test", (0, 0), 1, [5])
        runner.open(stream, snapshot)  # type: ignore[arg-type] # its version is all that is asked for here
        (outcome,) = runner.step()
        assert (outcome.stream, outcome.error, stream.reason) == (stream, message, "error")
        assert runner.is_idle
    assert ray.put_objects == 2
    runner.close("done")
