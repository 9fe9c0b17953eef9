"""Seeded interleavings of publish, read, write, inject, revoke, evict, close: nothing is torn.

One thread writes the River and publishes, one takes thoughts back, one steps the streams, one reads
snapshots and one looks at the River's cache; between any two lines of the engine another may go on.
"""

from collections.abc import Iterator
from random import Random

import pytest
import torch
from warp_cortex import (
    Context,
    InjectionConfig,
    Prism,
    SharedKV,
    Snapshot,
    Stream,
    StreamBatch,
    StreamConfig,
    Synapse,
    SynapseConfig,
)
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.cache.store import KVStore
from warp_cortex.thoughts.injection import Injector

from tests.engine.run.interleaving import Interleaving, TurnLock
from tests.engine.tiny import build_prism, random_ids

SEEDS = 2000
PART = 250
TEXT = random_ids(20)
POLICIES = ("hybrid", "all", "recent")


@pytest.fixture(scope="module")
def read() -> Iterator[Context]:
    """A text that a tiny model has read."""
    with build_prism("llama", num_hidden_layers=2) as prism:
        context = Context(prism)
        context.read(TEXT)
        # whatever is imported, compiled or made at first use has a lock of its own
        for policy in POLICIES:
            warm(context.fork(), policy)
        yield context


def warm(river: Context, policy: str) -> None:
    """Do everything once, one after the other."""
    synapse = Synapse(SynapseConfig(k=6, sinks=1, recent=2, policy=policy))
    injector = Injector(river, InjectionConfig())
    for _ in range(2):
        snapshot = synapse.publish(river)
        injector.inject("ab", stream=1)
        river.write(5)
    injector.revoke(1)
    river.evict(sinks=1, window=8)
    synapse.publish(river)
    runner = LocalRunner(river.prism, StreamConfig(max_tokens=3, slots=2, stop=()))
    for number in (1, 2, 3):
        runner.open(Stream(number, "", "test", (0, 0), 1, random_ids(number)), snapshot)
    while not runner.is_idle:
        runner.step()


class Scene:
    """A River, a synapse and a runner used by threads that take turns, and what each has seen."""

    def __init__(self, read: Context, seed: int) -> None:
        self.random = Random(seed)
        self.turns = Interleaving(seed, chance=self.random.choice((0.03, 0.15)))
        self.prism: Prism = read.prism
        self.river = read.fork()
        self.injector = Injector(self.river, InjectionConfig())
        config = SynapseConfig(k=6, sinks=1, recent=2, policy=self.random.choice(POLICIES))
        self.synapse = Synapse(config, seed=seed)
        self.synapse._writer = TurnLock(self.turns)  # type: ignore[assignment] # the same calls
        self.river_lock = TurnLock(self.turns)
        self.runner = LocalRunner(self.prism, StreamConfig(max_tokens=3, slots=2, stop=()))
        self.published: dict[int, SharedKV] = {}  # copies of the River's own entries at that moment
        self.seen: list[Snapshot] = []
        self.streams: list[tuple[Stream, Snapshot]] = []
        self.is_over = False

    def publish(self) -> None:
        """Publish, and keep what the River held at those positions."""
        snapshot = self.synapse.publish(self.river)
        store = self.river.store
        rows = store.text_rows()
        rows = rows[torch.isin(store.positions[rows], snapshot.landmarks)]
        # landmarks the River has let go of live on in snapshots alone
        if rows.numel() == snapshot.kv.num_entries:
            self.published[snapshot.version] = store.gather(rows)

    def write(self) -> None:
        """Let the River write, publish, open streams, take thoughts in and evict its past."""
        with self.river_lock:
            self.publish()
        for _ in range(5):
            act = self.random.choice(("write", "write", "publish", "inject", "open", "evict"))
            with self.river_lock:
                if act == "write":
                    self.river.write(self.random.randrange(4, 260))
                elif act == "publish":
                    self.publish()
                elif act == "inject" and self.injector.can_inject("ab"):
                    self.injector.inject("ab", stream=1)
                elif act == "evict":
                    self.river.evict(sinks=1, window=8)
            snapshot = self.synapse.current
            if act == "open" and snapshot is not None:
                number = len(self.streams) + 1
                stream = Stream(
                    number, "", "test", (0, 0), snapshot.version, random_ids(2, seed=number)
                )
                self.streams.append((stream, snapshot))
                self.runner.open(stream, snapshot)
        self.is_over = True

    def take_back(self) -> None:
        """Revoke whatever has been injected, until the River is done and nothing is left."""
        while not self.is_over or self.injector.active:
            with self.river_lock:
                for number in list(self.injector.active):
                    self.injector.revoke(number)
            self.turns.give_way()

    def think(self) -> None:
        """Step the streams until every opened one has ended."""
        while not self.is_over or not self.runner.is_idle:
            self.runner.step()
            assert self.runner.num_active <= 2
            assert self.runner.private_bytes >= 0
            assert len(self.runner.snapshots) <= len(self.streams)
            self.turns.give_way()

    def look(self) -> None:
        """Read snapshots without a lock."""
        while not self.is_over:
            if (snapshot := self.synapse.current) is not None:
                self.seen.append(snapshot)
                assert snapshot.kv.num_entries == snapshot.landmarks.numel()
                assert int(snapshot.kv.positions.max()) < snapshot.step
                assert snapshot.kv.keys.isfinite().all()
            self.turns.give_way()

    def view(self) -> None:
        """Look at the River as a viewer does, without a lock: at each moment it must be whole."""
        while not self.is_over:
            states = self.river.middle
            assert states.isfinite().all()
            assert len(states) >= len(TEXT)
            self.turns.give_way()

    def run(self) -> None:
        """Let all of them go on to their end."""
        works = (self.write, self.take_back, self.think, self.look, self.view)
        self.turns.run({work.__name__: work for work in works})


