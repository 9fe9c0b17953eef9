"""One token for every agent: a model's arithmetic over `FusedWeights`, in static shapes.

Between the matrix products stand joined parts: `decode_triton` on CUDA, `decode_cpu` on a CPU,
`decode_torch` where neither fits.
"""

from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from warp_cortex.attention import partial
from warp_cortex.attention.layout import Layout
from warp_cortex.attention.partial import Partial
from warp_cortex.attention.shared import Limits, Tap
from warp_cortex.cache.store import Entries, SharedKV
from warp_cortex.decode.weights import FusedWeights, fuse
from warp_cortex.kernels import decode_torch
from warp_cortex.kernels.triton_check import can_launch, current

COMPILED = (torch.float32, torch.bfloat16)  # what `loops` computes in
SMALLEST_TILE = 16


class Decoder:
    """Decode steps of one model: every agent feeds one token and its entries are written.

    Raises:
        ValueError: the model is of a family whose arithmetic is not written out; `decoder_for`
        returns None instead.
    """

    def __init__(self, model: PreTrainedModel, layout: Layout, *, kernels: bool = True) -> None:
        self.layout = layout
        self.device = model.device
        self.weights: FusedWeights = fuse(model, layout)
        self.parts = (
            parts_for(model.device, model.dtype, layout.head_dim) if kernels else decode_torch
        )

    @property
    def is_static(self) -> bool:
        """Whether a step reads only the entries that agents hold, so that it can be recorded.

        The plain parts look at as many entries as the longest agent holds: one more at every step.
        """
        return self.parts is not decode_torch

    @torch.inference_mode()
    def states(
        self, tokens: Tensor, cos: Tensor, sin: Tensor, entries: Entries, *, tap: Tap | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the states after the final norm and the input of the middle layer, both [B, C].

        tokens: int64 [B]. cos, sin: float32 [B, D] of their positions. tap: gets every layer's
        scaled queries; only a lone sequence has one.
        """
        most = self.parts.MOST_AGENTS
        if len(tokens) <= most:
            with current(self.device):
                return self._states(tokens, cos, sin, entries, tap)
        blocks = [slice(begin, begin + most) for begin in range(0, len(tokens), most)]
        found = [
            self._states(
                tokens[block], cos[block], sin[block], entries.part(block.start, block.stop), None
            )
            for block in blocks
        ]
        return torch.cat([states for states, _ in found]), torch.cat(
            [middle for _, middle in found]
        )

    def _states(
        self, tokens: Tensor, cos: Tensor, sin: Tensor, entries: Entries, tap: Tap | None
    ) -> tuple[Tensor, Tensor]:
        parts = self.parts
        weights = self.weights
        x = functional.embedding(tokens, weights.embedding)
        total = None
        middle = None
        for index, layer in enumerate(weights.layers):
            x, total = parts.add_norm(x, total, layer.before_attention, weights.eps)
            middle = total if index == self.layout.middle_layer else middle
            x = functional.linear(x, layer.into_attention, layer.into_attention_bias)
            if layer.query_norm is not None and layer.key_norm is not None:
                x = self._norm_heads(x, layer.query_norm, layer.key_norm, sin.shape[-1])
            query = parts.rotate_write(x, cos, sin, entries.data[index], entries.columns)
            if tap is not None:
                tap(index, (query * query.shape[-1] ** -0.5)[:, :, None], Limits())
            x = functional.linear(
                self._mix(query, entries, index), layer.from_attention, layer.from_attention_bias
            )
            x, total = parts.add_norm(x, total, layer.before_mlp, weights.eps)
            x = functional.linear(parts.gated(functional.linear(x, layer.into_mlp)), layer.from_mlp)
        assert middle is not None
        return parts.add_norm(x, total, weights.final, weights.eps)[0], middle

    @torch.inference_mode()
    def logits(self, states: Tensor) -> Tensor:
        """Return logits [B, V] of final states [B, C]."""
        return functional.linear(states, self.weights.head)

    def tables(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return cos and sin, float32 [N, D], of int64 positions [N]."""
        assert self.layout.rotary is not None
        return self.layout.rotary.tables(positions, 0)

    def _norm_heads(self, qkv: Tensor, query_norm: Tensor, key_norm: Tensor, dim: int) -> Tensor:
        """Return the joined projection [B, (H_q + 2 H_kv) D], queries and keys RMS-normed."""
        heads = qkv.view(len(qkv), -1, dim)
        kv_heads = self.layout.num_kv_heads
        turned = []
        for part, weight in (
            (heads[:, : -2 * kv_heads], query_norm),
            (heads[:, -2 * kv_heads : -kv_heads], key_norm),
        ):
            normed, _ = self.parts.add_norm(part.reshape(-1, dim), None, weight, self.weights.eps)
            turned.append(normed.view(part.shape))
        return torch.cat((*turned, heads[:, -kv_heads:]), 1).view(len(qkv), -1)

    def _mix(self, query: Tensor, entries: Entries, index: int) -> Tensor:
        """Return the attention output [B, H_q D] of one layer for rotated queries [B, H_q, D]."""
        block = entries.data[index]
        near = self._near(entries.shared, index)
        prior = None
        if near is None:
            prior = _prior(query, entries, index)
        elif entries.lead is not None:
            prior = partial.over_shared(query[:1], entries.lead, index)
        mixed: Tensor = self.parts.attend(
            query,
            block,
            entries.columns,
            prior,
            first=entries.common,
            width=block.shape[3] if entries.width is None else entries.width,
            shared=near,
            led=near is not None and entries.lead is not None,
        )
        return mixed

    def _near(self, shared: SharedKV | None, index: int) -> tuple[Tensor, Tensor] | None:
        """Return one layer of a shared block if it is small enough for `attend`, else None."""
        if shared is None or shared.bias is not None:
            return None
        if (
            shared.num_entries > self.parts.MOST_SHARED
            or shared.keys.stride()[-2] != shared.keys.shape[-1]
        ):
            return None
        return shared.keys[index], shared.values[index]


def parts_for(device: torch.device, dtype: torch.dtype, head_dim: int) -> ModuleType:
    """Return the module with the parts that suit a device, a precision and a head size."""
    try:
        if dtype in partial.FLASH and _tiles(head_dim) and can_launch(device):
            from warp_cortex.kernels import decode_triton as kernels

            return kernels
        if device.type == "cpu" and dtype in COMPILED:
            from warp_cortex.kernels import decode_cpu

            return decode_cpu
    # a torch without Triton, an installation without numba: the plain parts are right everywhere
    except ImportError:
        pass
    return decode_torch


def _tiles(head_dim: int) -> bool:
    """Whether heads of that size fit Triton's tiles: powers of two that a matrix unit takes."""
    return head_dim >= SMALLEST_TILE and head_dim & (head_dim - 1) == 0


def _prior(query: Tensor, entries: Entries, index: int) -> Partial | None:
    """Return attention to what comes before the agents' own tokens; None when there is nothing."""
    if entries.shared is None:
        return (
            partial.over_common(query, entries.data[index], entries.common)
            if entries.common
            else None
        )
    if entries.lead is None:
        return partial.over_shared(query, entries.shared, index)
    first = partial.over_shared(query[:1], entries.lead, index)
    rest = partial.over_shared(query[1:], entries.shared, index)
    return Partial(torch.cat((first.out, rest.out)), torch.cat((first.lse, rest.lse)))
