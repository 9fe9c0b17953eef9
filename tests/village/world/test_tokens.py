"""The tokenizer: lossless, one token a word, the same in training and in the engine."""

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from warp_cortex import Prism, bundled

from warpviz.village.world import protocol, words
from warpviz.village.world.document import document, questions
from warpviz.village.world.tokens import BOS, Encoder, corpus, train_tokenizer
from warpviz.village.world.world import SPLITS, World


@given(st.text(max_size=200))
def test_any_text_survives(text: str) -> None:
    """Decoding the ids of any text gives the text back."""
    tokenizer = Tokenizer.from_file(str(bundled("village") / "tokenizer.json"))
    assert (
        tokenizer.decode(
            tokenizer.encode(text, add_special_tokens=False).ids, skip_special_tokens=False
        )
        == text
    )


def test_every_word_is_one_token(encoder: Encoder) -> None:
    """A landmark holds a whole word of the world, since each is one token with its space."""
    assert [word for word in words.all_words() if encoder.length(" " + word) != 1] == []


def test_training_and_engine_read_alike(encoder: Encoder, village: Prism) -> None:
    """The cached encoder of training gives the ids the engine gives, for documents, tasks, thoughts
    and references.
    """
    for seed in range(12):
        world = World(seed, 14, SPLITS[seed % 3])
        doc = document(world, 300, encoder.length)
        texts = [doc.text, protocol.NOTHING, protocol.NOTHING_REF]
        texts += [
            text
            for found in questions(world, doc)
            for text in (found.task, found.thought, found.ref)
        ]
        for text in texts:
            assert encoder.ids(text) == village.encode(text)
    assert village.encode(" A", start=True)[0] == BOS


def test_training_the_tokenizer_again_gives_the_same() -> None:
    """Its training is deterministic: the same merges each time."""
    assert train_tokenizer().to_str() == train_tokenizer().to_str()
    assert corpus(2) == corpus(2)


def test_spans_of_tokens_hold_their_words(encoder: Encoder) -> None:
    """The token span of a slot decodes to the slot's word."""
    world = World(5, 6)
    for fact in world.facts:
        phrase = protocol.fact(fact, world.random)
        ids, spans = encoder.phrase(phrase)
        assert ids == encoder.ids(phrase.text)
        found = {
            slot: encoder.tokenizer.decode(ids[start:end]).strip() for slot, start, end in spans
        }
        assert found["o"] == fact.subject
        assert found["v"] == fact.value
