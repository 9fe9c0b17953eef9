"""A model's weights arranged for decode steps, which join the products that read the same input.

The modules' parameters become views of the arranged tensors, so nothing is held twice and the model
works as before.
"""

import threading
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from warp_cortex.attention import patch
from warp_cortex.attention.layout import Layout
from warp_cortex.attention.rotary import Rotary

FAMILIES = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM")
PRODUCTS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "lm_head")
HOOKS = 2  # that every Prism attaches to the model it holds
_JOINING = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One decoder layer; products are stored as [out, in], and a bias is None without one."""

    before_attention: Tensor  # [C]
    into_attention: Tensor  # [(H_q + 2 H_kv) D, C]
    into_attention_bias: Tensor | None
    query_norm: Tensor | None  # [D], of every head, where the model has one
    key_norm: Tensor | None  # [D]
    from_attention: Tensor  # [C, H_q D]
    from_attention_bias: Tensor | None
    before_mlp: Tensor  # [C]
    into_mlp: Tensor  # [2 I, C], gate above up
    from_mlp: Tensor  # [C, I]


@dataclass(frozen=True, slots=True, eq=False)
class FusedWeights:
    """Everything a step reads.

    embedding, head: [V, C], the same tensor when the model ties them. final: [C], the last norm.
    modules, parameters: the table, the name in it, and the object that stood there when the weights
    were arranged; of a parameter also the address of its memory.
    """

    embedding: Tensor
    layers: tuple[Layer, ...]
    final: Tensor
    head: Tensor
    eps: float
    model: PreTrainedModel
    modules: tuple[tuple[dict[str, nn.Module | None], str, nn.Module], ...]
    parameters: tuple[tuple[dict[str, nn.Parameter | None], str, nn.Parameter, int], ...]

    @property
    def are_current(self) -> bool:
        """Whether the model computes what is written out: no part replaced, moved or hooked."""
        hooks = num_hooks(self.model)
        for table, name, module in self.modules:
            if table.get(name) is not module or "forward" in module.__dict__:
                return False
            hooks += num_hooks(module)
        if any(
            table.get(name) is not part or part.data_ptr() != start
            for table, name, part, start in self.parameters
        ):
            return False
        return hooks == HOOKS * patch.num_holders(self.model)


def unfusable(model: PreTrainedModel, layout: Layout) -> str | None:
    """Return why a model cannot take decode steps written out here, or None if it can."""
    config = model.config.get_text_config()
    kind = type(model).__name__
    if kind not in FAMILIES:
        return f"{kind} is none of {', '.join(FAMILIES)}"
    if config.hidden_act != "silu" or getattr(config, "mlp_bias", False):
        return f"its MLP is not a plain gated SiLU ({config.hidden_act})"
    if any(limit.window is not None or limit.softcap is not None for limit in layout.limits):
        return "it has sliding-window layers or caps its scores"
    rotary = layout.rotary
    if (
        rotary is None
        or rotary.layout != "half"
        or rotary.bare
        or _partial(rotary, layout.head_dim, model.device)
    ):
        return "its rotary layout is not rotate-half over the whole head of every layer"
    if (kind_of_rope := config.rope_parameters.get("rope_type", "default")) in {
        "dynamic",
        "longrope",
    }:
        return f"its rotary embedding depends on the length ({kind_of_rope})"
    return _odd_module(model)


def fuse(model: PreTrainedModel, layout: Layout) -> FusedWeights:
    """Arrange a model's weights for decode steps; doing it again moves nothing.

    Raises:
        ValueError: the model is of a family whose arithmetic is not written out here; see
            `unfusable`.
    """
    if (reason := unfusable(model, layout)) is not None:
        msg = f"{type(model).__name__} cannot take fast steps: {reason}"
        raise ValueError(msg)
    body = model.model
    head = model.get_output_embeddings()
    with _JOINING:  # lanes have threads of their own
        layers = tuple(_layer(layer) for layer in body.layers)
    return FusedWeights(
        embedding=body.embed_tokens.weight.detach(),
        layers=layers,
        final=body.norm.weight.detach(),
        head=head.weight.detach(),
        eps=float(body.norm.variance_epsilon),
        model=model,
        modules=tuple(
            (parent._modules, name, child)  # noqa: SLF001 - the table itself is compared
            for parent in model.modules()
            for name, child in parent.named_children()
        ),
        parameters=tuple(
            (module._parameters, name, part, part.data_ptr())  # noqa: SLF001 - as above
            for module in model.modules()
            for name, part in module.named_parameters(recurse=False)
        ),
    )


def _layer(layer: Any) -> Layer:
    mixing = layer.self_attn
    mlp = layer.mlp
    heads = (mixing.q_proj, mixing.k_proj, mixing.v_proj)
    bias = None if mixing.q_proj.bias is None else _join([part.bias for part in heads])
    norms = [getattr(mixing, name, None) for name in ("q_norm", "k_norm")]
    return Layer(
        before_attention=layer.input_layernorm.weight.detach(),
        into_attention=_join([part.weight for part in heads]),
        into_attention_bias=bias,
        query_norm=None if norms[0] is None else norms[0].weight.detach(),
        key_norm=None if norms[1] is None else norms[1].weight.detach(),
        from_attention=mixing.o_proj.weight.detach(),
        from_attention_bias=mixing.o_proj.bias,
        before_mlp=layer.post_attention_layernorm.weight.detach(),
        into_mlp=_join([mlp.gate_proj.weight, mlp.up_proj.weight]),
        from_mlp=mlp.down_proj.weight.detach(),
    )


@torch.no_grad()
def _join(parts: list[nn.Parameter]) -> Tensor:
    """Return the parameters below each other in one tensor, of which each is a view from now on."""
    first = parts[0].data
    shape = (sum(len(part) for part in parts), *first.shape[1:])
    starts = [sum(part.numel() for part in parts[:i]) for i in range(len(parts))]
    offset = first.storage_offset()
    if all(
        part.data.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        and part.data.storage_offset() == offset + start
        for part, start in zip(parts, starts, strict=True)
    ):
        return first.as_strided(shape, first.stride())
    whole = torch.cat([part.data for part in parts])
    for part, view in zip(parts, torch.split(whole, [len(part) for part in parts]), strict=True):
        part.data = view
    return whole


def num_hooks(module: nn.Module) -> int:
    """Return how many forward hooks one module has, every Prism's own included."""
    hooks = module.__dict__
    return len(hooks["_forward_hooks"]) + len(hooks["_forward_pre_hooks"])


def _odd_module(model: PreTrainedModel) -> str | None:
    """Return which part is not as its family has it (an adapter, a quantised product), or None."""
    parameters = list(model.parameters())
    if len({(part.device, part.dtype) for part in parameters}) > 1:
        return "its weights are on several devices or in several precisions"
    for name, module in model.named_modules():
        is_product = name.rsplit(".", 1)[-1] in PRODUCTS
        if (is_product and type(module) is not nn.Linear) or "forward" in module.__dict__:
            return f"{name} is a {type(module).__name__} with a forward pass of its own"
    return None


def _partial(rotary: Rotary, head_dim: int, device: torch.device) -> bool:
    """Whether only a part of each head's components is rotated."""
    cos, _ = rotary.tables(torch.zeros(1, dtype=torch.long, device=device), 0)
    return cos.shape[-1] != head_dim
