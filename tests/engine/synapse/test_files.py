"""A saved context: the same bits in another process, and refused by any other model."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from warp_cortex import (
    Context,
    Prism,
    SharedKV,
    Snapshot,
    StreamBatch,
    Synapse,
    SynapseConfig,
    load_snapshot,
    save_snapshot,
)

from tests.engine.tiny import build_prism, random_ids

PROMPT = random_ids(6, seed=2)
ELSEWHERE = """
import sys, torch
from tests.engine.tiny import build_prism, random_ids
from warp_cortex import StreamBatch, load_snapshot
torch.set_num_threads(1)
prism = build_prism("llama")
snapshot = load_snapshot(prism, sys.argv[1])
streams = StreamBatch(prism, snapshot)
torch.save(streams.admit([0], [random_ids(6, seed=2)], [None]).logits, sys.argv[2])
"""


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("llama") as built:
        yield built


@pytest.fixture
def snapshot(prism: Prism) -> Snapshot:
    """A compressed context."""
    context = Context(prism)
    context.read(random_ids(50, seed=1))
    return Synapse(SynapseConfig(k=16)).publish(context)


def same(one: Snapshot, other: Snapshot) -> bool:
    """Tell whether two snapshots are equal to the bit."""
    pairs = [
        (one.landmarks, other.landmarks),
        (one.ranking, other.ranking),
        (one.kv.positions, other.kv.positions),
    ]
    pairs += [(one.kv.keys, other.kv.keys), (one.kv.values, other.kv.values)]
    names = ("version", "step", "radius", "slack", "policy", "model", "checksum")
    return all(torch.equal(a, b) for a, b in pairs) and all(
        getattr(one, n) == getattr(other, n) for n in names
    )


def test_what_is_loaded_is_what_was_saved(prism: Prism, snapshot: Snapshot, tmp_path: Path) -> None:
    """Every tensor and number survives, a shared one (policy all) and one with a bias too."""
    assert same(load_snapshot(prism, save_snapshot(snapshot, tmp_path / "a" / "b")), snapshot)
    context = Context(prism)
    context.read(random_ids(20, seed=3))
    everything = Synapse(SynapseConfig(policy="all")).publish(context)
    assert same(load_snapshot(prism, save_snapshot(everything, tmp_path)), everything)
    bias = torch.rand(3, 2, 16)
    kv = SharedKV(snapshot.kv.keys, snapshot.kv.values, snapshot.kv.positions, bias)
    heavy = Snapshot(
        2, 50, kv, snapshot.landmarks, snapshot.ranking, 1.5, "x", snapshot.model, snapshot.checksum
    )
    loaded = load_snapshot(prism, save_snapshot(heavy, tmp_path))
    assert loaded.kv.bias is not None
    assert torch.equal(loaded.kv.bias, bias)


def test_another_process_gives_the_same_bits(
    prism: Prism, snapshot: Snapshot, tmp_path: Path
) -> None:
    """Loaded elsewhere, a context gives a stream bit-identical logits."""
    save_snapshot(snapshot, tmp_path)
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path), str(tmp_path / "logits.pt")]
    root = Path(__file__).resolve().parents[3]
    environment = {
        "PYTHONPATH": f"{root}/engine:{root}",
        "OMP_NUM_THREADS": "1",
        "PATH": "/usr/bin:/bin",
    }
    subprocess.run(command, check=True, env=environment, cwd=root)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    here = StreamBatch(prism, snapshot).admit([0], [PROMPT], [None]).logits
    torch.set_num_threads(threads)
    assert torch.equal(torch.load(tmp_path / "logits.pt", weights_only=True), here)


def test_another_model_is_refused(snapshot: Snapshot, tmp_path: Path) -> None:
    """Entries of other weights would be noise: both checksums are named."""
    save_snapshot(snapshot, tmp_path)
    with (
        build_prism("llama", seed=1) as other,
        pytest.raises(ValueError, match=f"checksum {snapshot.checksum}.*, not with"),
    ):
        load_snapshot(other, tmp_path)


def test_a_bound_is_not_taken_for_a_radius(
    prism: Prism, snapshot: Snapshot, tmp_path: Path
) -> None:
    """The slack of an incremental snapshot is saved; files of 0.1.0, which have none, are read."""
    context = Context(prism)
    synapse = Synapse(SynapseConfig(k=16, incremental=True))
    for count in (160, 20):
        context.read(random_ids(count, seed=count))
        bounded = synapse.publish(context)
    assert 0 < bounded.slack < bounded.radius
    assert same(load_snapshot(prism, save_snapshot(bounded, tmp_path)), bounded)
    path = save_snapshot(snapshot, tmp_path) / "snapshot.json"
    record = json.loads(path.read_text())
    assert record.pop("slack") == 0
    path.write_text(json.dumps(record))
    assert same(load_snapshot(prism, tmp_path), snapshot)


def test_a_changed_file_is_refused(prism: Prism, snapshot: Snapshot, tmp_path: Path) -> None:
    """Tensors that do not match their checksum, or are cut short, are not read."""
    save_snapshot(snapshot, tmp_path)
    file = tmp_path / "snapshot.safetensors"
    tensors = load_file(file)
    tensors["keys"][0, 0, 0, 0] += 1
    save_file(tensors, file)
    with pytest.raises(ValueError, match="does not match its checksum"):
        load_snapshot(prism, tmp_path)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ValueError, match="does not match its checksum"):
        load_snapshot(prism, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace('"format": 1', '"format": 2'),
            "is of format 2; this version reads format 1",
        ),
        (lambda _: "[]", "does not describe a saved context"),
        (lambda _: "{", "does not describe a saved context"),
        (lambda _: "[" * 100_000, "does not describe a saved context"),
        (
            lambda text: text.replace('"step": 50', f'"step": {10**40}'),
            "entries at positions 0 to 49, but",
        ),
        (lambda text: text.replace('"step": 50', '"step": "50"'), "step must be int, got '50'"),
        (lambda text: text.replace('"step": 50', '"step": 3'), "entries at positions 0 to 49, but"),
    ],
)
def test_a_strange_description_is_refused(
    prism: Prism, snapshot: Snapshot, tmp_path: Path, change: object, message: str
) -> None:
    """Another format, no JSON object, a wrong type or an impossible number is named in one line."""
    save_snapshot(snapshot, tmp_path)
    path = tmp_path / "snapshot.json"
    path.write_text(change(path.read_text()))  # type: ignore[operator] # the functions above
    with pytest.raises(ValueError, match=message):
        load_snapshot(prism, tmp_path)


def test_tensors_that_do_not_fit_the_model_are_refused(
    prism: Prism, snapshot: Snapshot, tmp_path: Path
) -> None:
    """A forged file with a matching checksum still must hold entries of this model's shape."""
    save_snapshot(snapshot, tmp_path)
    file = tmp_path / "snapshot.safetensors"
    path = tmp_path / "snapshot.json"
    whole = load_file(file)
    cut = {**whole, "keys": whole["keys"][:, :, :3].contiguous()}
    few = {name: tensor for name, tensor in whole.items() if name != "values"}
    strange = [
        (cut, r"keys must have shape \(3, 2, 16, 8\), got \(3, 2, 3, 8\)"),
        (few, "lacks values"),
        ({**whole, "keys": whole["keys"].long()}, "keys must be float32 or .*, got int64"),
        (
            {**whole, "positions": whole["positions"].float()},
            "positions must be int64, got float32",
        ),
        (
            {**whole, "landmarks": whole["landmarks"] + 50},
            "landmarks must be one row of positions from 0 to 49",
        ),
        (
            {**whole, "ranking": whole["ranking"][None].clone()},
            "ranking must be one row of positions from 0 to 49",
        ),
    ]
    for tensors, message in strange:
        save_file(tensors, file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": digest}))
        with pytest.raises(ValueError, match=message):
            load_snapshot(prism, tmp_path)


def test_a_forged_file_that_is_no_safetensors_is_refused(
    prism: Prism, snapshot: Snapshot, tmp_path: Path
) -> None:
    """Bytes whose checksum matches are still not read as tensors if they are none."""
    save_snapshot(snapshot, tmp_path)
    path = tmp_path / "snapshot.json"
    (tmp_path / "snapshot.safetensors").write_bytes(b"\x80pickle" * 9)
    digest = hashlib.sha256(b"\x80pickle" * 9).hexdigest()
    path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": digest}))
    with pytest.raises(ValueError, match="is no safetensors file"):
        load_snapshot(prism, tmp_path)


@pytest.mark.parametrize(
    "where", ["warp_cortex.synapse.files.save_file", "warp_cortex.synapse.files.json.dumps"]
)
def test_saving_that_is_interrupted_leaves_the_old_context(
    prism: Prism, snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Ctrl-C or a full disk half way: what was saved before is still there, to the bit."""
    save_snapshot(snapshot, tmp_path)

    def strike(_: object, path: Path | None = None, **__: object) -> None:
        if path is not None:
            path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    context = Context(prism)
    context.read(random_ids(30, seed=4))
    other = Synapse(SynapseConfig(k=8, recent=2)).publish(context)
    with monkeypatch.context() as patch:
        patch.setattr(where, strike)
        with pytest.raises(KeyboardInterrupt):
            save_snapshot(other, tmp_path)
    assert same(load_snapshot(prism, tmp_path), snapshot)


def test_nothing_saved_is_said(prism: Prism, tmp_path: Path) -> None:
    """An empty folder and a half-written one are named with what is missing."""
    with pytest.raises(
        FileNotFoundError, match=r"holds no saved context: snapshot.json is missing"
    ):
        load_snapshot(prism, tmp_path)
    (tmp_path / "snapshot.json").write_text(json.dumps({}))
    with pytest.raises(FileNotFoundError, match=r"snapshot.safetensors is missing"):
        load_snapshot(prism, tmp_path)
