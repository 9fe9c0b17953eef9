"""How a finished thought is judged, and what comes of it: events, and entries in the cache."""

from dataclasses import replace
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from torch import Tensor

from warp_cortex.agents.backend import StepOutcome
from warp_cortex.agents.river import River
from warp_cortex.config import CortexConfig
from warp_cortex.context.context import Context
from warp_cortex.prism import Prism
from warp_cortex.thoughts.gate import REJECTED, decide, similarities
from warp_cortex.thoughts.injection import Injector
from warp_cortex.thoughts.strangers import (
    FEWEST,
    is_heading,
    own_sentences,
    raised,
    sorted_by_scorer,
    strangers,
    theta_for,
)
from warp_cortex.thoughts.verification import as_statement, read_each, verdict
from warp_cortex.trace.trace import (
    Calibration,
    Event,
    Failure,
    Finish,
    GateDecision,
    Inject,
    Thought,
)
from warp_cortex.voice.voice import Voice

LIKELIHOOD = "likelihood"
VERDICT = "verdict"
VERIFIED = (LIKELIHOOD, VERDICT)  # scorers that read a thought once more, over the whole text
_measured: "WeakKeyDictionary[Prism, dict[Any, Calibration | None]]" = WeakKeyDictionary()
UNASKED = ("sentence", "uncertain", "schedule")  # kinds of tasks to which two words are no answer


class Judging(Protocol):
    """What judging needs of a run; `Run` is one."""

    prism: Prism
    config: CortexConfig
    river: River
    voice: Voice
    injector: Injector
    evidence: Context
    judged: set[str]

    @property
    def step(self) -> int:
        """Number of visible tokens so far."""

    def note_vector(self, vector: Tensor) -> int:
        """Keep the pooled states of a thought; return their row."""

    def begun(self, stream: int) -> str:
        """Return the words that a stream's thought was begun with."""


def judge(run: Judging, outcome: StepOutcome, *, theta: float, can_inject: bool) -> list[Event]:
    """Return the events of a finished thought; inject it if it passes and may.

    A thought without words, one that says there is nothing to add, and one that only repeats its
    task are no thoughts: they are neither scored nor injected.
    """
    stream = outcome.stream
    state = outcome.state
    assert state is not None  # a finished thought has one
    text = run.voice.finish(f"{run.begun(stream.id)}{stream.text}")
    thought = Thought(
        step=run.step,
        stream=stream.id,
        text=text,
        num_tokens=len(stream.ids),
        reason=stream.reason or "",
        vector=run.note_vector(state.middle),
    )
    if why := no_thought(run, text, stream.task, stream.kind):
        return [thought, Finish(step=run.step, stream=stream.id, reason=why)]
    run.judged.add(text)
    scores = similarities(run.river.state(stream.trigger), state, run.river.statistics())
    if run.config.gate.scorer in VERIFIED:
        scores[run.config.gate.scorer] = _verified(run, text)
    decision = _decided(run, stream.id, scores, theta)
    events: list[Event] = [thought, decision]
    if decision.accepted and can_inject:
        events += _injected(run, text, stream.id)
    events.append(Finish(step=run.step, stream=stream.id, reason=stream.reason or ""))
    return events


def no_thought(run: Judging, text: str, task: str, kind: str) -> str:
    """Return why a text is no thought, or "" if it is one."""
    if not text:
        return "empty"
    if run.voice.is_nothing(text):
        return "nothing to add"
    if run.voice.repeats(text, task):
        return "repeats its task"
    return _no_statement(run, text, kind) if run.config.gate.scorer in VERIFIED else ""


def _no_statement(run: Judging, text: str, kind: str) -> str:
    """Return why a text cannot be verified or says nothing new, or "" if it can and does.

    A text is likely after itself, and a question or a heading is likely without being true.
    """
    if text.endswith("?"):
        return "asks, states nothing"
    if kind in UNASKED and (len(text.split()) < FEWEST or is_heading(text, run.evidence.text)):
        return "a heading, states nothing"
    if run.voice.echoes(text, run.river.text):
        return "already written"
    return "thought before" if text in run.judged else ""


