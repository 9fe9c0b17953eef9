"""What a model folder must be before transformers reads it: a stranger may have made its files.

transformers reads whatever a configuration says: it builds a billion layers, or gigabytes of random
weights for sizes that the weights on the disk do not have.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoModelForCausalLM, PretrainedConfig

from warp_cortex.files.reading import read_object, unreadable

DESCRIPTIONS = ("config.json", "generation_config.json", "tokenizer_config.json")
MOST_BYTES = 1 << 24  # of one of them; a tokenizer's holds its special tokens
# settings that count modules, each of which takes memory and time before any weight is read
COUNTS = re.compile(r"layer|expert|depth|block|head")
MOST_COUNT = 1 << 14
# a model may have more parameters than its files hold: tied ones, or packed ones
MOST_RATIO = 16
SMALL = 1 << 24  # parameters


def check_folder(folder: Path) -> None:
    """Check the JSON files of a model folder: their size and depth, and the counts in them.

    Raises:
        UnreadableFileError: one is no JSON object, too large or deep, or counts too many modules.
    """
    for name in DESCRIPTIONS:
        path = folder / name
        if not path.exists():
            continue
        for key, value in _numbers(read_object(path, most_bytes=MOST_BYTES)):
            if COUNTS.search(key) and not -MOST_COUNT <= value <= MOST_COUNT:
                raise unreadable(path, f"says {key} = {value!r:.40}; at most {MOST_COUNT:,}")


def check_size(folder: Path, config: PretrainedConfig) -> None:
    """Check that a model of this configuration is not far larger than the folder's weights.

    Raises:
        UnreadableFileError: it would have many times as many parameters.
    """
    held = sum(map(_num_elements, folder.glob("*.safetensors")))
    if not held:  # other weights are refused later, by name
        return
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    wanted = sum(parameter.numel() for parameter in model.parameters())
    if wanted > MOST_RATIO * held + SMALL:
        sizes = f"a model of {wanted:,} parameters; its weights are {held:,}"
        raise unreadable(folder / "config.json", f"describes {sizes}")


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number with the key that it stands under; JSON of bounded depth."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _numbers(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item, key)
    elif isinstance(value, (int, float)):
        yield key, value


def _num_elements(path: Path) -> int:
    try:
        with safe_open(path, framework="pt") as file:
            return sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError):  # loading says what is wrong with it
        return 0
