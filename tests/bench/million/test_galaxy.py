"""The galaxy and the slots: thoughts are compared with right ones, and slots change nothing."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from warp_cortex import Prism

from warpviz.bench.engine import shape
from warpviz.bench.engine.slot_pool import EMPTY, Crew, SlotBatch, tokens_of
from warpviz.bench.harness.machine import has_bfloat16
from warpviz.bench.million import galaxy, million, worker
from warpviz.bench.million.galaxy import NOTHING, ThoughtTexts
from warpviz.bench.million.shards import Shards
from warpviz.bench.million.tasks import VillageTasks
from warpviz.bench.million.worker import WorkPlan, Workshop
from warpviz.village.world import protocol

PLAN = WorkPlan("village", "float32", 30, 0, 160, 64, 10)


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    """The bundled model over a short village text."""
    found = Workshop(PLAN)
    yield found
    found.prism.close()


@pytest.fixture(scope="module")
def done(workshop: Workshop) -> SlotBatch:
    """Thirty agents that have thought, eight at a time."""
    (batch,) = workshop.crew(8).think(iter([workshop.batch(0, range(30))]))
    return batch


def test_right_is_the_fact_or_that_nothing_is_known() -> None:
    """A known task wants its fact word for word, an unknown one the admission; anything else is
    wrong.
    """
    tasks = VillageTasks(0)
    fact = protocol.answer(tasks.facts[2]).text.strip()
    said = ThoughtTexts((fact, NOTHING, "the moon."), np.array([0, 1, 2, 0, 1], dtype=np.int32))
    unknown = len(tasks.facts)
    arrays = {"question": np.array([2, 2, 2, unknown, unknown])}
    assert galaxy.rightness(arrays, said, tasks).tolist() == [True, False, False, False, True]


def test_rows_count_every_agent_once() -> None:
    """One row per relation and knowledge; agents add up, and shares are those of their own
    agents.
    """
    tasks = VillageTasks(0)
    question = np.array([0, 0, len(tasks.facts), len(tasks.facts)])
    arrays = {
        "question": question,
        "known": question < len(tasks.facts),
        "accepted": np.array([True, False, False, False]),
        "similarity": np.array([0.5, 0.25, 0, 0], dtype=np.float16),
    }
    rows = galaxy.share_rows(arrays, np.array([True, False, True, True]), tasks)
    assert sum(row["agents"] for row in rows) == 4
    first = next(row for row in rows if row["known"])
    assert (first["agents"], first["right"], first["accepted"], first["similarity"]) == (
        2,
        0.5,
        0.5,
        0.375,
    )
    assert next(row for row in rows if not row["known"])["right"] == 1


def test_distinct_thoughts_are_decoded_once(done: SlotBatch, workshop: Workshop) -> None:
    """Every agent's number points at the text of its own tokens."""
    said = galaxy.texts_of(done.thoughts, "village")
    assert len(set(said.texts)) == len(said.texts) < len(done.tasks)
    for row, number in zip(done.thoughts, said.number, strict=True):
        assert (
            said.texts[number]
            == workshop.prism.decode([int(token) for token in row if token >= 0]).strip()
        )


def test_a_folder_without_thoughts_has_no_map(tmp_path: Path) -> None:
    """What is missing is named, with the command that makes it."""
    with pytest.raises(ValueError, match="warpviz bench million --out"):
        galaxy.gathered(Shards(tmp_path, 10, 5))
    with pytest.raises(ValueError, match="holds no run"):
        galaxy.run(argparse.Namespace(of=tmp_path, thoughts=10, seed=0, out=tmp_path / "g.npz"))


@pytest.mark.parametrize("count", ["0", "1", "-5"])
def test_a_map_has_two_thoughts_at_least(tmp_path: Path, count: str) -> None:
    """One thought has no neighbours; the flag is named."""
    parser = argparse.ArgumentParser()
    galaxy.configure(parser)
    with pytest.raises(ValueError, match=f"--thoughts must be at least 2, got {count}"):
        galaxy.run(parser.parse_args(["--of", str(tmp_path), f"--thoughts={count}"]))


