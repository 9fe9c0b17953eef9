"""The Prism restores its model; several Prisms may hold one model, and two threads may use it."""

import threading
from collections.abc import Iterator

import pytest
import torch
from tokenizers import processors
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast
from warp_cortex import Context, Prism, StreamBatch, Synapse, SynapseConfig, attached
from warp_cortex.attention.shared import NAME

from tests.engine.tiny import build_model, build_prism, build_tokenizer, random_ids

IDS = torch.tensor([random_ids(12, seed=1)])


@pytest.fixture
def model() -> PreTrainedModel:
    """A model of the user's."""
    return build_model("llama")


def hooks(model: PreTrainedModel) -> int:
    """Return how many hooks hang on a model."""
    return sum(len(m._forward_pre_hooks) + len(m._forward_hooks) for m in model.modules())


@torch.no_grad()
def logits(model: PreTrainedModel) -> Tensor:
    """Return what the model computes by itself."""
    out: Tensor = model(input_ids=IDS).logits
    return out


def read(prism: Prism) -> Tensor:
    """Return what the model computes through the engine, [V]."""
    context = Context(prism)
    context.read(IDS[0].tolist())
    assert context.logits is not None
    return context.logits


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("training", [True, False])
def test_a_model_goes_back_as_it_was(
    model: PreTrainedModel, attention: str, training: bool
) -> None:
    """Attention, hooks, mode, parameters and outputs are restored to the bit; closing twice too."""
    model.set_attn_implementation(attention)
    before = logits(model)
    parameters = [p.clone() for p in model.parameters()]
    model.train(training)
    prism = Prism(model, build_tokenizer())
    assert model.config._attn_implementation == NAME
    assert hooks(model) == 2
    assert not model.training
    prism.read("some text")
    prism.close()
    prism.close()
    assert model.config._attn_implementation == attention
    assert hooks(model) == 0
    assert model.training is training
    model.eval()
    assert torch.equal(logits(model), before)
    assert all(map(torch.equal, parameters, model.parameters()))


def test_it_goes_back_also_when_something_fails(model: PreTrainedModel) -> None:
    """An exception inside the with block restores the model and is not swallowed."""
    with attached(model, build_tokenizer(), name="guest") as prism:
        assert prism.spec.name == "guest"
        with pytest.raises(ValueError, match="empty"):
            prism.read("")
    with pytest.raises(ZeroDivisionError), attached(model, build_tokenizer()):
        _ = 1 / 0
    assert hooks(model) == 0
    assert model.config._attn_implementation == "sdpa"


def test_a_lent_model_says_so_when_called_past_its_prism(model: PreTrainedModel) -> None:
    """Calling it directly is an error that says what to do, not a wrong answer."""
    with (
        Prism(model, build_tokenizer()),
        pytest.raises(ValueError, match=r"lent to a Prism.*close the Prism"),
    ):
        logits(model)
    assert logits(model).shape == (1, 12, 260)


def test_several_prisms_may_hold_one_model(model: PreTrainedModel) -> None:
    """Each gives the model's own logits, in any order of use; the last one to close restores it."""
    want = logits(model)[0, -1]
    first = Prism(model, build_tokenizer())
    second = Prism(model, build_tokenizer())
    for prism in (first, second, first):
        torch.testing.assert_close(read(prism), want, rtol=1e-4, atol=1e-5)
    agents = StreamBatch(first, Synapse(SynapseConfig(k=4)).publish(first.read("some text")))
    # a ragged pass, whose last tokens lie in different columns
    agents.admit([1, 2], [[5, 6, 7], [8]], [None, None])
    torch.testing.assert_close(read(second), want, rtol=1e-4, atol=1e-5)
    first.close()
    torch.testing.assert_close(read(second), want, rtol=1e-4, atol=1e-5)
    assert model.config._attn_implementation == NAME
    second.close()
    assert (hooks(model), model.config._attn_implementation) == (0, "sdpa")
    assert torch.equal(logits(model)[0, -1], want)


