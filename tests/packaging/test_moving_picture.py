"""The README's moving picture: what is committed, and the captions of the script that makes it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image
from warp_cortex import GateDecision, Inject, RunStart, Spawn, StreamToken, Token

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    path = ROOT / "scripts" / "moving_picture.py"
    spec = importlib.util.spec_from_file_location("moving_picture_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["moving_picture_script"] = module
    spec.loader.exec_module(module)
    return module


def test_the_committed_picture_moves_and_is_small(script: ModuleType) -> None:
    """docs/live_run.webp has many frames, lasts 8 to 15 seconds, repeats, and is in the README."""
    with Image.open(script.OUT) as picture:
        assert picture.n_frames > 50
        assert picture.info["loop"] == 0
        lasts_ms = 0
        for number in range(picture.n_frames):
            picture.seek(number)
            picture.load()
            lasts_ms += picture.info["duration"]
    assert 8_000 <= lasts_ms <= 15_000
    assert script.OUT.stat().st_size < script.MOST_BYTES
    assert "](docs/live_run.webp)" in (ROOT / "README.md").read_text(encoding="utf-8")


def events() -> list:
    """A run in which one thought is asked for, judged, injected and used."""
    return [
        RunStart(
            step=2,
            model="m",
            checksum="",
            prompt="",
            prompt_tokens=[],
            seed=0,
            config={},
            versions={},
        ),
        Token(step=3, id=1, text=" where?", position=2),
        Spawn(step=3, stream=1, task="where", kind="task", trigger=(0, 1), version=1, focus=[]),
        StreamToken(step=3, stream=1, id=1, text=" barn", position=3),
        Token(step=4, id=1, text=" Rain.", position=3),
        GateDecision(
            step=4,
            stream=1,
            accepted=True,
            similarity=1,
            threshold=0,
            scorer="raw",
            similarities={},
        ),
        Inject(step=4, injection=1, stream=1, text="[Ref: barn.]", positions=[4], anchor="next"),
        Token(step=5, id=1, text=" The", position=4),
        Token(step=6, id=1, text=" barn", position=5),
    ]


def test_a_caption_per_event(script: ModuleType) -> None:
    """Each kind of event has its words; the word the thought brought is named when it is written,
    and the River's other tokens change nothing while a stream thinks.
    """
    said = script.captions(events(), "barn")
    kinds = ["RunStart", "Token", "Spawn", "StreamToken", "StreamToken", "GateDecision"]
    assert said[:6] == [script.CAPTIONS[kind] for kind in kinds]
    assert said[6] == said[7] == script.CAPTIONS["Inject"]
    assert said[8].endswith("brought: barn")


def test_every_caption_can_be_read(script: ModuleType) -> None:
    """Captions of events that happen at once follow one another, none shorter than READ_MS."""
    reader = script.Reader(script.captions(events(), "barn"))
    shown = [reader.at(9)]
    while not reader.is_done:
        shown.append(reader.at(9))
    order = list(dict.fromkeys(shown))
    assert len(order) == 7
    assert min(shown.count(caption) for caption in order[:-1]) * script.FRAME_MS >= script.READ_MS
