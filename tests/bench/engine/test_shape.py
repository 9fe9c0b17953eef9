"""Models by their shape, and the rows of their tables: seeded, of the size they claim, with ratios
that are ratios.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig

from warpviz.bench.engine import rivers, roofline, shape
from warpviz.bench.engine.rivers import Both
from warpviz.bench.engine.shape import SHAPES, Numbers
from warpviz.bench.harness.timing import TimeSpread

IDS = st.lists(st.integers(0, 200_000), max_size=30)
TIMES = st.lists(st.floats(1e-6, 10), min_size=2, max_size=40).map(
    lambda found: TimeSpread(tuple(found))
)


@given(IDS)
def test_numbers_are_read_as_they_are_written(ids: list[int]) -> None:
    """The tokenizer without a language loses nothing."""
    assert Numbers()(Numbers().decode(ids))["input_ids"] == ids


@given(count=st.integers(0, 200), vocabulary=st.integers(5, 500), seed=st.integers(0, 9))
def test_random_tokens_are_words_of_the_model(count: int, vocabulary: int, seed: int) -> None:
    """In the vocabulary, never a special token, the same for the same seed."""
    ids = shape.random_ids(count, vocabulary, seed=seed)
    assert len(ids) == count
    assert all(4 <= token < vocabulary for token in ids)
    assert ids == shape.random_ids(count, vocabulary, seed=seed)


def test_tasks_differ_between_agents_and_seeds() -> None:
    """Every agent has a task of its own."""
    tasks = shape.random_tasks(50, 8, 500, seed=0)
    assert tasks.shape == (50, 8)
    assert len({tuple(task) for task in tasks.tolist()}) == 50
    assert torch.equal(tasks, shape.random_tasks(50, 8, 500, seed=0))
    assert not torch.equal(tasks, shape.random_tasks(50, 8, 500, seed=1))


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_bytes_of_a_token_follow_from_the_shape(name: str) -> None:
    """Layers x (keys and values) x KV heads x head size x bytes each: 12,288 for the shape of
    Qwen2.5-0.5B.
    """
    config = AutoConfig.for_model("qwen2", **SHAPES[name])
    size = SHAPES[name].get("head_dim", config.hidden_size // config.num_attention_heads)
    numbers = 2 * config.num_hidden_layers * config.num_key_value_heads * size
    if name == "qwen2.5-0.5b-shape":
        assert 2 * numbers == 12_288
    if name in {"tiny-shape", "village-shape"}:
        prism = shape.load(name, device="cpu", positions=64)
        assert prism.dtype == torch.float32
        assert prism.spec.kv_bytes_per_token == 4 * numbers
        assert prism.spec.max_positions == 64
        prism.close()


def test_a_shape_is_the_seeds() -> None:
    """The same seed gives the same weights, another one others; a precision that was asked for is
    given.
    """
    prisms = [shape.load("tiny-shape", device="cpu", positions=64, seed=seed) for seed in (0, 0, 1)]
    assert prisms[0].spec.checksum == prisms[1].spec.checksum != prisms[2].spec.checksum
    half = shape.load("tiny-shape", device="cpu", positions=64, dtype=torch.bfloat16)
    assert half.dtype == torch.bfloat16
    assert half.weight_bytes < 0.6 * prisms[0].weight_bytes
    for prism in (*prisms, half):
        prism.close()


def test_a_context_of_a_shape_is_read() -> None:
    """As many tokens as asked for, with room to write, and the River's next token at hand."""
    prism = shape.load("tiny-shape", device="cpu", positions=64)
    context = shape.random_context(prism, 20, seed=3, room=5)
    assert context.num_tokens == 20
    assert context.ids == shape.random_ids(20, prism.spec.vocab_size, seed=3)
    assert context.logits is not None
    for _ in range(4):
        context.write(7)
    assert context.num_tokens == 24
    prism.close()


@given(found=TIMES, alone=TIMES, streams=st.integers(1, 1000))
def test_a_row_of_latencies_is_of_its_times(
    found: TimeSpread, alone: TimeSpread, streams: int
) -> None:
    """Milliseconds of median and 95 %, how many times those alone, and streams' tokens per second
    of all the time.
    """
    row = rivers.row("x", streams, found, alone)
    assert row["p50_ms"] == pytest.approx(1e3 * found.median)
    assert row["p50_ms"] <= row["p95_ms"]
    assert row["p50_times_alone"] * alone.median == pytest.approx(found.median)
    assert row["p95_times_alone"] * alone.quantile(0.95) == pytest.approx(found.quantile(0.95))
    assert row["tokens"] == len(found.seconds)
    rate = rivers.rate(streams, found)["stream_tokens_per_s"]
    assert rate * sum(found.seconds) == pytest.approx(streams * len(found.seconds))
    same = rivers.row("alone", 0, alone, alone)
    assert (same["p50_times_alone"], same["p95_times_alone"]) == (1, 1)


def test_the_river_goes_first() -> None:
    """Taking turns is the River's step and then the streams', each as often as told."""
    steps: list[tuple[str, int]] = []

    class Noted:
        """Writes down its steps."""

        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, count: int) -> None:
            """Take them."""
            steps.append((self.name, count))

    both = Both(Noted("river"), Noted("streams"))
    both.run(1)
    both.run(2)
    assert steps == [("river", 1), ("streams", 1), ("river", 2), ("streams", 2)]


def test_a_step_is_told_beside_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The floor is weights plus keys and values over the bandwidth, products are operations over
    the rate.
    """
    from warpviz.bench.engine import capacity

    prism = shape.load("tiny-shape", device="cpu", positions=256)
    scene = capacity.scene_of(prism, 60, own=8, k=16, seed=0)
    monkeypatch.setattr(roofline, "copy_bandwidth", lambda *_, **__: 1e9)
    monkeypatch.setattr(roofline, "product_rate", lambda *_, **__: 1e12)
    rows: list[dict] = []
    roofline.steps(rows, scene, agents=[1, 5], seed=0)
    assert [row["agents"] for row in rows] == [1, 5]
    for row in rows:
        held = (row["agents"] * 8 + 16) * prism.spec.kv_bytes_per_token
        assert row["kv_bytes"] == held
        assert row["floor_ms"] == pytest.approx(1e3 * (prism.weight_bytes + held) / 1e9)
        assert row["products_ms"] == pytest.approx(
            1e3 * row["agents"] * roofline.product_flops(scene) / 1e12
        )
        assert row["times_floor"] == pytest.approx(row["step_ms"] / row["floor_ms"])
        assert row["times_larger_floor"] <= row["times_floor"] * (1 + 1e-9)
        assert row["agent_tokens_per_s"] == pytest.approx(1e3 * row["agents"] / row["step_ms"])
    prism.close()