def test_axes_are_the_thoughts_own(workshop: Workshop, done: SlotBatch) -> None:
    """Orthonormal, widest first, and the projection of a thought on all of them keeps most of what
    there is.
    """
    basis = workshop.axes(8)
    axes = basis["axes"]
    assert axes.shape == (min(worker.AXES, 30), workshop.prism.spec.hidden_size)
    np.testing.assert_allclose(axes @ axes.T, np.eye(len(axes)), atol=1e-4)
    assert (np.diff(basis["share"]) <= 1e-6).all()
    assert basis["share"].sum() == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(basis["mean"], done.middle.mean(0), atol=1e-5)


def test_what_is_stored_is_what_was_thought(workshop: Workshop, done: SlotBatch) -> None:
    """Rows are in the agents' order; an empty thought is not accepted."""
    arrays = workshop.arrays(done, range(30), workshop.axes(8))
    tasks = [workshop.tasks.task(agent) for agent in range(30)]
    assert arrays["agent"].tolist() == list(range(30))
    assert arrays["question"].tolist() == [task.question for task in tasks]
    assert arrays["known"].tolist() == [task.known for task in tasks]
    similar = workshop.similarities(done.middle)
    assert arrays["accepted"].tolist() == [bool(one >= PLAN.theta) for one in similar]
    assert {len(column) for column in arrays.values()} == {30}
    silent = replace(done, thoughts=done.thoughts.copy())
    silent.thoughts[3] = -1
    empty = workshop.arrays(silent, range(30), workshop.axes(8))
    assert (float(empty["similarity"][3]), bool(empty["accepted"][3])) == (-1.0, False)


def test_stopping_keeps_what_is_not_finished_to_itself(workshop: Workshop) -> None:
    """A crew that is stopped yields no half batch, and a crew without tasks ends at once."""
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 3

    assert not list(workshop.crew(4).think(iter([workshop.batch(0, range(8))]), stop))
    assert not list(workshop.crew(4).think(iter([])))


def test_batches_come_out_whole_and_once(workshop: Workshop) -> None:
    """However batches and slots are cut, every batch is yielded once, with all its agents done."""
    sizes = (3, 1, 7, 2)
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    given = [workshop.batch(n, range(starts[n], starts[n] + size)) for n, size in enumerate(sizes)]
    found = list(workshop.crew(3).think(iter(given)))
    assert sorted(batch.number for batch in found) == [0, 1, 2, 3]
    assert all(batch.left == 0 and len(batch.thoughts) == sizes[batch.number] for batch in found)


def test_a_model_that_never_ends_is_refused(workshop: Workshop) -> None:
    """Random shapes have no end of text: a crew of them would think for ever, so it is not
    begun.
    """
    prism = shape.load("tiny-shape", device="cpu", positions=64)
    with pytest.raises(ValueError, match="'tiny-shape' has 500 tokens and 0 of them end a text"):
        Crew(prism, workshop.snapshot, slots=2, longest=8, most=8)
    prism.close()


def test_tasks_are_padded_and_read_back(workshop: Workshop) -> None:
    """Tokens of a task are those the engine reads, in a rectangle whose padding is no token."""
    texts = [" [TASK: who?] thought:", " a"]
    ids = tokens_of(workshop.prism, texts)
    assert ids == [workshop.prism.encode(text) for text in texts]
    batch = SlotBatch.of(0, ids, most=4, width=2)
    assert [[int(token) for token in row if token != EMPTY] for row in batch.tasks] == ids
    assert batch.task_tokens == sum(map(len, ids))


def test_a_failed_process_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends early is an error of one line that says how to go on, not a traceback."""
    plan = WorkPlan("no such model", "float32", 4, 0, 160, 64, 4)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    args = argparse.Namespace(slots=2, workers=1, out=tmp_path)
    with pytest.raises(
        ChildProcessError, match=r"1 of 1 processes ended early .* repeat the call to go on"
    ):
        million._work_in_processes(plan, args, [0], lambda _: None)


def test_bfloat16_is_used_where_the_processor_has_it() -> None:
    """The answer is the processor's."""
    assert has_bfloat16() is bool(
        {"avx512_bf16", "amx_bf16"}
        & {name for name, held in torch.cpu.get_capabilities().items() if held is True}
    )


def test_a_decoded_row_is_the_models_own_words() -> None:
    """Closing the model that decoded leaves no model behind: another may be loaded at once."""
    said = galaxy.texts_of(np.array([[5, -1], [5, -1], [6, 7]], dtype=np.int16), "village")
    assert said.number.tolist() == [0, 0, 1]
    with Prism.load("village") as prism:
        assert said.texts == (prism.decode([5]).strip(), prism.decode([6, 7]).strip())
