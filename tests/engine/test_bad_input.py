"""A user's mistake is one line with the value and what is accepted, before any work is done."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from transformers import T5Config, T5ForConditionalGeneration
from warp_cortex import (
    Cortex,
    CortexConfig,
    GateConfig,
    Prism,
    RiverConfig,
    Snapshot,
    StreamConfig,
    SynapseConfig,
    bundled,
)

from tests.engine.tiny import build_model, build_prism, build_tokenizer

TEXT = "The lamp is in the cellar and the key is in the box."


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model with 512 positions."""
    with build_prism("qwen2") as built:
        yield built


def run(prism: Prism, prompt: str, **settings: Any) -> None:
    """Run to the end."""
    list(Cortex(prism, CortexConfig(**{"synapse": SynapseConfig(k=8), **settings})).run(prompt))


MISTAKES: dict[str, tuple[Callable[[Prism], object], str]] = {
    "empty prompt": (lambda p: run(p, ""), "the text is empty; give at least one character"),
    "empty text": (lambda p: p.read(""), "the text is empty"),
    "k of 0": (lambda _: SynapseConfig(k=0), "k must be at least 1, got 0"),
    "k beyond the text": (
        lambda p: run(p, "short", synapse=SynapseConfig(k=6)),
        "k must be between 1 and 5, the tokens of this context, got 6",
    ),
    "k beyond a forked text": (
        lambda p: Cortex(p, CortexConfig()).fork("short", ["a"]),
        "k must be between 1 and 5, the tokens of this context, got 64",
    ),
    "alpha": (lambda _: SynapseConfig(alpha=1.5), "alpha must be between 0 and 1, got 1.5"),
    "alpha NaN": (
        lambda _: SynapseConfig(alpha=float("nan")),
        "alpha must be between 0 and 1, got nan",
    ),
    "theta": (lambda _: GateConfig(theta=-1.1), "theta must be between -1 and 1, got -1.1"),
    "live theta": (
        lambda p: setattr(Cortex(p), "theta", 2),
        "theta must be between -1 and 1, got 2",
    ),
    "policy": (
        lambda _: SynapseConfig(policy="hybird"),
        "policy 'hybird' is unknown; accepted: .*mean 'hybrid'?",
    ),
    "long prompt": (
        lambda p: run(p, "x" * 600),
        "600 tokens do not fit: tiny-qwen2 has 512 positions; shorten the text by 88 tokens",
    ),
    "long context": (lambda p: p.read("x" * 513), "shorten the text by 1 tokens"),
    "no task": (
        lambda p: Cortex(p).fork(TEXT, []),
        r"tasks must be one or more non-empty texts, got \[\]",
    ),
    "blank task": (
        lambda p: Cortex(p).fork(TEXT, ["a", " "]),
        r"non-empty texts, got \['a', ' '\]",
    ),
    "nothing ran": (lambda p: Cortex(p).revoke(1), "nothing has run yet; call run"),
    "no summary": (lambda p: Cortex(p).summary(), "the trace holds no run"),
    "stream prompt": (
        lambda _: StreamConfig(prompt="think"),
        "streams.prompt must contain {task}.*, got 'think'",
    ),
    "keys of no rotary model": (lambda p: p.read(TEXT).points("value"), "did you mean 'values'?"),
}


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_mistakes_are_named_in_one_line(prism: Prism, name: str) -> None:
    """Each says which value is wrong and what would do."""
    make, message = MISTAKES[name]
    with pytest.raises(
        ValueError, match=message.replace("?", r"\?").replace("{task}", r"\{task\}")
    ) as caught:
        make(prism)
    assert "\n" not in str(caught.value)


def test_nothing_is_allocated_for_a_prompt_that_does_not_fit(prism: Prism) -> None:
    """A prompt of a million tokens is refused at once, before a cache of that size is made."""
    cortex = Cortex(
        prism, CortexConfig(synapse=SynapseConfig(k=8), river=RiverConfig(max_tokens=10**9))
    )
    with pytest.raises(ValueError, match="1000000 tokens do not fit"):
        next(cortex.run("x" * 10**6))
    assert cortex.context is None or cortex.context.store.capacity <= 512
    assert cortex.trace.events == []


def folder(path: Path, *, weights: bytes | None = None, config: str | None = None) -> str:
    """Write a model folder, or something like one."""
    build_model("qwen2").save_pretrained(path)
    build_tokenizer().save_pretrained(path)
    if weights is not None:
        (path / "model.safetensors").write_bytes(weights)
    if config is not None:
        (path / "config.json").write_text(config)
    return str(path)


