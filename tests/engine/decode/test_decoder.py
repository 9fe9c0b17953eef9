"""A decode step written out over the model's weights must be the model's own, or give way to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM
from warp_cortex import Context, Prism, Snapshot, StreamBatch, Synapse, SynapseConfig
from warp_cortex.decode.decoder import Decoder
from warp_cortex.kernels import decode_numba as compiled

from tests.engine.tiny import build_model, build_prism, build_tokenizer, random_ids

Lend = Callable[..., Prism]
FUSABLE = ("qwen2", "qwen3", "llama", "mistral")
OTHERS = ("gemma", "gemma2", "gpt_neox", "gpt2", "cohere", "phi3")
TEXT = random_ids(50)
TIGHT = {"rtol": 1e-4, "atol": 2e-5}


@pytest.fixture
def lend() -> Iterator[Lend]:
    """Tiny models of this test's own, given back at its end."""
    with ExitStack() as stack:
        yield lambda family="qwen2", **changes: stack.enter_context(build_prism(family, **changes))


def read(prism: Prism) -> Context:
    """Return the context of the text."""
    context = Context(prism)
    context.read(TEXT)
    return context


def by_the_model(prism: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the prism's steps the model's own forward passes."""
    monkeypatch.setattr(type(prism), "decoder", None)


def written(prism: Prism, count: int = 5) -> Context:
    """Return a context that went on for some tokens, one at a time."""
    context = read(prism)
    for token in random_ids(count, seed=4):
        context.write(token)
    return context


def thought(prism: Prism, snapshot: Snapshot) -> tuple[Tensor, StreamBatch]:
    """Return logits [1 + steps, B, V] of a ragged batch over a snapshot, and the batch."""
    batch = StreamBatch(prism, snapshot)
    rows = [batch.admit([0, 1, 2], [random_ids(n, seed=n) for n in (3, 1, 6)], [None] * 3).logits]
    rows += [batch.step(torch.tensor(random_ids(3, seed=step))).logits for step in range(4)]
    return torch.stack(rows), batch


@pytest.mark.parametrize("family", FUSABLE)
def test_the_river_writes_what_the_model_writes(
    lend: Lend, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """Logits, states, entries and remembered queries are those of the model's own passes, token by
    token.
    """
    prism = lend(family)
    assert prism.decoder is not None
    got = written(prism)
    by_the_model(prism, monkeypatch)
    want = written(prism)
    assert got.logits is not None
    torch.testing.assert_close(got.logits, want.logits, **TIGHT)
    torch.testing.assert_close(got.last, want.last, **TIGHT)
    torch.testing.assert_close(got.middle, want.middle, **TIGHT)
    torch.testing.assert_close(got.store.share().keys, want.store.share().keys, **TIGHT)
    torch.testing.assert_close(got.store.share().values, want.store.share().values, **TIGHT)
    torch.testing.assert_close(got.attention(), want.attention(), **TIGHT)


@pytest.mark.parametrize("k", [8, len(TEXT)])
@pytest.mark.parametrize("family", FUSABLE)
def test_streams_think_what_the_model_thinks(
    lend: Lend, monkeypatch: pytest.MonkeyPatch, family: str, k: int
) -> None:
    """Over some landmarks or over every token, ragged: logits, states and private entries are the
    model's own.
    """
    prism = lend(family)
    snapshot = Synapse(SynapseConfig(k=k, sinks=2, recent=4)).publish(read(prism))
    got, fast = thought(prism, snapshot)
    by_the_model(prism, monkeypatch)
    want, slow = thought(prism, snapshot)
    torch.testing.assert_close(got, want, **TIGHT)
    for slot in range(3):
        torch.testing.assert_close(fast.state(slot).middle, slow.state(slot).middle, **TIGHT)
        held = slow.slots.lengths[slot]
        assert fast.slots.lengths[slot] == held
        torch.testing.assert_close(
            fast.slots.data[:, :, slot, :, :held], slow.slots.data[:, :, slot, :, :held], **TIGHT
        )


def test_landmarks_with_a_bias_keep_it(lend: Lend, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a landmark stands for weighs the same in a decode step as in the model's own pass."""
    prism = lend()
    snapshot = Synapse(SynapseConfig(k=12, sinks=2, recent=4)).publish(read(prism))
    bias = torch.linspace(-2, 2, snapshot.kv.keys[..., 0].numel()).view(snapshot.kv.keys.shape[:-1])
    snapshot = replace(snapshot, kv=replace(snapshot.kv, bias=bias))
    got, _ = thought(prism, snapshot)
    by_the_model(prism, monkeypatch)
    torch.testing.assert_close(got, thought(prism, snapshot)[0], **TIGHT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_compiled_loops_and_plain_torch_agree(lend: Lend, dtype: torch.dtype) -> None:
    """Both ways of the parts between the products give the same states; float64 has only the plain
    one.
    """
    prism = Prism(build_model("qwen2").to(dtype), build_tokenizer(), name="typed")
    with prism:
        compiled, plain = (
            Decoder(prism.model, prism.layout, kernels=kernels) for kernels in (True, False)
        )
        assert (compiled.parts is plain.parts) == (dtype == torch.float64)
        states = []
        for decoder in (compiled, plain):
            context = read(prism)
            view = context.store.view(torch.tensor([len(TEXT)]))
            cos, sin = decoder.tables(torch.tensor([len(TEXT)]))
            states.append(decoder.states(torch.tensor([7]), cos, sin, view.entries(None))[0])
    torch.testing.assert_close(states[0], states[1], **TIGHT)


def test_loops_are_compiled_once_per_precision(lend: Lend) -> None:
    """Whatever the number of agents, slots, landmarks and tokens: a second compilation would stop a
    run for seconds.
    """
    prism = lend()
    for k in (1, 20, len(TEXT)):
        snapshot = Synapse(SynapseConfig(k=k, sinks=0, recent=0)).publish(written(prism))
        for slots, agents in ((1, 1), (1, 3), (4, 1), (4, 3)):
            batch = StreamBatch(prism, snapshot, slots=slots)
            batch.admit(list(range(agents)), [[5, 6]] * agents, [None] * agents)
            batch.step(torch.full((agents,), 7))
            batch.admit([9], [[8]], [None])
            batch.step(torch.full((agents + 1,), 7))
            batch.release(0)
            if batch.agents:
                batch.step(torch.full((agents,), 7))
    for loop in (
        compiled.norm,
        compiled.add_norm,
        compiled.rotate_write,
        compiled.weigh,
        compiled.mix,
        compiled.gated,
    ):
        types = [str(signature[0].dtype) for signature in loop.signatures]
        assert len(types) == len(set(types)), loop


@pytest.mark.parametrize("family", OTHERS)
def test_other_families_take_their_own_pass(lend: Lend, family: str) -> None:
    """A family whose arithmetic is not written out has no decoder, and writes all the same."""
    prism = lend(family)
    assert prism.decoder is None
    assert written(prism).num_tokens == len(TEXT) + 5


def test_a_hook_of_somebody_else_is_never_passed_by(lend: Lend) -> None:
    """A hook that steers a layer while streams and River go on takes effect at the next token, and
    stops with it.
    """
    prism = lend()
    context = written(prism)
    assert prism.decoder is not None
    seen: list[int] = []

    def steer(_: nn.Module, __: tuple[Any, ...], out: Tensor) -> Tensor:
        seen.append(1)
        return out * 0

    handle = prism.model.model.layers[0].mlp.register_forward_hook(steer)
    assert prism.decoder is None
    steered = context.fork()
    steered.write(9)
    handle.remove()
    assert prism.decoder is not None
    context.write(9)
    assert seen == [1]
    assert context.logits is not None
    assert not torch.allclose(steered.logits, context.logits)


def test_a_replaced_product_is_never_passed_by(lend: Lend) -> None:
    """An adapter put around a weight, before or after the first step, is what the model computes
    with.
    """

    class Adapted(nn.Linear):
        """A product with something added, as adapters have it."""

        def forward(self, x: Tensor) -> Tensor:
            """Return twice the product."""
            return 2 * super().forward(x)

    prism = lend()
    context = written(prism)
    first, second = context.fork(), context.fork()
    first.write(9)
    mlp = prism.model.model.layers[1].mlp
    adapted = Adapted(*reversed(mlp.down_proj.weight.shape), bias=False)
    adapted.weight = mlp.down_proj.weight
    mlp.down_proj = adapted
    second.write(9)
    assert prism.decoder is None
    assert not torch.allclose(first.logits, second.logits)  # type: ignore[arg-type] # both have written
    with Prism(prism.model, build_tokenizer(), name="again") as again:
        assert again.decoder is None


def test_weights_that_moved_are_never_passed_by(lend: Lend) -> None:
    """Another tensor in a weight's place, or its memory moved, ends the written-out step; new
    values there do not.
    """
    prism = lend()
    context = written(prism)
    product = prism.model.model.layers[2].self_attn.o_proj
    with torch.no_grad():
        product.weight.mul_(0.5)
    assert prism.decoder is not None
    moved = context.fork()
    product.weight.data = product.weight.data.clone()
    assert prism.decoder is None
    moved.write(9)
    again = lend()
    written(again)
    product = again.model.model.layers[2].self_attn.o_proj
    product.weight = nn.Parameter(product.weight.detach())
    assert again.decoder is None


def test_weights_in_two_precisions_take_their_own_pass() -> None:
    """What is joined must be alike: a model with one layer in float64 keeps to its modules."""
    model = build_model("llama")
    prism = Prism(model, build_tokenizer(), name="mixed")
    with prism:
        model.get_output_embeddings().double()
        assert prism.decoder is None


def test_a_model_can_be_saved_and_trained_after_it_was_lent(lend: Lend, tmp_path: Path) -> None:
    """Joined weights are saved as every other model's, read back equal, and are the parameters
    gradients reach.
    """
    prism = lend("llama")
    written(prism)
    prism.model.save_pretrained(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    for name, value in prism.model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    prism.close()
    prism.model(input_ids=torch.tensor([TEXT])).logits.sum().backward()
    assert all(parameter.grad is not None for parameter in prism.model.parameters())
