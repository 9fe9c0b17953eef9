"""The bundled data: what data/README.md says of every file is so."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import PreTrainedTokenizerFast
from warp_cortex import Prism, bundled

from warpviz.village.world.sample_texts import RECIPES
from warpviz.village.world.tokens import Encoder

DATA = bundled("village").parent
BENCHMARKS = DATA.parent / "docs" / "benchmarks"
ROW = re.compile(r"^\| `([^`]+)` \| ([\d,]+) \| `([0-9a-f]{64})` \| (.+) \|$", re.MULTILINE)


def listed() -> list[tuple[str, str, str, str]]:
    """Return the rows of the table in data/README.md."""
    return ROW.findall((DATA / "README.md").read_text(encoding="utf-8"))


def record(name: str) -> dict:
    """Return a measurement of docs/benchmarks."""
    return json.loads((BENCHMARKS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "size", "digest", "how"), listed(), ids=lambda value: value if "/" in value else ""
)
def test_a_file_is_what_the_table_says(name: str, size: str, digest: str, how: str) -> None:
    """Size and SHA-256 agree; a command makes the file again, or it was written for the project."""
    content = (DATA / name).read_bytes()
    assert len(content) == int(size.replace(",", ""))
    assert hashlib.sha256(content).hexdigest() == digest
    assert any(
        words in how for words in ("warpviz.village", "the same", "written for this project")
    )


def test_every_file_is_listed() -> None:
    """No file of the model, the samples or the labelled thoughts is missing from the table, cards
    aside.
    """
    names = ("village", "contexts", "prose", "strangers", "recorded/gate")
    folders = [DATA / name for name in names]
    held = {path.relative_to(DATA).as_posix() for folder in folders for path in folder.iterdir()}
    assert {name for name, *_ in listed()} == {
        name for name in held if not name.endswith("README.md")
    }


def test_the_model_is_small_and_half_precision() -> None:
    """The weights take at most 15 MB and hold float16 tensors only; nothing here is a pickle."""
    path = DATA / "village" / "model.safetensors"
    assert path.stat().st_size <= 15_000_000
    with safe_open(path, framework="pt") as file:
        names = file.keys()  # the file is no dict: it cannot be iterated
        assert {file.get_tensor(name).dtype for name in names} == {torch.float16}
    assert not {".bin", ".pkl", ".pt", ".pth"} & {path.suffix for path in DATA.rglob("*")}


def test_the_card_names_the_weights_it_describes(village: Prism) -> None:
    """The card and every measurement are about the bundled weights."""
    card = (DATA / "village" / "README.md").read_text(encoding="utf-8")
    assert village.spec.checksum in card
    for name in ("council", "gate", "village"):
        assert record(name)["checksum"] == village.spec.checksum, name


def test_the_card_s_headline_is_the_record_s() -> None:
    """What the card says of streams and of recall is what the records hold."""
    card = (DATA / "village" / "README.md").read_text(encoding="utf-8")
    found = record("council")
    gain = found["gain_points_over_without"]["with"]["all"]
    assert f"+{gain['points']}" in card
    assert f"{gain['low']} to {gain['high']}" in card
    assert gain["points"] >= 20 < gain["low"]
    assert gain["n"] == 200
    for arm in ("with", "without"):
        assert f"{100 * found['arms'][arm]['river']['share']:.1f}" in card
    recall = record("village")["recall"]["cells"]
    for name, cell in recall.items():
        if not name.endswith("unknown"):
            low, high = (f"{100 * cell[end]:.1f}" for end in ("low", "high"))
            assert f"{100 * cell['share']:.1f} ({low} to {high}; {cell['n']})" in card


def test_goals_of_recall_are_met() -> None:
    """Facts training never stated are recalled from the full context: 98, 98 and 96 percent at
    least.
    """
    cells = record("village")["recall"]["cells"]
    for tokens, goal in ((256, 0.98), (512, 0.98), (1024, 0.96)):
        for kind in ("one", "two"):
            cell = cells[f"{tokens} heldout {kind}"]
            assert cell["n"] >= 200
            assert cell["share"] >= goal > cell["guessing"]


def test_the_plain_tokenizer_class_reads_as_training_did(encoder: Encoder) -> None:
    """What the card recommends for loading elsewhere keeps numbers whole and begins a text with
    <bos>.
    """
    plain = PreTrainedTokenizerFast.from_pretrained(DATA / "village")
    text = " There are 72 geese."
    assert plain(text)["input_ids"][1:] == encoder.ids(text)
    assert plain(text)["input_ids"][0] == plain.bos_token_id


def test_logs_are_curves() -> None:
    """Both logs run forward in time, steps and tokens, and round 2 ends better than it began."""
    for number in (1, 2):
        lines = (DATA / "village" / f"log-{number}.jsonl").read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines]
        for name in ("minutes", "step", "tokens"):
            values = [entry[name] for entry in entries]
            assert values == sorted(values)
    first = entries[0]["heldout_mean"]
    last = entries[-1]["heldout_mean"]
    assert last["full1024"]["stream"][0] >= first["full1024"]["stream"][0]


def test_samples_end_where_the_river_goes_on() -> None:
    """Each text that a recipe makes ends in a full stop, and is in the table of recipes."""
    for recipe in RECIPES:
        text = (DATA / "contexts" / f"{recipe.name}.txt").read_text(encoding="utf-8")
        assert text.endswith(".")
        assert "[TASK" not in text
        assert f"| `{recipe.name}` |" in (DATA / "README.md").read_text(encoding="utf-8")


def test_data_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled folder does not depend on the working directory."""
    monkeypatch.chdir(tmp_path)
    assert bundled("contexts").is_dir()
    assert bundled("village") == DATA / "village"
