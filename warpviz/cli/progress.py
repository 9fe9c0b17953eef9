"""What is shown while a model is fetched or converted: a bar on a terminal, lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from warpviz.characters import one_line

Report = Callable[[str, int, int], None]  # a stage in words, what is done, the total


@contextmanager
def shown_progress() -> Iterator[Report]:
    """Give a function that shows progress on standard error, from its first call on."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)

    def show(stage: str, done: int, total: int) -> None:
        if not bar.tasks:
            bar.add_task("")
            bar.start()
        bar.update(bar.tasks[0].id, description=one_line(stage), completed=done, total=total)

    try:
        yield show
    finally:
        bar.stop()


class _Lines:
    """Writes a line for every new stage: what a log can show of a progress bar."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        del done, total
        if stage != self._stage:
            self._stage = stage
            sys.stderr.write(f"{one_line(stage)} ...\n")
            sys.stderr.flush()
