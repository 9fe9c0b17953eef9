"""Injected thoughts: each kind is tried on every question, and right is what the River should do
with it.
"""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from warpviz.village.evaluate import references
from warpviz.village.evaluate.references import KINDS
from warpviz.village.world import protocol
from warpviz.village.world.document import Item
from warpviz.village.world.relations import RELATIONS
from warpviz.village.world.scene import scene
from warpviz.village.world.tokens import Encoder


def test_every_kind_of_thought_is_tried_on_every_question(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All kinds have the same n, and a share that is counted from the answers."""
    prism = SimpleNamespace(read=lambda text: text)
    monkeypatch.setattr(
        references, "follows", lambda context, where, found, kind: kind != "supplies"
    )
    found = references.measure(prism, encoder.length, tokens=256, seed=1, least=15)  # type: ignore[arg-type]
    assert set(found) == set(KINDS)
    assert len({cell["n"] for cell in found.values()}) == 1
    assert {kind for kind, cell in found.items() if cell["share"] == 0} == {"supplies"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_river_should_follow(
    kind: str, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thought that enters is of its kind, and right is what it says if it is about the
    question, else the text.
    """
    where = scene(2, 300, encoder.length, kind="one")
    asked_for = where.asked.question
    seen = []

    def said(context: object, opening: str, thought: str, *, wait_for: Item) -> str:
        assert opening.endswith(wait_for.task)
        seen.append((thought, wait_for.question))
        return ""

    monkeypatch.setattr(references, "go_on", said)
    references.follows(SimpleNamespace(), where, where.asked, kind)  # type: ignore[arg-type]
    ((thought, question),) = seen
    assert (question == asked_for) == (kind != "supplies")
    own = question.subject in thought
    true = protocol.ref(question).text == thought
    stated = thought in {found.ref for found in (where.asked, *where.others)}
    assert (own, true, stated) == {
        "none": (False, False, False),
        "agrees": (True, True, True),
        "contradicts": (True, False, False),
        "supplies": (True, True, False),
        "other subject": (False, False, True),
        "other subject, changed": (False, False, False),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "follows_thought"), [("agrees", True), ("contradicts", True), ("other subject", False)]
)
def test_following_is_right_only_where_it_should_be(
    kind: str, follows_thought: bool, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A River that uses every thought that enters is right where the thought is about the question,
    and else wrong.
    """
    where = scene(2, 300, encoder.length, kind="one")

    def credulous(context: object, opening: str, thought: str, *, wait_for: Item) -> str:
        question = wait_for.question
        values = [
            v
            for v in RELATIONS[question.relation].values
            if re.search(rf"\b{v}\b", thought.rpartition(" the ")[2])
        ]
        other = replace(question, value=values[-1] if values else "nowhere")
        return protocol.use(other, where.world.random, "Mara").text

    monkeypatch.setattr(references, "go_on", credulous)
    found = next(
        item for item in (where.asked, *where.others) if item.question.relation == "location"
    )
    assert references.follows(SimpleNamespace(), where, found, kind) is follows_thought  # type: ignore[arg-type]
