"""Probing a model with a few tokens: its cache layout, and whether it is served faithfully."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from warp_cortex.attention import patch
from warp_cortex.attention.layout import Layout
from warp_cortex.attention.rotary import find_rotary, probe_layout
from warp_cortex.attention.shared import Limits, Plan, Tap, UnplannedError, windows_asked
from warp_cortex.cache.store import Cache, SharedKV
from warp_cortex.model import compatibility
from warp_cortex.precision import own_precision

NUM_TOKENS = 8
POSITION = 7
TEXT = "The lamp stands on the table, and the key lies under the old red book by the window."

# ids [B, T], a plan and a cache in; logits [B, V] after each sequence's last token out
Forward = Callable[[Tensor, Plan, Cache], Tensor]


class Probe(Cache):  # type: ignore[misc] # transformers is untyped here
    """A cache for one pass that starts a text; it keeps what each layer would have cached."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.entries: dict[int, tuple[Tensor, Tensor]] = {}

    def update(
        self, key: Tensor, value: Tensor, layer_idx: int, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Keep the layer's entries and return them to the attention."""
        self.entries[layer_idx] = (key, value)
        return key, value

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 - transformers' signature
        """Return 0: the pass starts a text."""
        return 0

    def keys(self) -> list[Tensor]:
        """Return every layer's keys [H_kv, T, D] of the one sequence."""
        return [key[0] for _, (key, _) in sorted(self.entries.items())]


@dataclass(frozen=True, slots=True)
class Own:
    """What the model itself makes of the probe's tokens.

    ids: int64 [1, NUM_TOKENS]. logits: [V] after the last one; None where another Prism holds the
    model, which was compared then. spread: the error between its own ways of computing attention.
    """

    ids: Tensor
    logits: Tensor | None = None
    spread: float = 0.0


def ask_model(model: PreTrainedModel, ids: Tensor) -> Own:
    """Return the logits of the probe's tokens by the model's own attention, and their spread.

    Raises:
        ValueError: the logits are not finite.
    """
    with patch.kept_as_it_is(model):
        model.eval()
        logits = _own_logits(model, ids)
        compatibility.refuse_not_finite(model, logits)
        if logits.dtype in {torch.float32, torch.float64}:
            return Own(ids, logits)
        now = patch.attention_of(model)
        try:
            model.set_attn_implementation("sdpa" if now == "eager" else "eager")
        except (ValueError, ImportError):  # it has one way only
            return Own(ids, logits)
        return Own(ids, logits, spread=compatibility.error(_own_logits(model, ids), logits))


def _own_logits(model: PreTrainedModel, ids: Tensor) -> Tensor:
    with torch.inference_mode(), own_precision():
        logits: Tensor = model(input_ids=ids, use_cache=False).logits[0, -1]
    return logits


def study(model: PreTrainedModel, forward: Forward, *, middle_layer: int, own: Own) -> Layout:
    """Return the layout of a model's cache.

    forward: a pass through this engine's attention. middle_layer: the index of the layer whose
    input is the state that the Gate reads.

    Raises:
        ValueError: the model would not be served faithfully; the message says why.
    """
    limits: dict[int, Limits] = {}
    ids = own.ids
    try:
        with windows_asked() as asked:
            seen, logits = _read(
                forward, ids, 0, tap=lambda layer, _, limit: limits.update({layer: limit})
            )
    except UnplannedError as error:
        msg = (
            f"{type(model).__name__} does not hand keywords on to its attention, "
            "so nothing can be shared there"
        )
        raise ValueError(msg) from error
    compatibility.refuse_uneven(model, seen.entries, limits)
    compatibility.refuse_hidden_windows(model, limits, asked)
    if own.logits is not None:
        compatibility.refuse_unfaithful(model, logits, own.logits, spread=own.spread)
    halves = _read_half_shared(forward, ids, seen)
    compatibility.refuse_unfaithful(model, halves, logits, spread=own.spread)
    kv_heads, _, head_dim = seen.keys()[0].shape
    types = getattr(model.config.get_text_config(), "layer_types", None)
    rotary = find_rotary(model, tuple(types) if types else None)
    if rotary is not None:
        first, later = (_read(forward, ids[:, :1], at)[0].keys() for at in (0, POSITION))
        rotary = probe_layout(rotary, first, later, POSITION)
    return Layout(
        num_layers=len(seen.entries),
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        middle_layer=middle_layer,
        rotary=rotary,
        limits=tuple(limits[layer] for layer in sorted(limits)),
    )


def _read(
    forward: Forward, ids: Tensor, first: int, *, tap: Tap | None = None
) -> tuple[Probe, Tensor]:
    """Read a text that begins at position `first`; return what would be cached, and logits [V]."""
    where = torch.arange(first, first + ids.shape[1], device=ids.device)[None]
    seen = Probe()
    logits = forward(ids, Plan(where, where, causal=True, span=where.shape[1], tap=tap), seen)
    return seen, logits[0]


def _read_half_shared(forward: Forward, ids: Tensor, seen: Probe) -> Tensor:
    """Return the logits [V] of the same text when its first half is a block of shared entries."""
    half = ids.shape[1] // 2
    keys, values = (
        torch.stack([entry[i][0, :, :half] for _, entry in sorted(seen.entries.items())])
        for i in (0, 1)
    )
    where = torch.arange(ids.shape[1], device=ids.device)
    shared = SharedKV(keys, values, where[:half])
    rest = where[None, half:]
    plan = Plan(rest, rest, shared=shared, causal=True, span=ids.shape[1])
    return forward(ids[:, half:], plan, Probe())[0]


def probe_ids(model: PreTrainedModel, tokenizer: Any) -> Tensor:
    """Return the tokens that a model is probed with, int64 [1, NUM_TOKENS], on its device.

    They are ordinary words: in half precision a model may be chaotic on tokens that it was never
    trained on. A tokenizer that does not serve the model gets the first ids instead.
    """
    device = next(model.parameters()).device
    rows = model.get_input_embeddings().weight.shape[0]
    try:
        found = list(tokenizer(TEXT)["input_ids"])[:NUM_TOKENS]
    except Exception:  # noqa: BLE001 - a tokenizer may be any object; reading a text will say why
        found = []
    if len(found) < NUM_TOKENS or not all(isinstance(i, int) and 0 <= i < rows for i in found):
        found = [i % rows for i in range(3, 3 + NUM_TOKENS)]
    return torch.tensor([found], device=device)