def assert_nothing_torn(scene: Scene) -> None:
    """Every snapshot seen is still what was published; versions come in order, none twice."""
    assert [snapshot.version for snapshot in scene.seen] == sorted(
        snapshot.version for snapshot in scene.seen
    )
    current = scene.synapse.current
    assert current is not None
    by_version = {snapshot.version: snapshot for snapshot in [*scene.seen, current]}
    by_version |= {snapshot.version: snapshot for _, snapshot in scene.streams}
    for version, snapshot in by_version.items():
        assert 1 <= version <= current.version
        if (held := scene.published.get(version)) is not None:
            assert torch.equal(snapshot.kv.positions, held.positions)
            assert torch.equal(snapshot.kv.keys, held.keys)
            assert torch.equal(snapshot.kv.values, held.values)


def assert_nobody_was_lost(scene: Scene) -> None:
    """Every stream has thought to its end what it would have thought alone over its snapshot."""
    for stream, _ in scene.streams:
        assert stream.reason in {"budget", "end"}
    for stream, snapshot in scene.streams[-1:]:
        alone = StreamBatch(scene.prism, snapshot)
        ids = [int(alone.admit([1], [stream.prompt], [None]).logits.argmax())]
        while len(ids) < len(stream.ids):
            ids.append(int(alone.step(torch.tensor(ids[-1:])).logits.argmax()))
        assert stream.ids == ids[: len(stream.ids)]


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_nothing_is_torn_or_lost(read: Context, first: int) -> None:
    """However the threads are interleaved."""
    switches = 0
    for seed in range(first, first + PART):
        scene = Scene(read, seed)
        scene.run()
        assert_nothing_torn(scene)
        assert_nobody_was_lost(scene)
        assert not scene.injector.active
        assert "injected" not in scene.river.kinds
        assert scene.runner.close("done") == []
        switches += scene.turns.num_switches
    assert switches > 20 * PART, "the threads did take turns"


def test_the_same_seed_is_the_same_interleaving(read: Context) -> None:
    """What a seed has shown once it shows again."""
    scenes = [Scene(read, seed) for seed in (3, 3, 4)]
    for scene in scenes:
        scene.run()
    first, again, other = ((scene.turns.num_switches, scene.river.ids) for scene in scenes)
    assert first == again
    assert first != other


def test_a_torn_snapshot_would_be_seen(read: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that removed entries in place, while others share it, would fail this test."""
    rebuild = KVStore._rebuild

    def in_place(self: KVStore, rows: torch.Tensor | slice, *, capacity: int) -> None:
        data = self.data
        rebuild(self, rows, capacity=capacity)
        num = min(self.length, data.shape[3])
        data[:, :, :, :num] = self.data[:, :, :, :num]

    monkeypatch.setattr(KVStore, "_rebuild", in_place)

    def search() -> None:
        for seed in range(PART):
            scene = Scene(read, seed)
            scene.run()
            assert_nothing_torn(scene)

    with pytest.raises(AssertionError):
        search()
