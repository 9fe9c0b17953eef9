"""A small map of a run's tokens, from the arrays its trace kept: two principal axes of the keys."""

import numpy as np
from numpy.typing import NDArray
from warp_cortex import RunStart, Token, Trace

LEAST_TOKENS = 4
KEY_AXES = 4  # layers, heads, tokens, head size


def cloud_of(trace: Trace) -> NDArray[np.float32] | None:
    """Return a point per visible token, float32 [T, 2], or None if the trace kept no keys.

    A token that the cache no longer held is NaN. A token's vector is its keys of all stored layers
    and heads, concatenated, less their mean. The sign of each axis is chosen so that its largest
    component is positive: the same run gives the same map.
    """
    keys = trace.arrays.get("keys")
    if keys is None or keys.ndim != KEY_AXES or keys.shape[2] < LEAST_TOKENS:
        return None
    points = np.moveaxis(keys, 2, 0).reshape(keys.shape[2], -1).astype(np.float32)
    points = np.nan_to_num(points - points.mean(axis=0))
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2][np.arange(2), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    places = points @ axes.T
    prompts = [len(event.prompt_tokens) for event in trace.of(RunStart)]
    num_tokens = sum(prompts[:1]) + len(trace.of(Token))
    positions = np.asarray(trace.arrays.get("positions", np.arange(len(places))), dtype=np.int64)
    kept = (positions >= 0) & (positions < num_tokens)
    cloud = np.full((num_tokens, 2), np.nan, dtype=np.float32)
    cloud[positions[kept]] = places[kept]
    return cloud
