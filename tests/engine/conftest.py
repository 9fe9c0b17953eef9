"""A clean world before and after every test of the engine: no thread left running, no model left
lent.
"""

import threading
from collections.abc import Iterator

import pytest
from warp_cortex.attention import patch


@pytest.fixture(autouse=True)
def clean_world(request: pytest.FixtureRequest) -> Iterator[None]:
    """Assert that a test gives back what it took; models lent by a fixture of wider scope are that
    fixture's.
    """
    threads = set(threading.enumerate())
    lent = {id(model): loan.borrowers for model, loan in patch._PATCHED.items()}
    yield
    left = [
        thread.name
        for thread in set(threading.enumerate()) - threads
        if thread.name.startswith("warp")
    ]
    assert not left, f"threads left running: {left}"
    after = {id(model): loan.borrowers for model, loan in patch._PATCHED.items()}
    # a model that somebody else forgot may be collected meanwhile: fewer loans are no fault of this
    # test
    kept = {
        model: borrowers for model, borrowers in after.items() if borrowers > lent.get(model, 0)
    }
    assert not kept, "a Prism was not closed"
