"""The million, with a few hundred agents: the same tasks, slots, shards and laws."""

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from warp_cortex import Cortex, CortexConfig, SynapseConfig
from warp_cortex.thoughts.gate import GateState, Statistics, centred

from warpviz.bench.engine.slot_pool import SlotBatch
from warpviz.bench.harness import progress
from warpviz.bench.million import galaxy, million, worker
from warpviz.bench.million.shards import Ledger, Shards
from warpviz.bench.million.tasks import VillageTasks
from warpviz.bench.million.worker import WorkPlan, Workshop


def arguments(folder: Path, *flags: str) -> argparse.Namespace:
    """Return parsed flags of a small run in this process."""
    parser = argparse.ArgumentParser()
    million.configure(parser)
    small = [
        "--agents=70",
        "--slots=16",
        "--workers=1",
        "--shard=20",
        "--context=160",
        "--dtype=float32",
        "--json",
    ]
    return parser.parse_args([*small, "--out", str(folder), *flags])


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    """The bundled model over a short village text, in float32."""
    found = Workshop(WorkPlan("village", "float32", 70, 0, 160, 64, 20))
    yield found
    found.prism.close()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("million")
    million.run(arguments(folder))
    return folder


def test_no_two_agents_are_asked_the_same() -> None:
    """Tasks are all different, the same for the same seed, and one in four asks for what the
    context says.
    """
    tasks = VillageTasks(0)
    found = [tasks.task(agent) for agent in [*range(4000), *range(tasks.most - 4000, tasks.most)]]
    assert len({task.text for task in found}) == 8000
    assert sum(task.known for task in found) == 2000
    assert tasks.most > 1_000_000
    assert [VillageTasks(0).task(agent) for agent in range(50)] == found[:50]
    assert [VillageTasks(1).task(agent) for agent in range(50)] != found[:50]
    with pytest.raises(ValueError, match="no task of its own"):
        tasks.task(tasks.most)


def test_known_tasks_are_answered_by_the_text(workshop: Workshop) -> None:
    """Task, question number and text speak of the same fact; the text ends with the River's own
    task.
    """
    tasks = workshop.tasks
    known = next(tasks.task(agent) for agent in range(8) if tasks.task(agent).known)
    assert known.text.endswith(tasks.plain(known.question))
    assert tasks.facts[known.question].subject in known.text
    assert workshop.context.text.endswith(tasks.trigger)


def test_a_crew_thinks_what_the_engine_thinks(workshop: Workshop) -> None:
    """Agents that pass through a few slots have, token for token, the thoughts of streams opened
    all at once.
    """
    (done,) = workshop.crew(8).think(iter([workshop.batch(0, range(24))]))
    cortex = Cortex(workshop.prism, CortexConfig(synapse=SynapseConfig(k=64)))
    streams = cortex.fork(
        workshop.context, [workshop.tasks.task(agent).text for agent in range(24)]
    )
    assert [[int(token) for token in row if token >= 0] for row in done.thoughts] == [
        s.ids for s in streams
    ]
    assert done.ended.tolist() == [stream.reason == "end" for stream in streams]
    assert done.thought_tokens == sum(len(stream.ids) for stream in streams)


def test_a_thought_depends_on_no_other_agent(workshop: Workshop) -> None:
    """Slots and neighbours change nothing: alone, in two slots or in sixteen, a thought is the
    same.
    """
    runs = []
    for slots in (1, 2, 16):
        batches = (workshop.batch(number, range(number * 5, number * 5 + 5)) for number in range(3))
        runs.append({batch.number: batch.thoughts for batch in workshop.crew(slots).think(batches)})
    for number in range(3):
        assert all(np.array_equal(run[number], runs[0][number]) for run in runs)


def test_similarities_are_the_gates(workshop: Workshop) -> None:
    """The vectorised similarity is the centred gate's."""
    (done,) = workshop.crew(8).think(iter([workshop.batch(0, range(8))]))
    states = workshop.context.middle.float()
    river = GateState(middle=torch.from_numpy(workshop.wanted + workshop.mean), last=states[-1])
    statistics = Statistics.empty(states.shape[1]).update(states)
    for vector, found in zip(done.middle, workshop.similarities(done.middle), strict=True):
        thought = GateState(middle=torch.from_numpy(vector), last=states[-1])
        assert centred(river, thought, statistics) == pytest.approx(float(found), abs=1e-4)


