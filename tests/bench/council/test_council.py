"""The council's benchmark: its worlds, its judge, and a record that is resumed."""

import json
from pathlib import Path

import pytest
from warp_cortex import Prism, bundled

from warpviz.bench.council import measuring
from warpviz.bench.council.claims import ATTRIBUTES, claim, judged
from warpviz.bench.council.facts import KINDS, fact
from warpviz.bench.council.prose import SOURCES, passage, planted
from warpviz.bench.council.summary import ratio_interval, table
from warpviz.cli import main


@pytest.mark.parametrize("seed", range(2 * len(KINDS)))
def test_a_fact_answers_its_question(seed: int) -> None:
    """Its sentence holds its value; another seed's value does not pass for it."""
    told = fact(seed)
    other = fact(seed + 100 * len(KINDS))
    assert told == fact(seed)
    assert told.is_in(told.sentence.upper())
    assert told.is_in(other.sentence) == (told.value == other.value)


@pytest.mark.parametrize("seed", range(2 * len(ATTRIBUTES)))
def test_a_judge_knows_its_texts_sentences(seed: int) -> None:
    """The text states the asked fact once, and its own sentence is judged right."""
    told = claim(seed)
    assert told.text.count(told.sentence) == 1
    assert judged(told.sentence, told.attribute, told.value) == "right"
    assert judged("I do not know.", told.attribute, told.value) == "silent"


def test_values_are_compared_as_numbers_and_names() -> None:
    """Words and digits, thousands with a comma, and names in any case are alike."""
    by_name = {attribute.name: attribute for attribute in ATTRIBUTES}
    assert judged("It has twelve rooms", by_name["rooms"], "12") == "right"
    assert judged("It has 13 rooms", by_name["rooms"], "12") == "wrong"
    assert judged("1,234 people came", by_name["visitors"], "1234") == "right"
    assert judged("closed on Sundays", by_name["closed"], "Sunday") == "right"
    assert judged("It was Ada Fenn.", by_name["warden"], "Hugo Pike") == "wrong"


@pytest.mark.parametrize("source", SOURCES)
def test_a_passage_has_about_the_length_asked_for(source: str) -> None:
    """Counted in words here; the planted sentence stands in it once, not at its end."""
    parts = passage(source, lambda text: len(text.split()), num_tokens=600, seed=3)
    assert 600 <= sum(len(part.split()) for part in parts) <= 660
    text = planted(parts, "The bell is green.", seed=1)
    assert text.count("The bell is green.") == 1
    assert not text.endswith("The bell is green.")


def test_ratios_have_intervals_over_pairs() -> None:
    """Equal arms have a ratio of one without spread; a table needs no world for an arm it lacks."""
    import numpy as np

    right = np.array([1.0, 0, 1, 1])
    assert ratio_interval(right, right) == (1.0, 1.0)
    assert table([], ["River, full cache"]) == []


def test_worlds_are_measured_once_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second call measures what is missing only, a damaged last line included; other settings are
    refused in one line.
    """
    village = str(bundled("village"))
    flags = ["council", "--model", village, "--worlds", "1", "--lengths", "200", "--focus", "8"]
    flags += ["--policies", "keydiff", "--window", "64", "--json", "--out", str(tmp_path)]
    assert main(flags) == 0
    first = json.loads(capsys.readouterr().out)
    arms = [row["arm"] for row in first["sections"][0]["rows"]]
    assert arms == [
        "River, full cache",
        "River, window alone",
        "every token",
        "keydiff",
        "keydiff + 8 focus",
    ]
    (record,) = tmp_path.glob("council-*.jsonl")
    lines = record.read_text().splitlines()
    record.write_text("\n".join([*lines[:-1], lines[-1][:40]]))
    measured: list[str] = []
    real = measuring.measured

    def counting(prism: Prism, world: measuring.World, *more: object, **named: object) -> object:
        measured.append(world.key)
        return real(prism, world, *more, **named)  # type: ignore[arg-type] # as given

    monkeypatch.setattr(measuring, "measured", counting)
    assert main(flags) == 0
    again = json.loads(capsys.readouterr().out)
    assert measured == [json.loads(lines[-1])["key"]]
    assert again["sections"][0]["rows"] == first["sections"][0]["rows"]
    assert main([*flags, "--minutes", "0", "--worlds", "2"]) == 0  # the table of what is there
    spent = json.loads(capsys.readouterr().out)
    assert spent["sections"][0]["rows"] == first["sections"][0]["rows"]
    with pytest.raises(SystemExit, match="2"):
        main([*flags, "--window", "0"])
    assert main([*flags, "--window", "32"]) == 2
    assert "other settings" in capsys.readouterr().err
