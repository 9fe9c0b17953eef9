"""A fixture for every engine test: no thread and no attached model is left behind."""

import threading
from collections.abc import Iterator

import pytest
from warp_cortex.attention import patch


def holders() -> dict[int, int]:
    """Return how many Prisms hold each model, by the model's id."""
    return {id(model): held.holders for model, held in patch._PATCHED.items()}


@pytest.fixture(autouse=True)
def clean_world(request: pytest.FixtureRequest) -> Iterator[None]:
    """Assert that a test ends its threads and closes its Prisms; wider fixtures close their own."""
    threads = set(threading.enumerate())
    before = holders()
    yield
    left = [
        thread.name
        for thread in set(threading.enumerate()) - threads
        if thread.name.startswith("warp")
    ]
    assert not left, f"threads left running: {left}"
    # fewer holders are no fault: garbage collection may free an earlier test's model meanwhile
    kept = {model: count for model, count in holders().items() if count > before.get(model, 0)}
    assert not kept, "a Prism was not closed"
