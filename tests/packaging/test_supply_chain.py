"""Supply chain: what is installed can be checked by its hash, and the wheel says what it needs."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SCRIPT = ROOT / "scripts" / "supply_chain.py"
CHOSEN = {"torch", "triton"}  # by the user, who has a GPU or has none


def normalised(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name: str, rest: str = "") -> dict[str, str]:
    """Return the versions that a file pins, by name."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(rf"^([\w.-]+)==(\S+){rest}$", text, flags=re.MULTILINE)
    return {normalised(name): version for name, version in found}


def bill() -> dict:
    """Return the bill of materials."""
    return json.loads((ROOT / "docs" / "sbom.cdx.json").read_text(encoding="utf-8"))


def test_every_pin_has_a_hash() -> None:
    """hashes.txt pins what constraints.txt pins, each with the SHA-256 of a file."""
    hashed = pins("hashes.txt", rest=" --hash=sha256:[0-9a-f]{64}")
    expected = pins("constraints.txt")
    assert {*hashed} == {*expected} - CHOSEN
    assert hashed.items() <= expected.items()


def test_the_build_backend_is_pinned() -> None:
    """An isolated build takes the version that the tests take."""
    (backend,) = PROJECT["build-system"]["requires"]
    assert backend == f"hatchling=={pins('constraints.txt')['hatchling']}"


def test_the_bill_is_that_of_the_pins() -> None:
    """Each component has the tested version, a package URL, and the hash that is in hashes.txt."""
    found = bill()
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    expected = pins("constraints.txt")
    hashes = (ROOT / "hashes.txt").read_text(encoding="utf-8")
    for part in found["components"]:
        assert part["version"] == expected[part["name"]]
        assert part["purl"] == part["bom-ref"] == f"pkg:pypi/{part['name']}@{part['version']}"
        for digest in part.get("hashes", ()):
            assert f"{part['name']}=={part['version']} --hash=sha256:{digest['content']}" in hashes
    refs = {found["metadata"]["component"]["bom-ref"], *(p["bom-ref"] for p in found["components"])}
    assert {entry["ref"] for entry in found["dependencies"]} == refs
    assert all({*entry["dependsOn"]} <= refs for entry in found["dependencies"])


def test_the_bill_holds_what_the_wheel_needs() -> None:
    """Every declared dependency is a component, and one of the project's own."""
    found = bill()
    names = {part["name"] for part in found["components"]}
    declared = {
        normalised(re.split(r"[<>=!\[; ]", text)[0]) for text in PROJECT["project"]["dependencies"]
    }
    assert declared <= names
    own = found["metadata"]["component"]["bom-ref"]
    (needs,) = (each["dependsOn"] for each in found["dependencies"] if each["ref"] == own)
    assert {ref.partition("@")[0].rpartition("/")[2] for ref in needs} == declared
    assert found["metadata"]["component"]["version"] == PROJECT["project"]["version"]


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"url": "file:///a.whl", "archive_info": {"hashes": {"sha256": "0" * 64}}}, "file:///a"),
        ({"url": "https://a/a.whl", "archive_info": {}}, "a has no hash of the registry"),
    ],
)
def test_hashes_of_elsewhere_are_refused(tmp_path: Path, info: dict, words: str) -> None:
    """Only files of the registry are listed: a local build has a hash of its own."""
    report = tmp_path / "report.json"
    item = {"download_info": info, "metadata": {"name": "a", "version": "1"}}
    report.write_text(json.dumps({"install": [item]}))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "hashes", str(report)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert words in done.stderr