def test_a_folder_is_loaded_and_is_the_model_it_holds(tmp_path: Path, prism: Prism) -> None:
    """Saved and loaded again it gives the same text's states, under a checksum of its files."""
    with Prism.load(folder(tmp_path)) as loaded:
        assert loaded.encode(TEXT) == prism.encode(TEXT)
        one = loaded.read(TEXT)
        other = prism.read(TEXT)
        assert one.logits is not None
        assert other.logits is not None
        assert (one.logits - other.logits).abs().max() < 1e-5
        assert len(loaded.spec.checksum) == 16


BROKEN = {
    "no config": (str, FileNotFoundError, "it has no config.json"),
    "empty weights": (
        lambda path: folder(path, weights=b""),
        ValueError,
        "could not be loaded as a language model",
    ),
    "cut weights": (
        lambda path: folder(path, weights=b"\x90" * 99),
        ValueError,
        "could not be loaded as a language",
    ),
    "unknown type": (
        lambda path: folder(path, config='{"model_type": "warp"}'),
        ValueError,
        "could not be loaded as a language model: .*warp",
    ),
    "no JSON": (
        lambda path: folder(path, config="{"),
        ValueError,
        r"config\.json is not JSON",
    ),
    "pickled": (
        lambda path: (
            [name := folder(path), (path / "model.safetensors").rename(path / "pytorch_model.bin")]
            and name
        ),
        FileNotFoundError,
        "could not be loaded as a safetensors language model",
    ),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_folder_that_is_no_model_is_named(tmp_path: Path, name: str) -> None:
    """No config, bad or missing safetensors, an unknown family: one line with the path."""
    make, kind, message = BROKEN[name]
    path = make(tmp_path)
    with pytest.raises(kind, match=message) as caught:
        Prism.load(path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_an_encoder_decoder_folder_is_refused(tmp_path: Path) -> None:
    """A folder of a model that is no language model of ours says so."""
    config = T5Config(
        vocab_size=260,
        d_model=32,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
    )
    T5ForConditionalGeneration(config).save_pretrained(tmp_path)
    build_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"could not be loaded as a language model: .*T5Config"):
        Prism.load(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        (
            "/no/such/model",
            FileNotFoundError,
            "no model at '/no/such/model'; give smollm2, .*a folder with config.json",
        ),
        ("./model", FileNotFoundError, "no model at './model'"),
        ("", FileNotFoundError, "is no model folder"),
        (
            "hamlet",
            ValueError,
            "neither bundled nor a folder; bundled: village; fetched by name: smollm2",
        ),
    ],
)
def test_a_name_that_is_no_model_is_named(name: str, kind: type[Exception], message: str) -> None:
    """Neither bundled nor a folder nor a hub id."""
    with pytest.raises(kind, match=message):
        Prism.load(name)


def test_a_hub_model_without_a_network_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No retries: an attempt or two, and the answer says where the model could come from."""
    attempts: list[object] = []

    def no_network(*given: object, **_: object) -> None:
        attempts.append(given)
        raise OSError

    monkeypatch.setattr("warp_cortex.model.hub.socket.create_connection", no_network)
    with pytest.raises(
        FileNotFoundError, match=r"'nobody/nothing' is not on this machine.*use the bundled model"
    ):
        Prism.load("nobody/nothing")
    assert 0 < len(attempts) <= 2


def test_nothing_of_that_name_is_bundled() -> None:
    """What is bundled is listed."""
    with pytest.raises(FileNotFoundError, match=r"nothing named 'hamlet' is bundled; there is: "):
        bundled("hamlet")


def test_a_snapshot_of_another_model_cannot_be_forked(prism: Prism) -> None:
    """Entries and contexts of another model would be read as noise."""
    with build_prism("qwen2", seed=1) as other:
        context = other.read(TEXT)
        cortex = Cortex(other, CortexConfig(synapse=SynapseConfig(k=8)))
        snapshot = Snapshot(
            1, 5, context.store.share(), context.positions, context.positions, 0.0, "", "x", "y"
        )
        with pytest.raises(ValueError, match="belongs to another model"):
            cortex.fork(snapshot, ["a"])
        with pytest.raises(ValueError, match="belongs to another model"):
            Cortex(prism, CortexConfig(synapse=SynapseConfig(k=8))).fork(context, ["a"])
