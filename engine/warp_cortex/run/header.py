"""The first event of a run: everything that another run needs to write the same."""

import platform
from importlib.metadata import version

import torch

from warp_cortex.config import CortexConfig
from warp_cortex.context.context import Context
from warp_cortex.trace.trace import RunStart


def header(config: CortexConfig, context: Context, prompt: str) -> RunStart:
    """Return the event that a run over a context begins with; prompt: the text as it was given."""
    prism = context.prism
    versions = {name: version(name) for name in ("torch", "transformers", "numpy")}
    return RunStart(
        step=context.num_tokens,
        model=prism.spec.name,
        checksum=prism.checksum(thorough=True),
        prompt=prompt,
        prompt_tokens=list(context.tokens),
        seed=config.seed,
        config=config.to_dict(),
        versions={"python": platform.python_version(), **versions},
        labels={str(position): name for position, name in context.labels.items()},
        threads=torch.get_num_threads(),
    )
