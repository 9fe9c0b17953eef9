"""How a long computation talks to its caller: a progress callback and a question whether to
stop.
"""

from collections.abc import Callable

Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]


class StoppedError(RuntimeError):
    """The caller asked a computation to stop before it had a result."""


def step(
    fraction: float, what: str, *, progress: Progress | None, should_stop: ShouldStop | None
) -> None:
    """Report `fraction` in [0, 1] and `what` begins now; leave with `StoppedError` if the caller
    wants to stop.
    """
    if should_stop is not None and should_stop():
        msg = f"stopped before: {what}"
        raise StoppedError(msg)
    if progress is not None:
        progress(fraction, what)