def calibrate(run: Judging) -> Calibration | None:
    """Measure the gate on strangers: thoughts that do not belong to the River's text.

    They are read on top of the River's cache, each by itself, in a few passes; nothing is kept of
    them but their similarities, which another run of this model on the same text takes over. None
    if no stranger fits before the model's last position.
    """
    key = (run.prism.checksum(), run.config.gate, tuple(run.evidence.ids))
    known = _measured.setdefault(run.prism, {})
    if key not in known:
        known[key] = _calibrated(run)
    found = known[key]
    return None if found is None else replace(found, step=run.step)


def _calibrated(run: Judging) -> Calibration | None:
    gate = run.config.gate
    assert gate.scorer is not None  # settled
    context = run.evidence
    room = run.prism.spec.max_positions - context.num_tokens
    pairs = [(run.prism.encode(as_statement(text)), text) for text in strangers()]
    told = [ids for ids, _ in pairs if len(ids) <= room]
    fitting = [text for ids, text in pairs if len(ids) <= room]
    if not told:
        return None
    river = run.river.state((0, len(context.text)))
    statistics = run.river.statistics()
    rows = []
    for (found, state), text in zip(read_each(context, told), fitting, strict=True):
        row = {**similarities(river, state, statistics), LIKELIHOOD: found}
        rows.append(row | ({VERDICT: _verdict(run, text)} if gate.scorer == VERDICT else {}))
    known = sorted_by_scorer(rows)
    theta = theta_for(known[gate.scorer], gate.share)
    own: list[float] = []
    if gate.scorer == LIKELIHOOD:
        own = sorted(round(value, 6) for value in _own(run, room))
        theta = raised(theta, own)
    return Calibration(
        step=run.step,
        scorer=gate.scorer,
        theta=round(theta, 6),
        share=gate.share,
        similarities=known,
        own=own,
    )


def _own(run: Judging, room: int) -> list[float]:
    """Return how likely the text's own sentences are, read once more after it."""
    texts = own_sentences(run.evidence.text)
    read = [run.prism.encode(as_statement(text)) for text in texts]
    fitting = [ids for ids in read if len(ids) <= room]
    return [found for found, _ in read_each(run.evidence, fitting)] if fitting else []


def _verified(run: Judging, text: str) -> float:
    """Return a thought's score over what the River was given; REJECTED if it does not fit."""
    if run.config.gate.scorer == VERDICT:
        return _verdict(run, text)
    ids = run.prism.encode(as_statement(text))
    if len(ids) > run.prism.spec.max_positions - run.evidence.num_tokens:
        return REJECTED
    return read_each(run.evidence, [ids])[0][0]


def _verdict(run: Judging, text: str) -> float:
    """Return how likely the model is to say yes to a thought; REJECTED if it cannot be asked."""
    asked = run.prism.encode(run.voice.doubt(text))
    if len(asked) > run.prism.spec.max_positions - run.evidence.num_tokens:
        return REJECTED
    yes, no = (
        {run.prism.encode(word)[0] for word in words} for words in (run.voice.yes, run.voice.no)
    )
    # a tokenizer may give the space before a word a token of its own, which says neither
    return verdict(run.evidence, asked, sorted(yes - no), sorted(no - yes))


def _decided(run: Judging, stream: int, scores: dict[str, float], theta: float) -> GateDecision:
    gate = run.config.gate
    assert gate.scorer is not None  # settled
    scores = {name: round(score, 6) for name, score in scores.items()}
    accepted = not gate.enabled or decide(scores, scorer=gate.scorer, theta=theta)
    return GateDecision(
        step=run.step,
        stream=stream,
        accepted=accepted,
        similarity=scores[gate.scorer],
        threshold=theta,
        scorer=gate.scorer,
        similarities=scores,
    )


def _injected(run: Judging, text: str, stream: int) -> list[Event]:
    """Put an accepted thought into the River's cache, if it fits."""
    injector = run.injector
    try:
        if not injector.can_inject(text):
            return []
        injection = injector.inject(text, stream=stream)
    except RuntimeError as error:  # out of memory: the River goes on without this thought
        return [Failure(step=run.step, stream=stream, message=_one_line(error))]
    return [
        Inject(
            step=run.step,
            injection=injection.id,
            stream=stream,
            text=injection.text,
            positions=list(injection.positions),
            anchor=injection.anchor,
        )
    ]


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]
