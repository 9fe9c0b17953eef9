"""The bundled sample texts."""

from pathlib import Path

import pytest

import warpviz
from warpviz import texts as module


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation with two samples."""
    (tmp_path / "harbour.txt").write_text("The harbour, caf\u00e9.", encoding="utf-8")
    (tmp_path / "mill.txt").write_text("The mill.", encoding="utf-8")
    (tmp_path / "README.md").write_text("not a sample")
    monkeypatch.setattr(module, "bundled", lambda name: tmp_path)


@pytest.mark.usefixtures("two")
def test_by_name_or_the_first() -> None:
    """Texts are listed by name, in order; without a name the first one is read, as UTF-8."""
    assert module.samples() == ["harbour", "mill"]
    assert module.sample() == "The harbour, caf\u00e9."
    assert module.sample("mill") == "The mill."


@pytest.mark.usefixtures("two")
def test_a_wrong_name_suggests_the_nearest() -> None:
    """The error names what there is and what was probably meant."""
    with pytest.raises(ValueError, match=r"harbour, mill; did you mean 'harbour'\?"):
        module.sample("harbor")


def test_an_installation_without_samples_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty folder is no reason for an IndexError."""
    monkeypatch.setattr(module, "bundled", lambda name: tmp_path)
    with pytest.raises(ValueError, match="there are: none"):
        module.sample()


def test_the_bundled_ones_are_there() -> None:
    """This checkout has samples, and each holds enough text for the default 64 landmarks."""
    assert warpviz.samples()
    assert all(len(warpviz.sample(name).split()) > 64 for name in warpviz.samples())
