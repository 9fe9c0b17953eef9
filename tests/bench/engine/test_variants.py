"""The arms that are compared: the same thoughts by every way of sharing, and bytes that follow from
the formula.
"""

import threading
from collections.abc import Iterator

import pytest
import torch
from warp_cortex import Prism

from warpviz.bench.engine import capacity, roofline, shape, variants
from warpviz.bench.engine.variants import BenchSetting

OWN, K, TOKENS = 12, 32, 80


@pytest.fixture(scope="module")
def scene() -> Iterator[BenchSetting]:
    """A small context with its landmarks."""
    prism = shape.load("tiny-shape", device="cpu", positions=256)
    yield capacity.scene_of(prism, TOKENS, own=OWN, k=K, seed=0)
    prism.close()


def tasks(prism: Prism, count: int) -> torch.Tensor:
    """Return a task of three tokens for each agent."""
    return shape.random_tasks(count, 3, prism.spec.vocab_size, seed=1)


def states(scene: BenchSetting, arm: str) -> torch.Tensor:
    """Let four agents think to the end of their slots; return their last states."""
    streams = variants.seat(scene, arm, tasks(scene.prism, 4))
    streams.run(OWN - streams.longest)
    return torch.stack([streams.batch.state(slot).last for slot in range(4)])


@pytest.mark.parametrize(
    ("shared", "copied"),
    [(variants.LANDMARKS, variants.LANDMARKS_COPIED), (variants.FULL, variants.FULL_COPIED)],
)
def test_a_copy_thinks_what_the_shared_block_thinks(
    scene: BenchSetting, shared: str, copied: str
) -> None:
    """Whether agents share what they see or hold copies of it, their last states are the same."""
    torch.testing.assert_close(states(scene, shared), states(scene, copied), atol=1e-4, rtol=1e-4)


def test_the_full_cache_is_more_than_landmarks(scene: BenchSetting) -> None:
    """The comparison is of different things: what agents see changes what they think."""
    assert (states(scene, variants.LANDMARKS) - states(scene, variants.FULL)).abs().max() > 0.01


def test_a_thread_thinks_what_its_row_of_the_batch_thinks(scene: BenchSetting) -> None:
    """The paper's way, a forward pass of its own over a copy of its own, ends in the same token's
    cache entries.
    """
    given = tasks(scene.prism, 1)
    gate = threading.Event()
    agent = variants.ThreadedAgent(scene, given[0].tolist(), tokens=5, gate=gate)
    agent.start()
    gate.set()
    agent.join(30)
    assert agent.store.length == K + 5
    streams = variants.seat(scene, variants.LANDMARKS, given)
    streams.run(2)
    torch.testing.assert_close(
        agent.store.data[:, 0, :, K : K + 5],
        streams.batch.slots.data[:, 0, 0, :, :5],
        atol=1e-4,
        rtol=1e-4,
    )


@pytest.mark.parametrize("count", [1, 3, 40])
@pytest.mark.parametrize("arm", variants.BATCHED)
def test_bytes_needed_are_what_is_held(scene: BenchSetting, arm: str, count: int) -> None:
    """Private entries are own tokens, and what is copied of the context; the rest of the estimate
    is logits.
    """
    copied = {variants.LANDMARKS_COPIED: K, variants.FULL_COPIED: TOKENS}.get(arm, 0)
    entries = count * (OWN + copied) * scene.prism.spec.kv_bytes_per_token
    assert variants.seat(scene, arm, tasks(scene.prism, count)).num_bytes == entries
    logits = 2 * count * scene.prism.spec.vocab_size * scene.prism.dtype.itemsize
    assert variants.bytes_needed(scene, arm, count) == entries + logits


def test_an_unknown_arm_is_refused(scene: BenchSetting) -> None:
    """A misspelt arm is never taken for another one."""
    with pytest.raises(
        ValueError, match="arm 'landmark shared' is unknown; accepted: landmarks shared, "
    ):
        variants.seat(scene, "landmark shared", tasks(scene.prism, 1))


