"""A tiny random model on disk, and the command line run in a process of its own, as a user runs
it.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

ROOT = Path(__file__).parents[2]
PROMPT = "The mill stands by the river. [TASK: find the key] The key is in the red box. " * 4
Warpviz = Callable[..., subprocess.CompletedProcess[str]]


def environment() -> dict[str, str]:
    """Return an environment in which this checkout is importable and nothing is fetched from a
    hub.
    """
    paths = [str(ROOT / "engine"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Qwen2 of 257 byte tokens, saved as any local model is."""
    return save_tiny(tmp_path_factory.mktemp("tiny"))


def save_tiny(folder: Path) -> Path:
    """Save a random two-layer Qwen2 of 257 byte tokens into a folder, and return that."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(
        models.BPE(vocab={symbol: i for i, symbol in enumerate([*alphabet, "<eos>"])}, merges=[])
    )
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytes_only.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=bytes_only, eos_token="<eos>").save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=257,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        eos_token_id=256,
        bos_token_id=None,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def prompt_file(tmp_path: Path) -> Path:
    """A text of four hundred bytes with triggers in it."""
    path = tmp_path / "prompt.txt"
    path.write_text(PROMPT, encoding="utf-8")
    return path


@pytest.fixture
def warpviz(tmp_path: Path) -> Warpviz:
    """Run `warpviz` with some arguments in an empty folder and return what it said and how it
    ended.
    """

    def call(
        *arguments: object, stdin: bytes | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "warpviz", *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment() | variables,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=240,
        )
        return subprocess.CompletedProcess(
            command, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return call


@pytest.fixture
def start_warpviz(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start `warpviz` in an empty folder, its output unbuffered in pipes; whatever still runs at
    the end is killed.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "warpviz", *map(str, arguments)]
        variables = environment() | {"PYTHONUNBUFFERED": "1"}
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(command, cwd=tmp_path, env=variables, stdout=pipe, stderr=pipe)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(30)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
