"""Running centre and spread: merged in any pieces they are those of the whole."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex.landmarks.moments import Moments


def drawn(count: int, *, seed: int, shift: float = 0.0) -> torch.Tensor:
    """Return vectors with a large common mean, as keys have."""
    return torch.randn(count, 5, generator=torch.Generator().manual_seed(seed)) * 3 + shift


@settings(max_examples=40)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=6), st.floats(-100, 100))
def test_pieces_merge_to_the_whole(sizes, shift):
    """In whatever pieces vectors arrive, count, mean and scale are those of all of them at once."""
    pieces = [drawn(size, seed=number, shift=shift) for number, size in enumerate(sizes)]
    merged = Moments.of(pieces[0])
    for piece in pieces[1:]:
        merged = merged.merged(Moments.of(piece))
    whole = torch.cat(pieces).double()
    assert merged.count == len(whole)
    torch.testing.assert_close(merged.mean[0].double(), whole.mean(0), rtol=1e-4, atol=1e-4)
    spread = (whole - whole.mean(0)).square().mean().sqrt()
    torch.testing.assert_close(merged.scale[0].double(), spread, rtol=1e-3, atol=1e-4)


def test_groups_are_independent():
    """Groups keep their own centre and scale; the drift is that of the one that changed most."""
    one = drawn(20, seed=0)
    two = drawn(20, seed=1, shift=7)
    both = Moments.stacked([Moments.of(one), Moments.of(two)])
    assert torch.equal(both.mean[1], Moments.of(two).mean[0])
    later = Moments.stacked([Moments.of(one), Moments.of(two / 8)])
    assert later.drift(both) == pytest.approx(8)
    assert both.drift(later) == pytest.approx(8)
    assert both.drift(both) == 1
    assert both.num_bytes == 2 * 5 * 4 + 2 * 8


def test_vectors_that_are_all_alike_have_a_tiny_scale():
    """Nothing divides by zero."""
    assert 0 < float(Moments.of(torch.ones(4, 3)).scale) < 1e-9
