"""Every word a village world is made of; each is meant to be a single token."""

from __future__ import annotations

import zlib

NAMES = tuple(
    """Mara Tobin Elsa Jonas Petra Owen Lena Silas Nora Felix Greta Hugo Ida Karl Lotte Magnus Olga
    Pavel Rosa Simon Thea Viktor Wanda Yann Agnes Bruno Clara Dario Edith Frank Gwen Henry Irma
    Jakob Kirsten Leo Martha Nils Otto Paula""".split()
)
ADJECTIVES = tuple(
    """brass iron silver tin copper wooden red blue green black white old small long heavy broken
    round leather glass painted""".split()
)
OBJECTS = tuple(
    """key lamp map knife rope bell book coat drum flute mirror hammer kettle ladder compass letter
    saw clock ring shovel whistle bottle blanket net flag chart spoon medal helmet violin candle
    anchor saddle scarf needle telescope""".split()
)
CONTAINERS = tuple(
    "box chest basket trunk crate cupboard drawer barrel sack bucket purse case".split()
)
PLACES = tuple(
    """cellar attic barn kitchen stable chapel library tower garden boathouse mill workshop office
    pantry courtyard hall stairwell greenhouse bakery forge harbour market school tavern station
    orchard vault laundry smokehouse dairy gatehouse armoury nursery parlour study shed well
    dock loft cabin""".split()
)
STORES = tuple(
    """jars ropes nails candles blankets apples eggs horses sheep boats lanterns chairs plates
    bricks planks coins letters hens geese bottles tools oars spades hats""".split()
)
EVENTS = tuple(
    """ferry meeting feast coach sermon auction concert post lesson tide race parade trial dance
    inspection wedding rehearsal lottery vote harvest""".split()
)
TIMES = tuple(
    "dawn noon dusk midnight one two three four five six seven eight nine ten eleven".split()
)
TRADES = tuple(
    """baker smith miller tailor fisher doctor teacher sailor carpenter mason weaver cook clerk
    shepherd printer potter painter barber hunter gardener""".split()
)
SIDES = tuple("north south east west upper lower inner outer".split())
GATES = tuple("gate door bridge lock".split())
PASSWORDS = tuple(
    """heron willow amber thistle raven cedar falcon ivory maple otter saffron juniper granite
    badger lilac cobalt sparrow hazel marble fennel""".split()
)
NUMBERS = tuple(str(number) for number in range(2, 100))
SKIES = tuple("grey clear dark bright pale cloudy cold calm misty golden".split())
PARTS = tuple("morning afternoon evening night".split())
FOODS = tuple("soup bread fish porridge stew cheese pie beans cake honey".split())
MOODS = tuple("tired happy sad hungry nervous cheerful lonely proud restless quiet".split())
BIRDS = tuple("gulls crows swallows pigeons owls starlings".split())
PLANTS = tuple("roses nettles onions cabbages tulips carrots".split())
TITLES = (
    "Log of the {place}.",
    "Notes from the village.",
    "The diary of {p}.",
    "A quiet week at the {place}.",
    "The book of the {place}.",
)

_ADJECTIVES = frozenset(ADJECTIVES)
_EVERY_SUBJECT = 8
_EVERY_PAIR = 10


def hashed(first: str, second: str, modulus: int) -> int:
    """Stable residue of a pair of words, the same in every process."""
    return zlib.crc32(f"{first}|{second}".encode()) % modulus


def is_open(subject: str) -> bool:
    """Whether a subject comes from a set too large to learn by heart: an adjective and a thing.

    Withholding pairs of small sets (stores, events, people, gates) teaches that they cannot be
    true.
    """
    first, _, _ = subject.partition(" ")
    return first in _ADJECTIVES


def held_out_subject(subject: str) -> bool:
    """Whether this adjective and noun are kept for evaluation; training shows each word alone."""
    first, _, second = subject.partition(" ")
    return is_open(subject) and hashed(first, second, _EVERY_SUBJECT) == 0


def held_out_pair(subject: str, value: str) -> bool:
    """Whether this whole subject with this value is kept for evaluation."""
    return is_open(subject) and hashed(subject, value, _EVERY_PAIR) == 0


def held_out_fact(subject: str, value: str) -> bool:
    """Whether training never states this fact.

    True where its subject, its value (a container) or the pair of both is held out.
    """
    return held_out_subject(subject) or held_out_subject(value) or held_out_pair(subject, value)


def all_words() -> list[str]:
    """Every distinct word above, for the tokenizer."""
    groups = (
        NAMES,
        ADJECTIVES,
        OBJECTS,
        CONTAINERS,
        PLACES,
        STORES,
        EVENTS,
        TIMES,
        TRADES,
        SIDES,
        GATES,
        PASSWORDS,
        NUMBERS,
        SKIES,
        PARTS,
        FOODS,
        MOODS,
        BIRDS,
        PLANTS,
    )
    return sorted({word for group in groups for word in group})
