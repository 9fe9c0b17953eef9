"""Choosing tokens: greedy by default, seeded otherwise, and finite however cold or loud the numbers
are.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from warp_cortex.agents.sampling import BROKEN, PENALTY_WINDOW, choose, choose_all, penalise

LOGITS = st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=12)


@given(LOGITS)
def test_greedy_takes_the_best_and_the_lowest_id_of_a_tie(values: list[float]) -> None:
    """Without a temperature the choice is the first maximum."""
    assert choose(torch.tensor(values), temperature=0) == values.index(max(values))


@given(LOGITS, st.floats(0, 100), st.integers(0, 1000))
def test_the_seed_decides(values: list[float], temperature: float, seed: int) -> None:
    """Any temperature, even one that would overflow, gives a valid id, the same for the same
    seed.
    """
    first, second = (
        choose(
            torch.tensor(values),
            temperature=temperature,
            generator=torch.Generator().manual_seed(seed),
        )
        for _ in range(2)
    )
    assert first == second
    assert 0 <= first < len(values)


def test_cold_is_nearly_greedy_and_hot_is_nearly_uniform() -> None:
    """Frequencies follow the softmax of logits over temperature."""
    logits, generator = torch.tensor([0.0, 1.0, 2.0]), torch.Generator().manual_seed(0)
    for temperature in (0.01, 1.0, 100.0):
        counts = torch.zeros(3)
        for _ in range(2000):
            counts[choose(logits, temperature=temperature, generator=generator)] += 1
        torch.testing.assert_close(
            counts / 2000, (logits / temperature).softmax(-1), atol=0.04, rtol=0
        )


@pytest.mark.parametrize("temperature", [1e-36, 1e-45, 1e-60])
def test_the_coldest_is_greedy(temperature: float) -> None:
    """Temperatures that float32 cannot tell from 0 take the likeliest token as 0 does."""
    assert choose(torch.tensor([1.0, 3.0, 2.0]), temperature=temperature) == 1


def test_half_precision_and_huge_logits_do_not_overflow() -> None:
    """Logits near a type's limit still give a choice."""
    logits = torch.tensor([60000.0, -60000.0, 60000.0], dtype=torch.float16)
    assert choose(logits, temperature=1e-36, generator=torch.Generator().manual_seed(0)) in {0, 2}


def test_the_penalty_makes_what_was_written_less_likely() -> None:
    """Positive logits are divided, negative ones multiplied, each once; the input is left alone."""
    logits = torch.tensor([2.0, -2.0, 3.0, -3.0])
    got = penalise(logits, [0, 1, 0], penalty=2.0)
    assert got.tolist() == [1, -4, 3, -3]
    assert logits.tolist() == [2, -2, 3, -3]
    assert penalise(logits, [], penalty=2.0) is logits
    assert penalise(logits, [0], penalty=1.0) is logits


@pytest.mark.parametrize(
    ("distance", "expected"), [(PENALTY_WINDOW - 1, 1.0), (PENALTY_WINDOW, 2.0)]
)
def test_the_penalty_forgets(distance: int, expected: float) -> None:
    """Only the last tokens count."""
    assert penalise(torch.tensor([2.0, 2.0]), [0, *[1] * distance], penalty=2.0)[0] == expected


@given(st.integers(1, 7), st.sampled_from([0, 0.7]), st.sets(st.integers(0, 6)), st.integers(0, 99))
def test_few_logits_at_a_time_choose_what_all_would(
    rows: int, temperature: float, broken: set[int], seed: int
) -> None:
    """However the sequences are divided, each gets its own token from its own generator, or
    BROKEN.
    """
    logits = torch.randn(7, 11, generator=torch.Generator().manual_seed(seed))
    for row in broken:
        logits[row, 3] = float("nan") if row % 2 else float("inf")
    generators = [torch.Generator().manual_seed(row) for row in range(7)]
    got = choose_all(torch.split(logits, rows), temperature=temperature, generators=generators)
    want = [
        BROKEN
        if row in broken
        else choose(
            logits[row], temperature=temperature, generator=torch.Generator().manual_seed(row)
        )
        for row in range(7)
    ]
    assert got == want