def test_two_models_do_not_know_each_other() -> None:
    """Two Prisms in one process, used in turns, keep their models; a third one is untouched."""
    stranger = build_model("qwen2", seed=5)
    untouched = logits(stranger)
    with build_prism("qwen2") as one, build_prism("gpt_neox") as other:
        alone = read(one), read(other)
        a = one.read("text")
        b = other.read("text")
        for token in random_ids(5, seed=2):
            a.write(token)
            b.write(token)
        assert torch.equal(read(one), alone[0])
        assert torch.equal(read(other), alone[1])
        assert torch.equal(logits(stranger), untouched)


def test_two_threads_may_read_at_once() -> None:
    """What the hooks collect belongs to the calling thread: states are never mixed up."""
    with build_prism("qwen2") as prism:
        texts = [random_ids(10 + n, seed=n) for n in range(4)]

        def read_all(ids: list[int]) -> list[Tensor]:
            context = Context(prism)
            context.read(ids)
            assert context.logits is not None
            return [context.logits, context.middle]

        want = [read_all(ids) for ids in texts]
        got: list[list[Tensor]] = [[] for _ in texts]

        def work(number: int) -> None:
            for _ in range(15):
                got[number] = read_all(texts[number])

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one, other in zip(got, want, strict=True):
            assert all(map(torch.equal, one, other))


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("qwen2") as built:
        yield built


def test_the_spec_describes_the_model(prism: Prism) -> None:
    """Shapes come from what is cached, the checksum from the weights."""
    spec = prism.spec
    assert (spec.num_layers, spec.num_heads, spec.num_kv_heads, spec.head_dim) == (3, 4, 2, 8)
    assert (spec.hidden_size, spec.vocab_size, spec.max_positions, spec.has_rope) == (
        32,
        260,
        512,
        True,
    )
    assert spec.kv_bytes_per_token == 2 * 3 * 2 * 8 * 4
    with build_prism("qwen2") as same, build_prism("qwen2", seed=1) as other:
        assert same.spec.checksum == spec.checksum != other.spec.checksum


def test_only_the_last_row_is_projected(prism: Prism) -> None:
    """The vocabulary is projected for one token a sequence, however long the pass."""
    seen = []
    head = prism.model.get_output_embeddings()
    handle = head.register_forward_hook(lambda _, args, out: seen.append(tuple(out.shape)))
    prism.read("a long text " * 10)
    handle.remove()
    assert seen == [(1, 1, 260)]


def test_nothing_is_recorded_for_gradients(prism: Prism) -> None:
    """No tensor the engine keeps can be differentiated, so no graph grows."""
    context = prism.read("some text")
    for tensor in (
        context.logits,
        context.last,
        context.middle,
        context.store.data,
        context.points("keys"),
    ):
        assert tensor is not None
        assert not tensor.requires_grad


def test_text_and_ids(prism: Prism) -> None:
    """Encoding and decoding are inverse; joined pieces are the text; half a character is none."""
    for text in ("plain", "naïve 🙂 数", " \n\t"):
        ids = prism.encode(text)
        assert prism.decode(ids) == text
        assert "".join(prism.pieces(ids)) == text
        assert len(prism.pieces(ids)) == len(ids)
    assert prism.decode(prism.encode("a\ud800b")) == "a?b"
    assert prism.stop_ids == {2}


def test_a_document_begins_with_the_tokenizers_begin_token_if_it_has_one(prism: Prism) -> None:
    """start=True adds the tokenizer's begin token, if it has one; a task in mid-text gets none."""
    tokenizer = build_tokenizer()
    assert prism.encode("a", start=True) == prism.encode("a") == tokenizer("a")["input_ids"]
    backend = tokenizer.backend_tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", 1)]
    )
    with Prism(build_model("qwen2"), PreTrainedTokenizerFast(tokenizer_object=backend)) as other:
        assert other.encode("a", start=True) == [1, *prism.encode("a")]
        assert other.encode("a") == prism.encode("a")
        context = other.read("ab")
        assert (context.num_tokens, context.text, context.tokens[0]) == (3, "ab", "")
