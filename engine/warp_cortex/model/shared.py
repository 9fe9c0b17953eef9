"""The one loaded model that all agents share: the only caller of it."""

import threading
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from warp_cortex.attention import patch
from warp_cortex.attention.shared import Plan, Tap
from warp_cortex.cache.store import Cache, CacheView, Entries, KVStore
from warp_cortex.decode import graphs
from warp_cortex.decode.decoder import Decoder
from warp_cortex.decode.weights import HOOKS, num_hooks
from warp_cortex.model import probing
from warp_cortex.model.compatibility import (
    decoder_layers,
    refuse_strangers,
    refuse_unsupported,
    refuse_unusable_weights,
)
from warp_cortex.model.decoder_check import decoder_for
from warp_cortex.model.edits import WeightSums
from warp_cortex.model.forward_pass import Frame, Pass
from warp_cortex.model.probing import Own
from warp_cortex.model.spec import describe
from warp_cortex.model.tokenized import TokenizedModel
from warp_cortex.precision import own_precision
from warp_cortex.voice.voice import Voice


class SharedModel(TokenizedModel):
    """One model, one set of parameters, any number of agents.

    The model's attention is replaced and two hooks are attached until `close()`, or until the end
    of a `with` block. Two threads may call `forward` at once.

    records_steps: whether decode steps are recorded as CUDA graphs and replayed; True on CUDA.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Any,
        *,
        name: str = "model",
        source: str | None = None,
        voice: Voice | None = None,
    ) -> None:
        refuse_strangers(model, tokenizer)
        refuse_unsupported(model)
        refuse_unusable_weights(model)
        super().__init__(model, tokenizer, voice=voice)
        self._local = threading.local()
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        parameter = next(model.parameters())
        self.device = parameter.device
        self.dtype = parameter.dtype
        self.records_steps = self.device.type == "cuda"
        self.source = source  # what `locate` returned; None for a model object of the user's
        self._weights = WeightSums(model)
        layers = decoder_layers(model)
        self.middle_layer = len(layers) // 2
        ids = probing.probe_ids(model, tokenizer)
        self._own = Own(ids) if patch.is_attached(model) else probing.ask_model(model, ids)
        patch.attach(model)
        try:
            self._add_hooks(layers[self.middle_layer])
            self.layout = probing.study(
                model, self._logits, middle_layer=self.middle_layer, own=self._own
            )
            self.spec = describe(model, self.layout, name=name, source=source)
        except BaseException:  # also Ctrl-C: the model goes back as it was
            self._detach()
            raise
        self.rotary = self.layout.rotary

    def forward(
        self,
        ids: Tensor,
        plan: Plan,
        cache: Cache,
        *,
        last_rows: Tensor | None = None,
        every: bool = False,
    ) -> Pass:
        """Run the model over ids [B, T] at `plan.positions`, reading and writing `cache`.

        last_rows: int64 [B], the column of each sequence's last token; needed when the batch is
        padded on the right. every: also return the logits behind every token.
        """
        if not self._handles:
            msg = "this Prism is closed; load or wrap the model again"
            raise ValueError(msg)
        if (
            isinstance(cache, CacheView)
            and ids.shape[1] == 1
            and not every
            and (decoder := self.decoder) is not None
        ):
            entries = cache.entries(plan.shared)
            if entries is not None:
                positions = plan.positions[:, 0]
                return self.decode_step(decoder, ids[:, 0], positions, entries, tap=plan.tap)
        self._local.frame = frame = Frame(last_rows, every)
        try:
            with torch.inference_mode(), own_precision():
                logits = self.model(
                    input_ids=ids,
                    position_ids=plan.positions,
                    past_key_values=cache,
                    use_cache=True,
                    warp=plan,
                ).logits
        finally:
            self._local.frame = None  # another Prism's hooks on this model must not write here
        if frame.middle is None or frame.last is None:
            msg = (
                f"{type(self.model).__name__} does not run its decoder layers one after the other "
                "up to its vocabulary, so its states cannot be read"
            )
            raise ValueError(msg)
        if not every:
            return Pass(frame.middle, frame.last, logits[:, -1])
        rows = torch.arange(len(ids), device=ids.device)
        ends = logits[:, -1] if last_rows is None else logits[rows, last_rows]
        return Pass(frame.middle, frame.last, ends, every=logits)

    def decode_step(
        self,
        decoder: Decoder,
        tokens: Tensor,
        positions: Tensor,
        entries: Entries,
        *,
        tables: tuple[Tensor, Tensor] | None = None,
        tap: Tap | None = None,
    ) -> Pass:
        """Feed one token per agent through `decoder` and return the pass.

        tokens, positions: int64 [B]. tables: cos and sin, float32 [B, D], of the positions; None
        to compute them here. tap: see `Decoder.states`.
        """
        with own_precision():
            if self.records_steps and decoder.is_static:
                states, middle = graphs.states(decoder, tokens, positions, entries, tap=tap)
            else:
                cos, sin = decoder.tables(positions) if tables is None else tables
                states, middle = decoder.states(tokens, cos, sin, entries, tap=tap)
        return Pass(middle[:, None], states[:, None], states, decoder.logits)

    def _logits(self, ids: Tensor, plan: Plan, cache: Cache) -> Tensor:
        return self.forward(ids, plan, cache).logits

    @property
    def decoder(self) -> Decoder | None:
        """The compiled decode step of one token per agent; None if the model's own pass is needed.

        Models of other families, with adapters, quantised weights or hooks of the user's take their
        own forward pass.
        """
        decoder = self._decoder
        if decoder is None or not self._handles:
            return None
        return decoder if decoder.weights.are_current else None

    @cached_property
    def _decoder(self) -> Decoder | None:
        return decoder_for(self.model, self.layout, self._logits, self.new_store, self._own)

    def new_store(self, capacity: int = 256) -> KVStore:
        """Return an empty cache with this model's layout."""
        spec = self.spec
        return KVStore(
            num_layers=spec.num_layers,
            num_kv_heads=spec.num_kv_heads,
            head_dim=spec.head_dim,
            dtype=self.dtype,
            device=self.device,
            capacity=capacity,
        )

    def checksum(self, *, thorough: bool = False) -> str:
        """Return the checksum of the weights as they are now: the spec's until they are changed.

        thorough: also notice changes through `.data`, for the price of a decode step.
        """
        is_loaded = self._weights.changed(thorough=thorough) is None
        return self.spec.checksum if is_loaded else self._weights.digest()

    def refuse_edits(self) -> None:
        """Raise a ValueError if the model was changed since it was loaded: a weight, or by hooks.

        Another process would load it as it was, and think something else.
        """
        hooks = sum(num_hooks(module) for module in self.model.modules())
        if hooks != HOOKS * patch.num_holders(self.model):
            msg = (
                f"{self.spec.name!r} has hooks that another process does not have; remove them, or "
                "let streams think in this process"
            )
            raise ValueError(msg)
        if (name := self._weights.changed(thorough=True)) is not None:
            msg = (
                f"{self.spec.name!r} was changed after it was loaded (weight {name!r}), which "
                "another process cannot know; save the changed model and its tokenizer and load "
                "that folder, or let streams think in this process"
            )
            raise ValueError(msg)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the parameters and buffers, each storage once."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        return sum(
            {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values()
        )

    def close(self) -> None:
        """Remove the hooks and restore the model's own attention; closing again changes nothing."""
        if self._handles:
            self._detach()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _add_hooks(self, middle: nn.Module) -> None:
        head = self.model.get_output_embeddings()
        self._handles = [
            middle.register_forward_pre_hook(self._see_middle, with_kwargs=True),
            head.register_forward_pre_hook(self._see_last),
        ]

    def _detach(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []
        patch.detach(self.model)

    def _see_middle(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if (frame := getattr(self._local, "frame", None)) is not None:
            frame.middle = args[0] if args else kwargs["hidden_states"]

    def _see_last(self, _: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        frame = getattr(self._local, "frame", None)
        if frame is None:
            return args
        frame.last = args[0]
        if frame.every:
            return args
        if frame.last_rows is None:
            return (args[0][:, -1:],)
        return (args[0].take_along_dim(frame.last_rows[:, None, None], dim=1),)
