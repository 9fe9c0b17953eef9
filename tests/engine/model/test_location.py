"""Where a model is: every way of naming one, and words for what names none."""

from pathlib import Path

import pytest
from warp_cortex import Cortex, CortexConfig, Prism, RiverConfig, SynapseConfig, bundled, load_trace
from warp_cortex.model.location import folder_of, locate

from tests.engine.tiny import build_model, build_tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model on disk."""
    where = tmp_path / "model"
    build_model("qwen2").save_pretrained(where)
    build_tokenizer().save_pretrained(where)
    return where


def test_a_path_is_a_name_like_a_text(folder: Path, tmp_path: Path) -> None:
    """A whole run of a model named by a Path is saved and loaded again."""
    with Prism.load(folder) as prism:
        assert (prism.spec.name, prism.source) == (str(folder), str(folder))
        settings = CortexConfig(synapse=SynapseConfig(k=4), river=RiverConfig(max_tokens=2))
        cortex = Cortex(prism, settings)
        list(cortex.run("hello there"))
        cortex.trace.save(tmp_path / "out")
    assert load_trace(tmp_path / "out").events


def test_a_relative_path_is_resolved_when_it_is_loaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later change of directory does not change where the model is, nor a link its folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(folder)
    for name in ("model", "./model", Path("model"), "../" + tmp_path.name + "/model", "link"):
        assert locate(name) == str(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate("~/model") == str(folder)
    with Prism.load("./model") as prism:
        monkeypatch.chdir("/")
        assert prism.source is not None
        with Prism.load(prism.source) as again:
            assert again.spec.checksum == prism.spec.checksum


def test_bundled_models_and_hub_ids_keep_their_names() -> None:
    """Another machine's process finds them by the same name; only a folder has a path."""
    assert locate("village") == "village"
    assert folder_of("village") == bundled("village")
    assert locate("owner/name") == "owner/name"
    assert folder_of("owner/name") is None


def test_a_path_never_means_a_bundled_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """./village is a folder of the user's, which may not be there."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no model at '\./village'"):
        locate("./village")


@pytest.mark.parametrize("name", [None, 7, ["village"], b"village"])
def test_what_is_no_name_is_said(name: object) -> None:
    """A TypeError in one line says what a model is named by."""
    with pytest.raises(TypeError, match=r"named by a text or a path, got \w+; give smollm2"):
        locate(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "it has no config.json"),
        ({"a-q4.gguf": "GGUF"}, "it holds GGUF; give the file itself: .*a-q4.gguf"),
        (
            {"adapter_config.json": '{"base_model_name_or_path": "big/base"}'},
            "it is an adapter of 'big/base' and not a whole model; merge it into its base model",
        ),
        ({"adapter_config.json": "["}, "it is an adapter and not a whole model"),
        ({"adapter_config.json": "[]"}, "it is an adapter and not a whole model"),
    ],
)
def test_a_folder_without_a_model_says_what_it_holds(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    """GGUF files and adapters are recognised; the line says what to do with them."""
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(FileNotFoundError, match=message) as caught:
        locate(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """A text is no model."""
    (tmp_path / "notes.txt").write_text("some notes")
    with pytest.raises(FileNotFoundError, match="is a file of another kind"):
        locate(tmp_path / "notes.txt")
