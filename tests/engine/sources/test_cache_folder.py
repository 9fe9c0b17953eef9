"""Where caches go: as the platform and the XDG specification say, and nowhere without a home."""

from pathlib import Path

import pytest
from warp_cortex import cache_folder


def no_home() -> Path:
    """Answer as a container does whose user has neither HOME nor an entry."""
    msg = "Could not determine home directory."
    raise RuntimeError(msg)


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable is set, and the home is the test's own."""
    for name in ("WARPVIZ_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr("sys.platform", "linux")


@pytest.mark.parametrize("value", [None, "", "cache", "./cache"])
def test_only_an_absolute_variable_counts(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unset, empty or relative, the folder is below the home, wherever a script runs."""
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert cache_folder() == tmp_path / ".cache" / "warpviz"


@pytest.mark.parametrize(
    ("platform", "variable", "below"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_every_platform_has_its_folder(
    platform: str, variable: str, below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its variable comes before its folder below the home, and the package's own before both."""
    monkeypatch.setattr("sys.platform", platform)
    assert cache_folder() == tmp_path / below / "warpviz"
    monkeypatch.setenv(variable, str(tmp_path / "named"))
    assert cache_folder() == tmp_path / "named" / "warpviz"
    monkeypatch.setenv("WARPVIZ_CACHE", str(tmp_path / "chosen"))
    assert cache_folder() == tmp_path / "chosen"


def test_macos_has_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable names it."""
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_folder() == tmp_path / "Library" / "Caches" / "warpviz"


def test_the_variable_is_enough_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The home is not even asked for."""
    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/test")
    assert cache_folder() == Path("/var/cache/test/warpviz")


def test_without_either_there_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept, and nothing fails."""
    monkeypatch.setattr(Path, "home", no_home)
    assert cache_folder() is None
