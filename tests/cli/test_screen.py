"""Model text on a terminal: steers nothing, complete, with notes on lines of their own."""

import io

from warp_cortex import Calibration, Failure, Finish, GateDecision, Inject, Spawn, Thought, Token

from warpviz.cli.terminal import Screen, Terminal


def screen(*, colour: bool = False) -> tuple[Screen, io.StringIO]:
    """Return a screen on a string."""
    out = io.StringIO()
    terminal = Terminal(file=out, force_terminal=colour, width=40, no_color=not colour)
    return Screen(terminal), out


def token(text: str) -> Token:
    """Return the event of one written token."""
    return Token(step=1, id=1, text=text, position=0)


def play(console: Screen) -> None:
    """Show a run in which one thought is accepted and one is not."""
    shared = {"threshold": 0.5, "scorer": "centred", "similarities": {}}
    for event in (
        token("The mill. "),
        token("[TASK: find the key]"),
        Spawn(step=2, stream=1, task="find the key", kind="task", trigger=(0, 3), version=1),
        Spawn(step=2, stream=2, task="x [red]", kind="task", trigger=(0, 3), version=1),
        token(" It"),
        Thought(step=3, stream=1, text="the key is red", num_tokens=4, reason="stop", vector=0),
        GateDecision(step=3, stream=1, accepted=True, similarity=0.71, **shared),
        Inject(
            step=3,
            injection=1,
            stream=1,
            text=" [Ref: the key is red]",
            positions=[4],
            anchor="next",
        ),
        Thought(step=3, stream=2, text="\x1b[31mred", num_tokens=4, reason="stop", vector=1),
        GateDecision(step=3, stream=2, accepted=False, similarity=0.2, **shared),
        Failure(step=3, stream=2, message="broke"),
        token(" is red."),
        Finish(step=4, stream=None, reason="end"),
    ):
        console.show(event)


def test_a_run_reads_as_text_with_notes() -> None:
    """The River's words are all there in order, and each note has a line of its own."""
    console, out = screen()
    play(console)
    lines = out.getvalue().splitlines()
    assert lines == [
        "The mill. [TASK: find the key]",
        "  │ stream 1 sets out: find the key ([TASK])",
        "  │ stream 2 sets out: x [red] ([TASK])",
        " It",
        "  │ stream 1 thought: the key is red (accepted: centred similarity 0.71, theta 0.50)",
        "  │ injection 1 into the River: [Ref: the key is red]",
        "  │ stream 2 thought: ␛[31mred (rejected: centred similarity 0.20, theta 0.50)",
        "  │ stream 2 failed: broke",
        " is red.",
    ]


def test_notes_are_dimmed_on_a_terminal() -> None:
    """On a terminal a note is dim and the River's own words are not; the model's own escape is
    never sent.
    """
    console, out = screen(colour=True)
    play(console)
    text = out.getvalue()
    assert "\x1b[2m  │ stream 1 sets out" in text
    assert "\n It\n" in text
    assert "\x1b[31mred" not in text


def test_reasons_and_thoughts_that_were_none() -> None:
    """A calibration has a line, a spawn says what made it fire, a text that was no thought says
    why.
    """
    console, out = screen()
    known = {"task": "It is open.", "trigger": (0, 3), "version": 1}
    for event in (
        Calibration(
            step=1,
            scorer="likelihood",
            theta=0.05,
            share=0.05,
            similarities={"likelihood": [0.01, 0.02, 0.06]},
        ),
        Spawn(step=2, stream=1, kind="uncertain", why="entropy 4.03 nats", **known),
        Spawn(step=2, stream=2, kind="sentence", **known),
        Thought(step=3, stream=1, text="", num_tokens=1, reason="end", vector=0),
        Finish(step=3, stream=1, reason="empty"),
        Thought(step=3, stream=2, text="It is open.", num_tokens=4, reason="end", vector=1),
        Finish(step=3, stream=2, reason="repeats its task"),
    ):
        console.show(event)
    assert out.getvalue().splitlines() == [
        "  │ theta 0.050 measured under likelihood: 1 of 3 strangers pass, their median 0.020",
        "  │ stream 1 sets out: It is open. (entropy 4.03 nats)",
        "  │ stream 2 sets out: It is open. (the sentence ended)",
        "  │ stream 1 thought: - (no thought: empty)",
        "  │ stream 2 thought: It is open. (no thought: repeats its task)",
    ]
