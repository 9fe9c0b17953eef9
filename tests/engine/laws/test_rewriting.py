"""What the River would have written without a thought: a run that never let the thought in."""

from collections.abc import Iterator

import pytest
from warp_cortex import (
    Cortex,
    CortexConfig,
    GateConfig,
    Inject,
    InjectionConfig,
    Prism,
    RiverConfig,
    Token,
    bundled,
    written_without,
)

TEXT = min(bundled("contexts").glob("*.txt")).read_text(encoding="utf-8")

CHESTS = (bundled("contexts") / "chests.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """The bundled model."""
    with Prism.load("village") as built:
        yield built


def run(
    prism: Prism,
    *,
    temperature: float,
    enabled: bool = True,
    theta: float = 0.3,
    back: int = 0,
    text: str = TEXT,
    max_tokens: int = 80,
) -> Cortex:
    """Run a bundled text to its end."""
    settings = CortexConfig(
        river=RiverConfig(max_tokens=max_tokens, temperature=temperature),
        injection=InjectionConfig(enabled=enabled, anchor="past" if back else "next", back=back),
        gate=GateConfig(theta=theta),
    )
    cortex = Cortex(prism, settings)
    list(cortex.run(text))
    return cortex


def words(cortex: Cortex) -> list[str]:
    """Return what the River wrote."""
    return [event.text for event in cortex.trace.of(Token)]


@pytest.mark.parametrize("back", [0, 6])
@pytest.mark.parametrize("temperature", [0.0, 0.2])
def test_without_its_only_thought_it_writes_what_a_run_without_injection_writes(
    prism: Prism, temperature: float, back: int
) -> None:
    """Two routes, one answer: the copy that starts again, and a run that lets no thought in."""
    cortex = run(prism, temperature=temperature, back=back)
    entered, *others = cortex.trace.of(Inject)
    assert not others
    never = words(run(prism, temperature=temperature, enabled=False))
    before = entered.step - cortex.context.num_tokens + len(words(cortex))
    bits = cortex.context.logits.clone()
    found = written_without(cortex, entered.injection)
    assert found == never[before : before + len(found)]
    assert len(found) == len(words(cortex)) - before
    assert back or found != words(cortex)[before:]
    assert cortex.context.logits.equal(bits), "the run itself does not change"


@pytest.mark.parametrize("back", [0, 6])
def test_of_several_thoughts_any_may_be_left_out(prism: Prism, back: int) -> None:
    """As many tokens are written as asked for, with the other thoughts at their places."""
    cortex = run(prism, temperature=0.0, theta=-1.0, back=back, text=CHESTS, max_tokens=160)
    first, second, *_ = cortex.trace.of(Inject)
    found = written_without(cortex, first.injection, num_tokens=second.step - first.step)
    assert len(found) == second.step - first.step
    assert len(written_without(cortex, second.injection, num_tokens=3)) == 3


def test_an_unknown_or_revoked_thought_is_named(prism: Prism) -> None:
    """One line says which injections are in the cache."""
    cortex = run(prism, temperature=0.0)
    with pytest.raises(ValueError, match="no injection 7 is in the cache; there are: 1"):
        written_without(cortex, 7)
    cortex.revoke(1)
    with pytest.raises(ValueError, match="no injection 1 is in the cache; there are: none"):
        written_without(cortex, 1)
