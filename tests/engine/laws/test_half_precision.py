"""Half precision: the same machinery on a model of two bytes a number, near its float32 self and as
revocable.
"""

from collections.abc import Iterator

import pytest
import torch
from warp_cortex import (
    VOICES,
    Context,
    GateConfig,
    Inject,
    Prism,
    StreamBatch,
    Synapse,
    SynapseConfig,
    load_snapshot,
    save_snapshot,
)

from tests.engine.script import PROMPT, SCRIPT, run, scripted
from tests.engine.tiny import build_model, build_prism, build_tokenizer, random_ids

TEXT = random_ids(60, seed=1)


@pytest.fixture(scope="module", params=[torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
def half(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model in half precision."""
    with Prism(
        build_model("qwen2").to(request.param),
        build_tokenizer(),
        name="half",
        voice=VOICES["village"],
    ) as built:
        yield built


def test_a_stream_is_near_its_float32_self(half: Prism) -> None:
    """Landmarks, positions and logits agree with full precision to half precision's rounding."""
    with build_prism("qwen2") as full:
        logits = []
        for prism in (half, full):
            context = Context(prism)
            context.read(TEXT, chunk=25)
            snapshot = Synapse(SynapseConfig(k=24, policy="stride")).publish(context)
            batch = StreamBatch(prism, snapshot)
            rows = [
                batch.admit([1, 2], [TEXT[:5], TEXT[:9]], [None, None]).logits,
                batch.step(torch.tensor([9, 10])).logits,
            ]
            logits.append(torch.stack(rows).float())
            assert snapshot.num_bytes == 24 * prism.spec.kv_bytes_per_token
    assert half.spec.kv_bytes_per_token * 2 == full.spec.kv_bytes_per_token
    similarity = torch.nn.functional.cosine_similarity(logits[0], logits[1], dim=-1)
    assert similarity.min() > 0.99


def test_a_run_is_whole_and_its_thoughts_revocable(
    half: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams, gate, injection, influence, revocation and finite arrays, all in half precision."""
    scripted(monkeypatch, half)
    cortex, _ = run(half, gate=GateConfig(theta=-1))
    assert cortex.summary()["river_text"] == SCRIPT
    assert len(cortex.trace.of(Inject)) == 2
    assert max(cortex.influence(1).kl) > 0
    for number in (1, 2):
        cortex.revoke(number)
    plain, _ = run(half, gate=GateConfig(theta=1))
    assert cortex.context is not None
    assert plain.context is not None
    assert torch.equal(cortex.context.store.share().keys, plain.context.store.share().keys)
    assert torch.equal(cortex.context.middle, plain.context.middle)
    assert all(
        torch.isfinite(torch.from_numpy(array).float()).all()
        for array in cortex.trace.arrays.values()
    )


def test_clouds_and_attention_are_float32(half: Prism) -> None:
    """What geometry and attention are computed in does not depend on the cache's precision."""
    context = half.read(PROMPT)
    evidence = context.evidence()
    for tensor in (
        evidence.points,
        evidence.keys,
        evidence.attention,
        evidence.received,
        context.points("hidden"),
    ):
        assert tensor.dtype == torch.float32
    torch.testing.assert_close(
        context.attention().sum(1), torch.ones(len(context.attention())), atol=1e-5, rtol=0
    )
    assert half.rotary is not None
    assert half.rotary.layout == "half"


def test_a_saved_context_keeps_its_precision(half: Prism, tmp_path: object) -> None:
    """Two bytes a number on disk and back, bit for bit."""
    snapshot = Synapse(SynapseConfig(k=20)).publish(half.read(PROMPT))
    loaded = load_snapshot(half, save_snapshot(snapshot, str(tmp_path)))
    assert loaded.kv.keys.dtype == half.dtype
    assert torch.equal(loaded.kv.keys, snapshot.kv.keys)