def test_free_bytes_are_less_than_the_machine_has() -> None:
    """Some are left for others."""
    import psutil

    assert 0 < variants.bytes_free(torch.device("cpu")) < psutil.virtual_memory().total


def test_a_river_writes_beside_a_busy_batch(scene: BenchSetting) -> None:
    """Latencies are one per token, and the batch has stepped in the meantime, in a thread that
    ends.
    """
    before = threading.active_count()
    main = variants.BenchRiver(scene.context.fork())
    batch = variants.seat(scene, variants.LANDMARKS, tasks(scene.prism, 2))
    with variants.busy(batch, None) as ends:
        found = variants.latencies(main, 6, None)
        while not ends:
            found += variants.latencies(main, 1, None)
    assert len(found) >= 6
    assert all(second > 0 for second in found)
    assert ends == sorted(ends)
    assert threading.active_count() == before


def test_what_ends_a_busy_batch_ends_the_measurement() -> None:
    """A River measured beside a batch that had stopped would seem to lose nothing."""
    begun = threading.Event()

    class Broken:
        def run(self, _: int) -> None:
            begun.set()
            msg = "out of memory"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="out of memory"), variants.busy(Broken(), None) as ends:
        assert begun.wait(30)
    assert not ends


def test_threads_make_forward_passes_of_their_own(
    scene: BenchSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where steps are recorded, as on CUDA, threads record none: it would be most of their time."""
    seen, forward = [], variants.ThreadedAgent._forward

    def watched(self: variants.ThreadedAgent, token: int, place: int) -> int:
        seen.append(self.scene.prism.records_steps)
        return forward(self, token, place)

    monkeypatch.setattr(scene.prism, "records_steps", True)
    monkeypatch.setattr(variants.ThreadedAgent, "_forward", watched)
    (row,) = capacity.rows_of(scene, agents=[2], names=[variants.THREADS], seed=0)
    assert row["tokens_each"] == len(seen) // 2
    assert not any(seen)
    assert scene.prism.records_steps


def test_a_thread_that_fails_ends_the_table(
    scene: BenchSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tokens are not counted as if it had thought them."""

    def broken(*_: object) -> int:
        msg = "out of memory"
        raise RuntimeError(msg)

    monkeypatch.setattr(variants.ThreadedAgent, "_forward", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(capacity.rows_of(scene, agents=[2], names=[variants.THREADS], seed=0))


def test_rows_tell_what_was_not_tried(scene: BenchSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    """More threads than are tried, or more bytes than are free: a row says so, none is silently
    missing.
    """
    monkeypatch.setattr(capacity, "MOST_THREADS", 1)
    rows = list(
        capacity.rows_of(scene, agents=[2], names=[variants.THREADS, variants.LANDMARKS], seed=0)
    )
    assert [row["arm"] for row in rows] == [variants.THREADS, variants.LANDMARKS]
    assert rows[0]["skipped"] == "more than 1 threads are not tried"
    assert "skipped" not in rows[1]
    (row,) = capacity.rows_of(scene, agents=[10**12], names=[variants.LANDMARKS], seed=0)
    assert (
        f"needs {variants.bytes_needed(scene, variants.LANDMARKS, 10**12):,} bytes"
        in row["skipped"]
    )
    monkeypatch.setattr(variants, "bytes_free", lambda _: 0)
    found: list[dict[str, object]] = []
    monkeypatch.setattr(roofline, "product_rate", lambda *_, **__: 1e9)
    monkeypatch.setattr(roofline, "copy_bandwidth", lambda *_, **__: 1e9)
    roofline.steps(found, scene, agents=[5], seed=0)
    need = variants.bytes_needed(scene, variants.LANDMARKS, 5)
    assert found == [{"agents": 5, "skipped": f"needs {need:,} bytes, 0 are free"}]


def test_a_row_is_of_the_numbers_asked_for(scene: BenchSetting) -> None:
    """Every row names arm, agents, context and own tokens, and its bytes follow from them."""
    (row,) = capacity.rows_of(scene, agents=[3], names=[variants.LANDMARKS_COPIED], seed=0)
    assert (row["arm"], row["agents"], row["context"], row["own_tokens"]) == (
        variants.LANDMARKS_COPIED,
        3,
        TOKENS,
        OWN,
    )
    assert row["weights_bytes"] == scene.prism.weight_bytes
    assert row["private_bytes"] == (OWN + K) * scene.prism.spec.kv_bytes_per_token
    assert row["shared_bytes"] == 0
    assert row["agent_tokens_per_s"] == pytest.approx(3e3 / row["step_ms"])
    assert row["river_slowdown"] > 0


def test_an_arm_that_takes_too_long_is_stopped_and_filled(scene: BenchSetting) -> None:
    """Its rate is that of the steps it took, and its bytes are those of full slots all the same."""
    (short,) = capacity.rows_of(scene, agents=[3], names=[variants.LANDMARKS], seed=0, longest=0)
    (whole,) = capacity.rows_of(scene, agents=[3], names=[variants.LANDMARKS], seed=0)
    assert (short["tokens_each"], whole["tokens_each"]) == (capacity.TASK + 1, OWN)
    assert short["agent_tokens_per_s"] == pytest.approx(3e3 / short["step_ms"])
    for name in ("shared_bytes", "private_bytes", "tensors_bytes"):
        assert short[name] == whole[name]
    assert whole["tensors_bytes"] == whole["shared_bytes"] + 3 * whole["private_bytes"]


def test_an_arm_is_not_run_when_one_step_would_take_too_long(
    scene: BenchSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going by what fewer agents took, each as long as the others; the row says so."""
    monkeypatch.setattr(capacity, "_batch", lambda *_, **__: {"step_ms": 2000.0})
    rows = list(
        capacity.rows_of(scene, agents=[1, 4, 9], names=[variants.LANDMARKS], seed=0, longest=4)
    )
    assert ["skipped" in row for row in rows] == [False, True, True]
    assert rows[1]["skipped"] == "a step would take 8 s, going by 1 agents"


def test_slots_are_filled_behind_what_was_written(scene: BenchSetting) -> None:
    """What agents wrote stays; what nobody touched is written once."""
    streams = variants.seat(scene, variants.LANDMARKS, torch.tensor([[5, 6], [7, 8]]))
    streams.run(2)
    data = streams.batch.slots.data
    written = data[:, :, :, :, :4].clone()
    data[:, :, :, :, 4:] = float("nan")
    variants.fill(streams)
    assert torch.equal(data[:, :, :, :, :4], written)
    assert not data[:, :, :, :, 4:].any()


def test_agents_begin_again_when_their_room_is_used_up(scene: BenchSetting) -> None:
    """The second time they think what they thought the first time, in the same slots."""
    streams = variants.seat(scene, variants.LANDMARKS, tasks(scene.prism, 3))
    first = streams.tokens
    held = streams.num_bytes
    streams.run(OWN - streams.longest)
    assert streams.longest == OWN
    streams.begin()
    assert streams.tokens == first
    streams.run(OWN)
    assert streams.longest <= OWN
    assert streams.num_bytes == held


def test_products_are_every_weight_once(scene: BenchSetting) -> None:
    """Two operations per weight that a token is multiplied with: all matrices, the tied vocabulary
    once.
    """
    named = dict(scene.prism.model.named_parameters())
    sizes = {name: part.numel() for name, part in named.items() if part.dim() > 1}
    assert roofline.product_flops(scene) == 2 * sum(sizes.values())
    assert "lm_head.weight" not in named


def test_rates_are_numbers_of_this_machine() -> None:
    """A copy and a product take some time: the rates are finite and positive."""
    device = torch.device("cpu")
    assert 1e6 < roofline.copy_bandwidth(device, size=2**20) < 1e13
    assert 1e6 < roofline.product_rate(device, torch.float32, size=64) < 1e14