def test_it_goes_on_where_it_was_interrupted(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C keeps the finished shards; a second call adds the missing ones.

    Thoughts and judgements are those of one call to the bit, vectors to half precision.
    """
    write = Shards.write
    written = []

    def interrupt(self: Shards, number: int, arrays: dict[str, np.ndarray]) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        write(self, number, arrays)
        written.append(number)

    monkeypatch.setattr(Shards, "write", interrupt)
    assert million.execute(arguments(tmp_path)) == 130
    assert len(Shards(tmp_path, 70, 20).missing()) == 2
    monkeypatch.undo()
    assert million.run(arguments(tmp_path, "--show"))["finished"] == 40
    found = million.run(arguments(tmp_path))
    assert (found["finished"], found["missing"], len(found["calls"])) == (70, 0, 2)
    assert found["calls"][0]["interrupted"]
    for ours, theirs in zip(
        Shards(tmp_path, 70, 20).present(), Shards(finished, 70, 20).present(), strict=True
    ):
        assert ours.keys() == theirs.keys()
        for name in ours:
            if name == "vector":  # the agents in a step decide the last bits of its sums
                np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-3, atol=2e-3)
            else:
                assert np.array_equal(ours[name], theirs[name]), name


def test_a_finished_folder_is_not_worked_on_again(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another call prints one JSON object with the same counts and adds no time."""
    assert million.execute(arguments(finished)) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["agents"] == found["finished"] == 70
    assert found["tokens"] == found["task_tokens"] + found["thought_tokens"]
    assert found["agent_tokens_per_s"] == pytest.approx(found["tokens"] / found["seconds"])
    assert 0 < found["peak_rss_bytes"] < 4 * 2**30
    assert found["slots"] == 16


def test_another_plan_needs_another_folder(finished: Path) -> None:
    """Results of different settings never mix; the difference is named."""
    with pytest.raises(ValueError, match="k 64, this call has 32"):
        million.run(arguments(finished, "--k", "32"))


@pytest.mark.parametrize("flag", ["--agents", "--slots", "--workers", "--shard"])
def test_numbers_out_of_range_are_named(tmp_path: Path, flag: str) -> None:
    """Nothing starts with zero of anything."""
    with pytest.raises(ValueError, match=f"{flag} must be between 1 and"):
        million.run(arguments(tmp_path, flag, "0"))


def test_two_processes_finish_what_one_would(finished: Path, tmp_path: Path) -> None:
    """Processes share the shards among them and store the same thoughts."""
    found = million.run(arguments(tmp_path, "--workers", "2", "--agents", "70"))
    assert found["finished"] == 70
    for ours, theirs in zip(
        Shards(tmp_path, 70, 20).present(), Shards(finished, 70, 20).present(), strict=True
    ):
        assert np.array_equal(ours["thought"], theirs["thought"])


def test_the_map_keeps_thoughts_and_texts_together(finished: Path, tmp_path: Path) -> None:
    """Every drawn thought is its agent's own (few enough for PCA); the counts are those of the
    whole run.
    """
    out = tmp_path / "galaxy.npz"
    found = galaxy.run(argparse.Namespace(of=finished, thoughts=12, seed=0, out=out))
    assert sum(row["agents"] for row in found["rows"]) == found["thoughts"] == 70
    with np.load(out, allow_pickle=False) as file:
        drawn = {name: file[name] for name in file.files}
    assert drawn["place"].shape == (12, 2)
    arrays = galaxy.gathered(Shards(finished, 70, 20))
    said = galaxy.texts_of(arrays["thought"], "village")
    for row, agent in enumerate(drawn["agent"]):
        assert drawn["thoughts"][drawn["thought"][row]] == said.texts[said.number[agent]]
        assert drawn["question"][row] == arrays["question"][agent]


def test_a_shard_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails halfway leaves the shard missing."""
    shards = Shards(tmp_path, 10, 4)
    assert [len(shards.members(number)) for number in range(shards.count)] == [4, 4, 2]

    def broken(file: io.BufferedWriter, **_: object) -> None:
        file.write(b"half")
        msg = "disk full"
        raise OSError(msg)

    monkeypatch.setattr(np, "savez", broken)
    with pytest.raises(OSError, match="disk full"):
        shards.write(1, {})
    assert shards.missing() == [0, 1, 2]


def test_a_ledger_remembers_its_plan(tmp_path: Path) -> None:
    """The same plan opens the record again with what was added."""
    ledger = Ledger(tmp_path / "run.json")
    record = ledger.open({"seed": 1})
    assert not ledger.path.exists()
    record["calls"].append({"seconds": 2.0})
    ledger.save(record)
    assert ledger.open({"seed": 1})["calls"] == [{"seconds": 2.0}]
    with pytest.raises(ValueError, match="seed 1, this call has 2"):
        ledger.open({"seed": 2})


def test_lines_tell_rate_and_time_left() -> None:
    """Off a terminal there is a line now and then, with what is left at the pace so far."""
    out = io.StringIO()
    now = iter([0.0, 1.0, 20.0, 30.0])
    lines = progress.Lines(100, 40, out, clock=lambda: next(now))
    for _ in range(3):
        lines.advance(20, 400)
    assert out.getvalue().splitlines() == [
        "80 of 100 agents, 40 agent-tokens/s, 0:00:10 left",
        "100 of 100 agents, 40 agent-tokens/s, 0:00:00 left",
    ]


def test_a_bar_where_there_is_a_terminal() -> None:
    """On a terminal there is a bar, quiet is silent, and elsewhere there are lines."""
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    with progress.meter(10, 0, quiet=False, out=screen) as shown:
        shown.advance(10, 100)
    assert "10/10" in screen.getvalue()
    silent = io.StringIO()
    with progress.meter(10, 0, quiet=True, out=silent) as shown:
        shown.advance(10, 100)
    assert not silent.getvalue()
    with progress.meter(10, 0, quiet=False, out=silent) as shown:
        assert isinstance(shown, progress.Lines)


def test_an_endless_thought_is_cut_off(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that never ends stops at the limit, says so, and its slot goes to the next one."""
    crew = workshop.crew(2)
    monkeypatch.setattr(crew, "_stop", np.array([0]))  # padding: the model never says it
    batch = workshop.batch(0, range(5))
    (done,) = crew.think(iter([batch]))
    assert not done.ended.any()
    assert (done.thoughts > 0).all()
    assert done.thoughts.shape == (5, worker.MOST)


def test_batches_count_their_tokens() -> None:
    """Padding is not counted, nor the end."""
    batch = SlotBatch.of(3, [[5, 6, 7], [8]], most=4, width=2)
    batch.thoughts[0, :2] = 9
    assert (batch.task_tokens, batch.thought_tokens, batch.left) == (4, 2, 2)
    assert batch.tasks.shape == (2, 3)
