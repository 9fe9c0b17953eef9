"""How a long computation talks to its caller: it reports progress and asks whether to stop."""

from collections.abc import Callable

Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]


class StoppedError(RuntimeError):
    """The caller asked a computation to stop before it had a result."""


def step(
    fraction: float, what: str, *, progress: Progress | None, should_stop: ShouldStop | None
) -> None:
    """Report that `what` begins now, `fraction` in [0, 1] of the whole being done.

    Raises:
        StoppedError: `should_stop` returned True.
    """
    if should_stop is not None and should_stop():
        msg = f"stopped before: {what}"
        raise StoppedError(msg)
    if progress is not None:
        progress(fraction, what)
