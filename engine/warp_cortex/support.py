"""Which models the engine can serve, and where their parts are."""

from torch import Tensor, nn
from transformers import PreTrainedModel

from warp_cortex.kv import Cache


class FirstLayer(Cache):  # type: ignore[misc] # transformers is untyped here
    """A cache that keeps nothing but the first layer's key, to learn the layout from."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.key: Tensor | None = None
        self.num_layers = 0

    def update(self, key: Tensor, value: Tensor, layer_idx: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Note the layer and hand its entries straight to the attention."""
        self.key = key if layer_idx == 0 else self.key
        self.num_layers = max(self.num_layers, layer_idx + 1)
        return key, value

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 - transformers' signature
        """Return 0: the pass starts a text."""
        return 0


def decoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """Return the list of decoder layers.

    Raises:
        ValueError: there is no list as long as the configuration says.
    """
    wanted = model.config.get_text_config().num_hidden_layers
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == wanted:
            return module
    msg = f"{type(model).__name__} has no list of {wanted} decoder layers; only decoder-only models are supported"
    raise ValueError(msg)


def refuse_unsupported(model: PreTrainedModel) -> None:
    """Raise a ValueError that says why, for a model whose cache this engine cannot read."""
    config = model.config.get_text_config()
    kind = type(model).__name__
    if getattr(config, "is_encoder_decoder", False):
        msg = f"{kind} is an encoder-decoder model; only decoder-only models are supported"
        raise ValueError(msg)
    if not getattr(model, "_supports_attention_backend", False):
        msg = f"{kind} does not use transformers' attention interface, so its attention cannot be shared"
        raise ValueError(msg)
    types = set(getattr(config, "layer_types", None) or ())
    if foreign := sorted(types - {"full_attention", "sliding_attention"}):
        listed = ", ".join(foreign)
        msg = f"{kind} has {listed} layers, which keep no keys and values; only attention layers are supported"
        raise ValueError(msg)
