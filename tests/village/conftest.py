"""The bundled tokenizer and model, loaded once."""

from collections.abc import Iterator

import pytest
from warp_cortex import Prism

from warpviz.village.world.sample_texts import bundled_encoder
from warpviz.village.world.tokens import Encoder


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """Return the encoder of the bundled tokenizer."""
    return bundled_encoder()


@pytest.fixture(scope="module")
def village() -> Iterator[Prism]:
    """Lend the bundled model."""
    with Prism.load("village") as prism:
        yield prism
