"""The gallery: both pictures of every view are in docs, and the command takes them from a real page
in either theme.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("gallery_script", ROOT / "scripts" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gallery_script"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def brightness(path: Path) -> float:
    """Return the median brightness of a picture, 0 to 255: that of its ground."""
    with Image.open(path) as picture:
        return float(np.median(np.asarray(picture.convert("L"))))


def test_every_view_is_in_the_docs(gallery: ModuleType) -> None:
    """Both themes of every view, light and dark as they say, wide enough to read, small enough to
    keep.
    """
    for shot in gallery.SHOTS:
        for theme in gallery.THEMES:
            path = gallery.OUT / f"{shot.name}-{theme}.png"
            assert (brightness(path) > 200) == (theme == "light"), path.name
            with Image.open(path) as picture:
                width, height = picture.size
            assert 1000 < width <= 1280
            assert height > 400
            assert path.stat().st_size < gallery.MOST_BYTES
    assert sum(path.stat().st_size for path in gallery.OUT.glob("*.png")) < gallery.MOST_ALL_BYTES


def test_the_page_names_every_view_and_the_command(gallery: ModuleType) -> None:
    """docs/gallery/README.md is what the script writes, every picture on it exists, and the README
    links it.
    """
    page = (gallery.OUT / "README.md").read_text(encoding="utf-8")
    assert page == gallery.page_of(list(gallery.SHOTS))
    assert "python scripts/gallery.py" in page
    listed = {part.partition(")")[0] for part in page.split("](")[1:]}
    assert listed == {path.name for path in gallery.OUT.glob("*.png")}
    assert all(shot.sentence in page for shot in gallery.SHOTS)
    assert "docs/gallery/README.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_command_takes_pictures(
    gallery: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One view, both themes, from JupyterLab to files, with their sizes said; a part of the gallery
    writes no page.
    """
    monkeypatch.setattr(sys, "argv", ["gallery.py", "--only", "council", "--out", str(tmp_path)])
    assert gallery.main() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "council-dark.png",
        "council-light.png",
    ]
    assert (
        brightness(tmp_path / "council-light.png") > 200 > brightness(tmp_path / "council-dark.png")
    )
    said = capsys.readouterr().out
    assert f"{(tmp_path / 'council-dark.png').stat().st_size:,} council-dark.png" in said
