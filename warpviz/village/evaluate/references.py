"""What an injected thought does to the River's answer.

The River should follow one that agrees, contradicts or supplies, and no other. The engine's own
cache operations, step by step: the River reads the document, the need and its task, writes one
token of prose, and then the thought enters at virtual positions, as it does in a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from warpviz.village.evaluate.answers import Length, asked, scenes
from warpviz.village.evaluate.report import interval
from warpviz.village.world import protocol
from warpviz.village.world.document import Item, item
from warpviz.village.world.scene import Scene, answered

if TYPE_CHECKING:
    from warp_cortex import Context, Prism

KINDS = ("none", "agrees", "contradicts", "supplies", "other subject", "other subject, changed")
PER_SCENE = 10
MOST_WRITTEN = 60


def measure(
    prism: Prism, length: Length, *, tokens: int, seed: int, least: int
) -> dict[str, object]:
    """Return by kind of thought how often the River's answer has the right value.

    Measured over at least `least` questions.
    """
    good = dict.fromkeys(KINDS, 0)
    total = dict.fromkeys(KINDS, 0)
    for where in scenes(length, tokens=tokens, seed=seed):
        if total[KINDS[0]] >= least:
            break
        context = prism.read(where.document.text)
        for found in asked(where, "one")[:PER_SCENE]:
            for kind in KINDS:
                good[kind] += follows(context, where, found, kind)
                total[kind] += 1
    return {kind: interval(good[kind], total[kind]) for kind in KINDS}


def follows(context: Context, where: Scene, found: Item, kind: str) -> bool:
    """Tell whether the River answers with the value it should.

    That is the thought's value, or the text's where the thought does not answer the question.
    """
    world = where.world
    question = found.question
    if kind == "supplies":
        question = world.unknown(found.question.relation)
        thought = protocol.ref(question).text
        wanted = question.value
    elif kind == "contradicts":
        changed = world.changed(question)
        thought = protocol.ref(changed).text
        wanted = changed.value
    elif kind == "none":
        thought = ""
        wanted = question.value
    elif kind == "agrees":
        thought = protocol.ref(question).text
        wanted = question.value
    else:
        other = world.random.choice(
            [one.question for one in where.others if one.question.subject != question.subject]
        )
        other = world.changed(other) if kind.endswith("changed") else other
        thought = protocol.ref(other).text
        wanted = question.value
    need = protocol.need(question, world.random, protocol.person(question, world.random)).text
    text = go_on(context, need + item(question, ()).task, thought, wait_for=item(question, ()))
    return answered(text, question) == wanted


def go_on(context: Context, opening: str, thought: str, *, wait_for: Item) -> str:
    """Read an opening, write one token, inject the thought, and write until the answer.

    Nothing is injected if the thought is "".
    """
    prism = context.prism
    own = context.fork()
    own.read(prism.encode(opening))
    text = ""
    for step in range(MOST_WRITTEN):
        assert own.logits is not None
        token = int(own.logits.argmax())
        if token in prism.stop_ids:
            break
        text += own.write(token)
        if step == 0 and thought:
            ids = prism.encode(thought)
            at = own.next_position
            own.encode_at(ids, range(at, at + len(ids)), tag=1)
        if text.endswith(".") and answered(text, wait_for.question) is not None:
            break
    return text
