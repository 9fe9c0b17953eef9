"""Where caches go: as the XDG Base Directory Specification says, and nowhere without a home."""

from pathlib import Path

import pytest
from warp_cortex.sources.cache_folder import cache_folder


def no_home() -> Path:
    """Answer as a container does whose user has neither HOME nor an entry."""
    msg = "Could not determine home directory."
    raise RuntimeError(msg)


@pytest.mark.parametrize("value", [None, "", "cache", "./cache"])
def test_only_an_absolute_variable_counts(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unset, empty or relative, the folder is below the home."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "warpviz"


def test_the_variable_is_enough_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The home is not even asked for."""
    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/test")
    assert cache_folder() == Path("/var/cache/test/warpviz")


def test_without_either_there_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept, and nothing fails."""
    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() is None
