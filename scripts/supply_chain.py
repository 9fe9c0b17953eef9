"""What an installation consists of: hashes of the pinned files, and a bill of materials.

    grep -Ev '^#|^(torch|triton)==' constraints.txt > pins.txt
    python -m pip --isolated install --index-url https://pypi.org/simple --only-binary :all: \
        --dry-run --ignore-installed --no-deps --report report.json -r pins.txt
    python scripts/supply_chain.py hashes report.json
    python scripts/supply_chain.py bill

The first call of this script writes hashes.txt, of the files that pip chose (Python 3.11, Linux,
x86-64); the second docs/sbom.cdx.json (CycloneDX 1.6), which goes into the wheel (PEP 770). torch
and triton are left out of the hashes: which build of torch fits is the user's choice (CPU, CUDA).
"""

import argparse
import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HASHES = ROOT / "hashes.txt"
BILL = ROOT / "docs" / "sbom.cdx.json"
HEAD = """# The files that the tests run with (Python 3.11, Linux, x86-64), as the registry serves
# them; written by scripts/supply_chain.py. torch and triton are not among them: which build of
# torch fits is your choice. A checked installation, in this order:
#   pip install -c constraints.txt torch
#   pip install --no-deps --require-hashes -r hashes.txt
#   pip install --no-deps --no-build-isolation .
"""


def normalised(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    """Return the versions of constraints.txt by normalised name."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)==(\S+)$", text, flags=re.MULTILINE)
    return {normalised(name): version for name, version in found}


def hashed(report: dict[str, Any]) -> str:
    """Return the lines of hashes.txt for pip's report of an installation.

    Raises:
        ValueError: a file comes from elsewhere than the registry, or without a hash.
    """
    lines = {}
    for item in report["install"]:
        info = item["download_info"]
        digest = info.get("archive_info", {}).get("hashes", {}).get("sha256")
        name = normalised(item["metadata"]["name"])
        if digest is None or not info["url"].startswith("https://"):
            msg = f"{name} has no hash of the registry: {info['url']}"
            raise ValueError(msg)
        lines[name] = f"{name}=={item['metadata']['version']} --hash=sha256:{digest}\n"
    return HEAD + "".join(lines[name] for name in sorted(lines))


def needed(texts: list[str]) -> list[str]:
    """Return the normalised names of the requirements that count here, without extras."""
    asked = [Requirement(text) for text in texts]
    wanted = [each for each in asked if each.marker is None or each.marker.evaluate({"extra": ""})]
    return sorted({normalised(each.name) for each in wanted})


def closure() -> dict[str, list[str]]:
    """Return what each distribution under the project needs, by name, the project included."""
    # an installed copy of the project may be older than this checkout
    found = {PROJECT["name"]: needed(PROJECT["dependencies"])}
    waiting = list(found[PROJECT["name"]])
    while waiting:
        name = waiting.pop()
        if name not in found:
            try:
                found[name] = needed(distribution(name).requires or [])
            except PackageNotFoundError:  # what a CUDA build of torch brings, for instance
                found[name] = []
            waiting += found[name]
    return found


def bill() -> dict[str, Any]:
    """Return the bill of materials of the wheel, with the versions that the tests run with."""
    own = PROJECT["name"]
    versions = {**pins(), own: PROJECT["version"]}
    graph = {name: needs for name, needs in closure().items() if name in versions}
    refs = {name: f"pkg:pypi/{name}@{versions[name]}" for name in graph}
    hashes = dict(
        re.findall(
            r"^(\S+)==\S+ --hash=sha256:(\w+)$", HASHES.read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(own, refs[own], None)},
        "components": [
            component(name, refs[name], hashes.get(name)) for name in sorted(graph) if name != own
        ],
        "dependencies": [
            {"ref": refs[name], "dependsOn": [refs[each] for each in needs if each in refs]}
            for name, needs in sorted(graph.items())
        ],
    }


def component(name: str, ref: str, digest: str | None) -> dict[str, Any]:
    """Return one entry of the bill; the hash is that of the file for Linux."""
    found = {
        "type": "library",
        "bom-ref": ref,
        "name": name,
        "version": ref.rpartition("@")[2],
        "purl": ref,
    }
    try:
        licence = distribution(name).metadata.get("License-Expression")
    except PackageNotFoundError:
        licence = None
    if licence:
        found["licenses"] = [{"expression": licence}]
    if digest:
        found["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return found


def main() -> None:
    """Write the hashes or the bill."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("hashes", "bill"))
    parser.add_argument("report", nargs="?", type=Path)
    args = parser.parse_args()
    if args.what == "hashes":
        if args.report is None:
            parser.error("hashes are read from pip's report; name it")
        report = json.loads(args.report.read_text(encoding="utf-8"))
        HASHES.write_text(hashed(report), encoding="utf-8")
    else:
        BILL.write_text(json.dumps(bill(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
