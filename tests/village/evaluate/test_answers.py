"""Evaluation: shares of what was asked, labels that the world gives, errors before the work."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from warp_cortex import Prism

from warpviz.village.evaluate import answers, evaluate
from warpviz.village.evaluate.answers import AT_ONCE, SINKS, Cell, asked, guessing
from warpviz.village.world import protocol
from warpviz.village.world.document import Item
from warpviz.village.world.scene import Scene, scene
from warpviz.village.world.tokens import Encoder

CELL = Cell(tokens=256, split="heldout", kind="one")
Thinks = Callable[[Item], str]


def thinking(monkeypatch: pytest.MonkeyPatch, thought: Thinks) -> list[int]:
    """Let streams think what `thought` says of each question; return the seeds they are asked with,
    as they come.
    """
    seeds: list[int] = []

    def think(prism: object, text: str, items: list[Item], cell: Cell, *, seed: int) -> list[str]:
        assert all(found.question.subject in text for found in items) or cell.kind == "unknown"
        seeds.append(seed)
        return [thought(found) for found in items]

    monkeypatch.setattr(answers, "think", think)
    return seeds


def measured(encoder: Encoder, cell: Cell = CELL, *, least: int = 40, seed: int = 5) -> dict:
    """Measure without a model."""
    return answers.measure(SimpleNamespace(), encoder.length, cell, seed=seed, least=least)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["one", "two"])
def test_right_is_the_thought_word_for_word(
    kind, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams that answer exactly are right in every case, those that add a word in none."""
    cell = Cell(tokens=256, split="heldout", kind=kind)
    thinking(monkeypatch, lambda found: found.thought.strip())
    assert measured(encoder, cell)["share"] == 1
    thinking(monkeypatch, lambda found: "So " + found.thought.strip())
    found = measured(encoder, cell)
    assert (found["share"], found["said_nothing"]) == (0, 0)
    assert found["n"] >= 40


