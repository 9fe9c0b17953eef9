"""What a run's still picture says of its thoughts."""

from warp_cortex import Influence, RunStart, Token, Trace

from warpviz.live.timeline import Timeline
from warpviz.views.run.still import changed_words
from warpviz.views.run.view import LiveRun


def told(words: list[str], kl: list[float]) -> Trace:
    """Return a run of some words, of which the first is the prompt, with a measured influence."""
    head = RunStart(
        step=0,
        model="made up",
        checksum="",
        prompt=words[0],
        prompt_tokens=words[:1],
        seed=0,
        config={},
        versions={},
    )
    tokens = [
        Token(step=at + 1, id=at, text=text, position=at)
        for at, text in enumerate(words[1:], start=1)
    ]
    measured = Influence(
        step=len(words), injection=1, first_position=1, kl=kl, attention_mass=[0.0] * len(kl)
    )
    return Trace(events=[head, *tokens, measured])


def test_the_words_that_a_thought_moved_are_named() -> None:
    """Each divergence belongs to the next word; that of a word never written is left out."""
    trace = told(["Go", " to", " the", " bakery", " now"], [0.0, 2.15, 0.001, 9.0])
    assert changed_words(Timeline(trace.events)) == [("bakery", 2.15)]
    with LiveRun(trace) as view:
        assert "moved most, in nats: bakery (2.1" in view.to_svg()
    quiet = told(["Go", " on"], [0.0])
    assert changed_words(Timeline(quiet.events)) == []
    with LiveRun(quiet) as view:
        assert "moved most" not in view.to_svg()
