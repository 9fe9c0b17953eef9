"""Which models the engine can serve, and where their parts are."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from warp_cortex.attention.shared import Limits

# largest errors between two ways of computing the same logits
EXACT = 1e-3  # in float32
HALF = 0.1  # in half precision
MOST_SPREAD = 0.4  # in half precision, where the model's own ways differ as much


def decoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """Return the list of decoder layers.

    A model that also sees or hears may have other lists as long: the text decoder's comes first.

    Raises:
        ValueError: there is no list as long as the configuration says.
    """
    wanted = model.config.get_text_config().num_hidden_layers
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else None
    for part in (decoder, model):
        for module in part.modules() if isinstance(part, nn.Module) else ():
            if isinstance(module, nn.ModuleList) and len(module) == wanted:
                return module
    msg = (
        f"{type(model).__name__} has no list of {wanted} decoder layers; "
        "only decoder-only models are supported"
    )
    raise ValueError(msg)


def refuse_strangers(model: object, tokenizer: object) -> None:
    """Raise a TypeError for what is no transformers model, or no tokenizer."""
    if not isinstance(model, nn.Module) or not hasattr(model, "config"):
        named = f"{model!r:.60}" if isinstance(model, str) else type(model).__name__
        msg = (
            f"a Prism holds a transformers model, got {named}; "
            "Prism.load(name) loads one by its name"
        )
        raise TypeError(msg)
    if not callable(tokenizer) or not hasattr(tokenizer, "decode"):
        msg = (
            f"a Prism needs the model's tokenizer, got {type(tokenizer).__name__}; "
            "AutoTokenizer.from_pretrained(name) loads it"
        )
        raise TypeError(msg)


def refuse_unsupported(model: PreTrainedModel) -> None:
    """Raise a ValueError, with the reason, for a model whose cache this engine cannot read."""
    config = model.config.get_text_config()
    kind = type(model).__name__
    if getattr(config, "is_encoder_decoder", False):
        msg = f"{kind} is an encoder-decoder model; only decoder-only models are supported"
        raise ValueError(msg)
    if not getattr(model, "_supports_attention_backend", False):
        msg = (
            f"{kind} does not use transformers' attention interface, "
            "so its attention cannot be shared"
        )
        raise ValueError(msg)
    if model.get_output_embeddings() is None:
        msg = (
            f"{kind} has no vocabulary to write with; "
            "load the model with AutoModelForCausalLM.from_pretrained"
        )
        raise ValueError(msg)
    types = set(getattr(config, "layer_types", None) or ())
    if foreign := sorted(types - {"full_attention", "sliding_attention"}):
        listed = ", ".join(foreign)
        msg = (
            f"{kind} has {listed} layers, which keep no keys and values; "
            "only attention layers are supported"
        )
        raise ValueError(msg)


def refuse_unusable_weights(model: PreTrainedModel) -> None:
    """Raise a ValueError that names a weight which is not in memory, or not finite."""
    kind = type(model).__name__
    for name, weight in model.named_parameters():
        if weight.is_meta:
            msg = (
                f"{kind} has weights that are not in memory, {name!r} first (offloaded, or made on "
                "the meta device); load it whole on one device"
            )
            raise ValueError(msg)
    for name, weight in model.named_parameters():
        if type(weight.data) is Tensor and weight.is_floating_point() and weight.numel():
            low, high = torch.aminmax(weight.detach())
            if not bool(torch.isfinite(low) & torch.isfinite(high)):
                precision = str(weight.dtype).removeprefix("torch.")
                msg = f"{kind} has a weight that is not finite in {precision}: {name!r}"
                raise ValueError(msg)


def refuse_uneven(
    model: PreTrainedModel,
    entries: Mapping[int, tuple[Tensor, Tensor]],
    limits: Mapping[int, Limits],
) -> None:
    """Raise a ValueError for a model whose layers cache entries of different shapes, or share them.

    entries, limits: what each layer cached in one pass, and how it limited its attention there.
    """
    config = model.config.get_text_config()
    kind = type(model).__name__
    layers = set(range(config.num_hidden_layers))
    if set(entries) != layers or set(limits) != layers:
        cached = len(layers & set(entries) & set(limits))
        msg = (
            f"{kind} keeps keys and values of its own in {cached} of {len(layers)} layers; all must"
        )
        raise ValueError(msg)
    shapes = {tensor.shape for entry in entries.values() for tensor in entry}
    if len(shapes) > 1:
        listed = ", ".join(str(tuple(shape)) for shape in sorted(shapes))
        msg = (
            f"{kind} caches keys and values of different shapes ({listed}); "
            "only uniform ones are supported"
        )
        raise ValueError(msg)


def refuse_hidden_windows(
    model: PreTrainedModel, limits: Mapping[int, Limits], asked: set[int]
) -> None:
    """Raise a ValueError for a model whose sliding windows its attention does not get as keywords.

    limits: what each layer's attention got. asked: the windows that the model made masks for.
    """
    config = model.config.get_text_config()
    kind = type(model).__name__
    types = getattr(config, "layer_types", None) or []
    hidden = [
        layer
        for layer, name in enumerate(types)
        if name == "sliding_attention" and not limits[layer].window
    ]
    if hidden:
        msg = (
            f"{kind} does not pass the sliding window of layers {hidden} to its attention, "
            "so it cannot be honoured"
        )
        raise ValueError(msg)
    passed = {limit.window for limit in limits.values() if limit.window}
    if not types and asked != passed:  # a model with types makes the mask of each, needed or not
        found = f"{sorted(passed) or 'none'} to its attention but masks {sorted(asked) or 'none'}"
        msg = f"{kind} passes the sliding windows {found}, so they cannot be honoured"
        raise ValueError(msg)


def refuse_not_finite(model: PreTrainedModel, own: Tensor) -> None:
    """Raise a ValueError if the model's own logits [V] are not finite: it overflows by itself."""
    if not bool(torch.isfinite(own).all()):
        kind = type(model).__name__
        precision = str(own.dtype).removeprefix("torch.")
        msg = (
            f"{kind} writes logits that are not finite in {precision}, without this engine; "
            "load it in bfloat16 or float32"
        )
        raise ValueError(msg)


def refuse_unfaithful(
    model: PreTrainedModel, ours: Tensor, own: Tensor, *, spread: float = 0.0
) -> None:
    """Raise a ValueError if logits [V] through this engine differ from the model's own.

    spread: see `is_faithful`.
    """
    if not is_faithful(ours, own, spread=spread):
        kind = type(model).__name__
        msg = (
            f"{kind} gives other logits through shared-context attention "
            f"(relative difference {error(ours, own):.2g}): "
            "its attention does something this engine does not know"
        )
        raise ValueError(msg)


def is_faithful(ours: Tensor, own: Tensor, *, spread: float = 0.0) -> bool:
    """Return whether two ways gave the same logits [V], up to the rounding of their precision.

    spread: the error between the model's own ways in half precision, which round different sums. A
    model whose attention is another one is further off than `MOST_SPREAD`.
    """
    if own.dtype in {torch.float32, torch.float64}:
        return error(ours, own) <= EXACT
    return error(ours, own) <= max(HALF, min(2 * spread, MOST_SPREAD))


def error(ours: Tensor, own: Tensor) -> float:
    """Return the largest difference of logits [V], relative to the spread of `own`."""
    ours = ours.double()
    own = own.double()
    return float((ours - own).abs().max() / (own - own.mean()).abs().max().clamp_min(1e-12))
