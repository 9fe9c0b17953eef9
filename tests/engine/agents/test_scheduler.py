"""Who thinks next: first come, first served, never more than there are slots, and everybody gets a
turn.
"""

from hypothesis import given
from hypothesis import strategies as st
from warp_cortex.agents.scheduler import Decision, plan_step

WAITING = st.lists(st.integers(1, 4), max_size=20).map(lambda versions: list(enumerate(versions)))
ACTIVE = st.dictionaries(st.integers(1, 4), st.integers(0, 5))


def test_by_hand() -> None:
    """Two of three slots are taken: one waits its turn; every version with agents advances, lowest
    first.
    """
    decision = plan_step([(7, 2), (8, 1)], {2: 1, 1: 1, 3: 0}, slots=3)
    assert decision == Decision(admit=((2, (7,)),), advance=(1, 2))


@given(WAITING, ACTIVE, st.integers(1, 8))
def test_slots_are_never_exceeded_and_never_idle(
    waiting: list[tuple[int, int]], active: dict[int, int], slots: int
) -> None:
    """As many are admitted as fit, in the order they came, each under its own version; nobody
    overtakes.
    """
    decision = plan_step(waiting, active, slots=slots)
    admitted = [stream for _, streams in decision.admit for stream in streams]
    free = max(0, slots - sum(active.values()))
    assert sorted(admitted) == [stream for stream, _ in waiting[:free]]
    assert all(
        dict(waiting)[stream] == version
        for version, streams in decision.admit
        for stream in streams
    )
    assert all(list(streams) == sorted(streams) for _, streams in decision.admit)
    assert list(decision.advance) == sorted(version for version, count in active.items() if count)


@given(WAITING, st.integers(1, 4), st.integers(1, 5))
def test_everybody_gets_a_turn(waiting: list[tuple[int, int]], slots: int, length: int) -> None:
    """Simulated to the end, every stream is admitted exactly once, after finitely many steps."""
    queue, running, turns = list(waiting), [], []
    for _ in range(len(waiting) * (length + 1) + 1):
        active: dict[int, int] = {}
        for _, version, _ in running:
            active[version] = active.get(version, 0) + 1
        decision = plan_step(queue, active, slots=slots)
        running = [(s, v, left - 1) for s, v, left in running if left > 1]
        for version, streams in decision.admit:
            running += [(stream, version, length) for stream in streams]
            turns += streams
            queue = queue[len(streams) :]
        assert len(running) <= slots
    assert sorted(turns) == [stream for stream, _ in waiting]
    assert not queue
