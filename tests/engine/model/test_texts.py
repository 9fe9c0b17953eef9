"""Texts and ids: one begin token, nothing at the end, only what the model has, and only texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, processors
from transformers import PreTrainedTokenizerFast
from warp_cortex import Context, Cortex, CortexConfig, Prism, SynapseConfig

from tests.engine.tiny import build_model, build_tokenizer

MESSAGES = [{"role": "user", "content": "hi"}]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|user|>{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|model|>{% endif %}"
)


def tokenizer(single: str = "<bos> $A", *, extra: int = 0) -> PreTrainedTokenizerFast:
    """Return a byte tokenizer that puts `single` around a text and knows `extra` tokens more."""
    plain = build_tokenizer()
    backend = plain.backend_tokenizer.from_str(plain.backend_tokenizer.to_str())
    names = ["<bos>", "<eos>", *(f"<extra_{i}>" for i in range(extra))]
    backend.add_special_tokens([AddedToken(name, special=True) for name in names])
    backend.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[("<bos>", 1), ("<eos>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<bos>", eos_token="<eos>", chat_template=TEMPLATE
    )


@pytest.fixture
def prism() -> Iterator[Prism]:
    """A tiny model whose tokenizer begins a text and closes it."""
    with Prism(build_model("llama"), tokenizer("<bos> $A <eos>")) as built:
        yield built


@pytest.mark.parametrize(
    "single", ["$A", "<bos> $A", "$A <eos>", "<bos> $A <eos>", "<bos> <bos> $A"]
)
def test_only_what_comes_before_a_text_is_added(single: str) -> None:
    """Never an end token: the text goes on."""
    own = tokenizer(single)
    with Prism(build_model("llama"), own) as prism:
        bare = own("some text", add_special_tokens=False)["input_ids"]
        assert prism.encode("some text") == bare
        assert prism.encode("some text", start=True) == [1] * single.count("<bos>") + bare


@pytest.mark.parametrize("text", ["<bos>hi", "<bos>", "<bos><bos>hi"])
def test_a_text_that_begins_with_its_begin_token_gets_no_other(prism: Prism, text: str) -> None:
    """What the text says is what is read."""
    own = prism.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert prism.encode(text, start=True) == own


def test_a_rendered_chat_is_read_as_it_is(prism: Prism) -> None:
    """The template has written the begin token where its author wants it."""
    text = prism.tokenizer.apply_chat_template(MESSAGES, tokenize=False)
    own = prism.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert prism.read(text).ids == own
    assert own.count(1) == 1


@pytest.fixture
def short() -> Iterator[Prism]:
    """A model of 260 rows whose tokenizer knows 10 tokens more."""
    with Prism(build_model("llama"), tokenizer(extra=10)) as built:
        yield built


@pytest.mark.parametrize("method", ["encode", "read", "run", "fork", "task"])
def test_ids_that_the_model_lacks_are_named(short: Prism, method: str) -> None:
    """Before anything is read, wherever the text comes from."""
    cortex = Cortex(short, CortexConfig(synapse=SynapseConfig(k=2)))
    text = "hello <extra_9> there"
    calls = {
        "encode": lambda: short.encode(text),
        "read": lambda: short.read(text),
        "run": lambda: list(cortex.run(text)),
        "fork": lambda: cortex.fork(text, ["a"]),
        "task": lambda: cortex.fork("hello there", [text]),
    }
    with pytest.raises(
        ValueError,
        match=r"token 2\d\d \('<extra_9>'\) is none of the model's: "
        r"its embedding has 260 rows",
    ) as caught:
        calls[method]()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ids", [[5, 260], [-1, 5], [10**9]])
def test_ids_given_by_hand_are_checked(short: Prism, ids: list[int]) -> None:
    """Nothing of them is read."""
    context = Context(short)
    with pytest.raises(ValueError, match="is none of the model's"):
        context.read(ids)
    assert context.num_tokens == 0


NO_TEXTS: dict[str, tuple[Any, str]] = {
    "ids": ([5, 6, 7], r"got list; Context\(prism\).read\(ids\)"),
    "a tuple of ids": ((5, 6), r"got tuple; Context\(prism\).read\(ids\)"),
    "a tensor": (torch.tensor([[5, 6]]), r"got Tensor; Context\(prism\).read\(ids\)"),
    "bytes": (b"hello", r"got bytes; bytes.decode\(\)"),
    "a path": (Path("notes.txt"), r"got \w*Path; Path.read_text\(\)"),
    "nothing": (None, "got NoneType; give a str"),
    "a number": (7, "got int; give a str"),
}


@pytest.mark.parametrize("case", sorted(NO_TEXTS))
def test_what_is_no_text_says_what_would_do(prism: Prism, case: str) -> None:
    """A TypeError in one line, from reading, running and forking alike."""
    given, message = NO_TEXTS[case]
    cortex = Cortex(prism, CortexConfig(synapse=SynapseConfig(k=2)))
    for call in (
        lambda: prism.read(given),
        lambda: list(cortex.run(given)),
        lambda: cortex.fork(given, ["a"]),
    ):
        with pytest.raises(TypeError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_rendered_encoding_and_messages_are_no_text(prism: Prism) -> None:
    """What apply_chat_template returns by default is ids; a chat is for run."""
    encoding = prism.tokenizer.apply_chat_template(MESSAGES)
    with pytest.raises(TypeError, match="got BatchEncoding; Context"):
        prism.read(encoding)
    with pytest.raises(TypeError, match=r"got list; cortex.run\(messages\) takes a chat"):
        prism.read(MESSAGES)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["caf\ufffd", "\ufffd", "a\ufffdb", "x\ufffd\ufffd", "\ufffd" * 9])
def test_a_real_replacement_character_is_kept(prism: Prism, text: str) -> None:
    """A text that ends with it is whole: what waits for more bytes is shown where it ends."""
    context = prism.read(text)
    assert context.text == text
    ids = prism.encode(text)
    assert "".join(prism.pieces(ids)) == text
    assert len(prism.pieces(ids)) == len(ids)


def test_a_text_goes_on_behind_a_real_replacement_character(prism: Prism) -> None:
    """What is written next is added, nothing twice."""
    context = prism.read("a\ufffd")
    for token in prism.encode("bé\ufffdc"):
        context.write(token)
    assert context.text == "a\ufffdbé\ufffdc"
