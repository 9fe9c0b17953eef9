"""The byte-level BPE tokenizer, in which every world word is one token, and a fast encoder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from warpviz.village.world import protocol, words
from warpviz.village.world.filler import FILLERS, Filler
from warpviz.village.world.relations import RELATIONS
from warpviz.village.world.sayings import OPENINGS, TAILS
from warpviz.village.world.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from warpviz.village.world.phrase import Phrase

PAD = 0
BOS = 1
EOS = 2
SPECIAL = ("<pad>", "<bos>", "<eos>")
_SPLIT = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]|\s+(?!\S)|\s+"
_ASCII = re.compile(r" ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]")


def corpus(num_worlds: int, seed: int = 0) -> list[str]:
    """Text that shows every part of the protocol, for training the tokenizer."""
    out = []
    for index in range(num_worlds):
        world = World(seed + index, 8)
        random = world.random
        filler = Filler(world.random)
        text = ""
        for fact in world.facts:
            text += protocol.fact(fact, random).text + filler.sentence()
        for question in world.questions():
            who = protocol.person(question, random)
            parts = (
                protocol.need(question, random, who),
                protocol.task(question),
                protocol.answer(question),
                protocol.ref(question),
                protocol.use(question, random, who),
                protocol.unknown(question, random),
            )
            text += "".join(part.text for part in parts) + protocol.THOUGHT + protocol.NOTHING
        out.append(text)
    return out


def _template_words() -> list[str]:
    texts = [*FILLERS, *words.TITLES, *OPENINGS, *TAILS]
    for relation in RELATIONS.values():
        texts += [
            *relation.facts,
            *relation.held_out_facts,
            *relation.needs,
            *relation.uses,
            *relation.unknowns,
        ]
    return sorted(
        {word for text in texts for word in re.findall(r"[A-Za-z]+", re.sub(r"\{\w+\}", " ", text))}
    )


def train_tokenizer() -> Tokenizer:
    """Train the tokenizer; deterministic, a few seconds on one core."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096,
        min_frequency=20,
        show_progress=False,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    every = [" " + word for word in words.all_words() + _template_words()]
    tokenizer.train_from_iterator(corpus(200) + every * 30, trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write the files that `PreTrainedTokenizerFast.from_pretrained` reads.

    A text then begins with <bos>. AutoTokenizer would give a Qwen2 model Qwen2's own splitting
    instead, which takes numbers apart.
    """
    from transformers import PreTrainedTokenizerFast  # heavy, and only needed here

    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", BOS)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        clean_up_tokenization_spaces=False,
    )
    fast.save_pretrained(folder)


class Encoder:
    """Encodes generated text word by word, with a cache.

    Equal to the tokenizer on ASCII text of the protocol, and on no other.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Wrap a tokenizer."""
        self.tokenizer = tokenizer
        self._words: dict[str, list[int]] = {}

    def ids(self, text: str) -> list[int]:
        """Token ids of a text."""
        out: list[int] = []
        cache = self._words
        for word in _ASCII.findall(text):
            found = cache.get(word)
            if found is None:
                found = cache[word] = self.tokenizer.encode(word, add_special_tokens=False).ids
            out += found
        return out

    def length(self, text: str) -> int:
        """Number of tokens of a text."""
        return len(self.ids(text))

    def phrase(self, phrase: Phrase) -> tuple[list[int], list[tuple[str, int, int]]]:
        """Token ids and the token spans (slot, start, end) of a phrase."""
        ids: list[int] = []
        spans: list[tuple[str, int, int]] = []
        at = 0
        for slot, start, end in phrase.spans:
            ids += self.ids(phrase.text[at:start])
            first = len(ids)
            ids += self.ids(phrase.text[start:end])
            spans.append((slot, first, len(ids)))
            at = end
        ids += self.ids(phrase.text[at:])
        return ids, spans
