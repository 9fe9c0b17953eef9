"""Joined pieces are the text, for any ids, whatever the tokenizer does with bytes and spaces."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast
from warp_cortex.model.detokenize import REPLACEMENT, Detokenizer

from tests.engine.tiny import build_tokenizer

PLAIN = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[REPLACEMENT]), max_size=30
)
SAMPLES = [
    "naïve café",
    "数字を書く",
    "👩\u200d🚀 and 🇫🇷 flags",
    "a\tb\r\n\n  c",
    "ß🙂ß",
    "\u202eback\u202c",
    "\x00\x7f",
]
WORDS = ["<s>", "</s>", "▁the", "▁lamp", "▁", "s", "é", "▁🙂", "<0x0A>", "<0x41>"]


@cache
def sentencepiece() -> PreTrainedTokenizerFast:
    """Return a tokenizer like Llama's first: ▁ for spaces, a token per byte of an unknown word."""
    words = ["▁the", "▁lamp", "▁", "s", "é", "▁🙂"]
    vocab = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(256)], *words]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: i for i, token in enumerate(vocab)},
            merges=[],
            unk_token="<unk>",
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


TOKENIZERS = {"bytes": build_tokenizer, "sentencepiece": sentencepiece}


def decode(name: str, ids: list[int]) -> str:
    """Return the text of ids, special tokens left out."""
    return str(
        TOKENIZERS[name]().decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    )


def pieces(name: str, ids: list[int]) -> list[str]:
    """Return one piece per id."""
    return Detokenizer(lambda some: decode(name, some)).push_all(ids)


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
@given(PLAIN)
@settings(max_examples=150)
def test_pieces_of_a_text_put_together_are_the_text(name: str, text: str) -> None:
    """For every text, whatever its characters are made of, and one piece per token."""
    ids = TOKENIZERS[name]()(text, add_special_tokens=False)["input_ids"]
    got = pieces(name, ids)
    assert len(got) == len(ids)
    assert "".join(got) == decode(name, ids)


@pytest.mark.parametrize("text", SAMPLES)
def test_a_character_appears_with_its_last_byte(text: str) -> None:
    """A token that ends inside a character adds nothing; the next one brings it whole."""
    got = pieces("bytes", build_tokenizer()(text)["input_ids"])
    assert "".join(got) == text
    assert [piece for piece in got if piece] == list(text)
    assert not any(REPLACEMENT in piece for piece in got)


@given(st.lists(st.integers(0, 259), max_size=40))
@settings(max_examples=200)
def test_any_ids_lose_no_character(ids: list[int]) -> None:
    """For bytes in any order, broken characters and special tokens, nothing is lost or doubled."""
    # ordinary characters end what is unfinished
    ids = [*ids, *build_tokenizer()("\n.")["input_ids"]]
    assert "".join(pieces("bytes", ids)).replace(REPLACEMENT, "") == decode("bytes", ids).replace(
        REPLACEMENT, ""
    )


@given(st.lists(st.sampled_from(WORDS), max_size=30))
@settings(max_examples=200)
def test_any_words_and_special_tokens_are_the_text(tokens: list[str]) -> None:
    """Spaces at word starts, lone bytes, special tokens: the joined pieces are the decoded text."""
    ids = sentencepiece().convert_tokens_to_ids(tokens)
    assert "".join(pieces("sentencepiece", ids)) == decode("sentencepiece", ids)


def test_spaces_survive_special_tokens_in_mid_text() -> None:
    """A word after a special token keeps the space before it."""
    tokenizer = sentencepiece()
    the, lamp = (tokenizer.convert_tokens_to_ids(token) for token in ("▁the", "▁lamp"))
    assert pieces("sentencepiece", [1, the, 2, lamp]) == ["", "the", "", " lamp"]


def test_only_a_short_tail_is_decoded() -> None:
    """The cost of a piece does not grow with the text, even among bytes that are no text."""
    seen = []

    def watch(ids: list[int]) -> str:
        seen.append(len(ids))
        return decode("bytes", ids)

    ids = build_tokenizer()("a long text " * 50)["input_ids"]
    broken = build_tokenizer().convert_tokens_to_ids("ÿ")  # byte 0xFF, which no character contains
    Detokenizer(watch).push_all(ids + [broken] * 100)
    assert max(seen) <= 24
    Detokenizer(watch).push_all([1] * 100)
    assert max(seen) <= 24


def test_a_fork_goes_its_own_way() -> None:
    """Half a character can be completed differently in two copies."""
    first, second, third = (build_tokenizer()(text)["input_ids"] for text in ("é", "è", "x"))
    one = Detokenizer(lambda some: decode("bytes", some))
    assert one.push(first[0]) == ""
    other = one.fork()
    assert one.push(first[1]) == "é"
    assert other.push(second[1]) == "è"
    assert (one.push(third[0]), other.push(third[0])) == ("x", "x")