def test_nothing_is_right_only_where_nothing_is_known(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The admission is wrong for what the text says, and the one right thought about what it does
    not.
    """
    thinking(monkeypatch, lambda _: protocol.NOTHING.strip())
    found = measured(encoder)
    assert (found["share"], found["said_nothing"]) == (0, 1)
    unknown = measured(encoder, Cell(tokens=256, split="heldout", kind="unknown"))
    assert unknown["share"] == 1
    assert "guessing" not in unknown
    thinking(monkeypatch, lambda found: found.thought.strip())
    assert measured(encoder, Cell(tokens=256, split="heldout", kind="unknown"))["share"] == 0


def test_a_guess_is_one_of_the_values_stated(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The baseline is the mean chance of naming the right one among the document's values of the
    same kind.
    """
    thinking(monkeypatch, lambda found: found.thought.strip())
    assert 0 < measured(encoder)["guessing"] < 1
    where = scene(3, 300, encoder.length, kind="one")
    base = where.asked.question.relation
    values = {fact.value for fact in where.world.facts if fact.relation == base}
    assert guessing(where, where.asked) == 1 / len(values)


def test_every_world_is_asked_once(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worlds follow one another without repeats, as many as it takes; another first seed asks
    others.
    """
    seeds = thinking(monkeypatch, lambda found: found.thought.strip())
    found = measured(encoder, least=60)
    assert len(set(seeds)) == len(seeds) == found["worlds"]
    assert found["n"] >= 60
    assert measured(encoder, least=60) == found


def test_worlds_that_ask_nothing_end_the_search(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A length at which no world has a question is an error, instead of looking for ever."""
    monkeypatch.setattr(answers, "PATIENCE", 5)
    with pytest.raises(ValueError, match="5 worlds of 30 tokens ask nothing of kind 'two'"):
        measured(encoder, Cell(tokens=30, split="heldout", kind="two"))
    with pytest.raises(ValueError, match="least must be at least 1, got 0"):
        measured(encoder, least=0)


def test_questions_fit_their_kind(encoder: Encoder) -> None:
    """One hop, two hops, or subjects that the text never names; at most as many as think at
    once.
    """
    for seed in range(6):
        two = asked(scene(seed, 700, encoder.length, kind="two"), "two")
        assert all(found.question.two_hop for found in two)
        where = scene(seed, 700, encoder.length, kind="one")
        one = asked(where, "one")
        assert not any(found.question.two_hop for found in one)
        assert max(len(one), len(two)) <= AT_ONCE
        unknown = asked(scene(seed, 300, encoder.length, kind="unknown"), "unknown")
        assert len({found.question.subject for found in unknown}) == len(unknown) == 8


def test_sentence_ends_are_landmarks(village: Prism) -> None:
    """The baseline of random sentence ends holds the sinks and full stops, in order, k of them or
    all there are.
    """
    context = village.read(
        " A dog slept in the mill. The sky was grey. Mara sang. It was cold. They ate fish."
    )
    picked = answers.ends(context, 7, seed=0)
    assert picked.landmarks[:SINKS].tolist() == list(range(SINKS))
    assert [context.tokens[at] for at in picked.landmarks[SINKS:].tolist()] == ["."] * 3
    assert picked.landmarks.tolist() == sorted(set(picked.landmarks.tolist()))
    assert picked.kv.num_entries == len(picked.landmarks) == 7
    assert len(answers.ends(context, 64, seed=0).landmarks) == SINKS + 5
    assert answers.ends(context, 7, seed=0).landmarks.tolist() == picked.landmarks.tolist()


def test_triggers_are_counted(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recall is of needs, false alarms of prose: a River that writes tasks always has all of
    both.
    """
    tasks: list[str] = []

    class Reads:
        """A model that reads."""

        def read(self, text: str) -> str:
            """Return what was read."""
            return text

    def always(prism: object, context: str, texts: list[str], *, tokens: int) -> list[str]:
        return [" [TASK: anything?] and more"] * len(texts)

    monkeypatch.setattr(answers, "continued", always)
    found = answers.triggers(Reads(), encoder.length, tokens=300, seed=2, least=12)  # type: ignore[arg-type]
    assert found["recall"]["share"] == 0
    assert found["false_alarms_after_prose"]["share"] == 1
    assert found["precision_at_equal_shares"]["share"] == 0
    real = answers.asked

    def remembered(where: Scene, kind) -> list[Item]:
        items = real(where, kind)
        tasks[:] = [item.task for item in items]
        return items

    def exactly(prism: object, context: str, texts: list[str], *, tokens: int) -> list[str]:
        return list(tasks) if tokens > 4 else [" The sky"] * len(texts)

    monkeypatch.setattr(answers, "asked", remembered)
    monkeypatch.setattr(answers, "continued", exactly)
    found = answers.triggers(Reads(), encoder.length, tokens=300, seed=2, least=12)  # type: ignore[arg-type]
    assert found["recall"]["share"] == 1
    assert found["false_alarms_after_prose"]["share"] == 0
    assert found["recall"]["n"] >= 12


def test_a_file_that_cannot_be_added_to_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged or foreign file is named before anything is measured, and stays as it was."""
    monkeypatch.setattr(evaluate, "measured", pytest.fail)
    path = tmp_path / "out.json"
    for content, message in (("{", "is not JSON"), ("[1]", "holds a JSON list")):
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            evaluate.main(["--sections", "refs", "--out", str(path)])
        assert path.read_text() == content
    assert evaluate.held(tmp_path / "none.json") == evaluate.held(None) == {}


@pytest.mark.parametrize(
    ("flag", "message"),
    [("--least=0", "at least 1, got 0"), ("--sections=recal", "accepted: recall")],
)
def test_flags_out_of_range_are_named(
    flag: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says what would be accepted."""
    with pytest.raises(SystemExit) as end:
        evaluate.parse([flag])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_sections_ask_every_cell(monkeypatch: pytest.MonkeyPatch, encoder: Encoder) -> None:
    """Recall has a cell per length, split and kind; landmarks one per length, policy and budget:
    none is left out.
    """
    cells: list[Cell] = []

    def noted(
        prism: object, length: object, cell: Cell, *, seed: int, least: int
    ) -> dict[str, object]:
        cells.append(cell)
        return {"n": least}

    monkeypatch.setattr(answers, "measure", noted)
    recall = evaluate.recall(SimpleNamespace(), encoder.length, 7, 3)  # type: ignore[arg-type]
    assert len(recall) == len(cells) == 3 * 2 * 3
    assert {(cell.policy, cell.split == "train") for cell in cells} == {("all", False)}
    cells.clear()
    sparse = evaluate.sparse(SimpleNamespace(), encoder.length, 7, 3)  # type: ignore[arg-type]
    assert len(sparse) == len(cells) == 2 * len(evaluate.POLICIES) * len(evaluate.BUDGETS)
    assert {cell.kind for cell in cells} == {"one"}
    record = json.loads(
        json.dumps(dict(evaluate.measured(SimpleNamespace(), ["recall"], seed=7, least=3)))
    )  # type: ignore[arg-type]
    assert record["recall"]["seed"] == 7
    assert record["recall"]["cells"] == recall
