"""One River episode: need, task, prose in which references may land, then the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warpviz.village.train.token_sequence import (
    ANSWER,
    FILLER,
    NEED,
    SILENT,
    TRIGGER,
    UNKNOWN,
    Mark,
    TokenSequence,
)
from warpviz.village.world import protocol

if TYPE_CHECKING:
    from warpviz.village.world.filler import Filler
    from warpviz.village.world.world import Question, World

WAIT = 3


@dataclass(frozen=True, slots=True)
class Landing:
    """A reference and the number of visible tokens after the trigger at which it lands."""

    text: str
    offset: int
    relevant: bool


@dataclass(frozen=True, slots=True)
class EpisodePlan:
    """What the River is asked, whether it can see the answer, and which references arrive."""

    question: Question
    visible: bool
    early: tuple[str, ...] = ()
    landings: tuple[Landing, ...] = ()
    follow: Question | None = None
    scored: bool = True


def plan(
    world: World, question: Question, *, visible: bool, others: list[Question], scored: bool = True
) -> EpisodePlan:
    """Draw which references arrive: none, a relevant one, others about other subjects."""
    random = world.random
    if question.two_hop and visible and random.random() < 0.4:
        return EpisodePlan(question, visible, scored=scored)
    landings: list[Landing] = []
    early: list[str] = []
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        text = _distractor(world, question, others)
        if random.random() < 0.3:
            early.append(text)
        else:
            landings.append(Landing(text, random.randint(0, 26), relevant=False))
    follow = None
    if random.random() < 0.42:
        follow = question if visible and random.random() < 0.33 else world.changed(question)
        if random.random() < 0.08:
            early.append(protocol.ref(follow).text)
        else:
            landings.append(
                Landing(protocol.ref(follow).text, random.randint(0, 24), relevant=True)
            )
    landings.sort(key=lambda landing: landing.offset)
    return EpisodePlan(question, visible, tuple(early), tuple(landings), follow, scored)


def _distractor(world: World, question: Question, others: list[Question]) -> str:
    random = world.random
    if random.random() < 0.06:
        return protocol.NOTHING_REF
    same = [other for other in others if other.relation == question.relation] or others
    pool = [
        other
        for other in (same if random.random() < 0.8 else others)
        if other.subject != question.subject
    ]
    if not pool:
        pool = [world.unknown(question.relation)]
    picked = random.choice(pool)
    return protocol.ref(picked if random.random() < 0.5 else world.changed(picked)).text


def mark_of(plan: EpisodePlan, *, followed: bool) -> Mark:
    """What the River's answer of this plan measures."""
    if followed:
        if not plan.visible:
            return Mark.REF_SUPPLIED
        return Mark.REF_AGREE if plan.follow == plan.question else Mark.REF_CHANGED
    if not plan.visible:
        return Mark.RIVER_UNKNOWN
    if plan.landings or plan.early:
        return Mark.REF_IRRELEVANT
    return Mark.RIVER_HOPS if plan.question.two_hop else Mark.RIVER


def write(
    sequence: TokenSequence, plan: EpisodePlan, world: World, filler: Filler, *, opener: bool
) -> None:
    """Append the episode; `opener` says whether the need's first word is trained."""
    random = world.random
    who = protocol.person(plan.question, world.random)
    for text in plan.early:
        sequence.inject(text, random)
    need = protocol.need(plan.question, random, who)
    sequence.add(need, NEED, slots="o")
    if not opener:
        sequence.weights[-len(sequence.encoder.ids(need.text))] = 0.0
    sequence.add_text(protocol.task(plan.question).text, TRIGGER, Mark.TRIGGER, whole=True)
    followed = _wait(sequence, plan, filler, world)
    if followed and plan.follow is not None:
        sequence.add(protocol.use(plan.follow, random, who), ANSWER, mark_of(plan, followed=True))
    elif not plan.scored:
        sequence.add(protocol.unknown(plan.question, random), SILENT)
    elif plan.visible:
        sequence.add(
            protocol.use(plan.question, random, who), ANSWER, mark_of(plan, followed=False)
        )
    else:
        sequence.add_text(protocol.unknown(plan.question, random).text, UNKNOWN, Mark.RIVER_UNKNOWN)


def _wait(sequence: TokenSequence, plan: EpisodePlan, filler: Filler, world: World) -> bool:
    """Write prose until a relevant reference is visible at a sentence end; return if one is."""
    pending = list(plan.landings)
    seen = plan.follow is not None and not any(landing.relevant for landing in pending)
    written = 0
    for _ in range(WAIT):
        if seen:
            return True
        ids = sequence.encoder.ids(filler.sentence(days=False))
        for index, token in enumerate(ids):
            # the token after a landing was decided before it, so even a landing at a sentence end
            # lets one more pass
            seen |= _land(sequence, pending, written + index, world)
            sequence.tokens([token], [FILLER.opener if index == 0 else FILLER.rest], [0])
        written += len(ids)
    return seen


def _land(sequence: TokenSequence, pending: list[Landing], written: int, world: World) -> bool:
    relevant = False
    while pending and pending[0].offset <= written:
        landing = pending.pop(0)
        sequence.inject(landing.text, world.random)
        relevant |= landing.relevant
    return relevant
