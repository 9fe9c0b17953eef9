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
from warp_cortex.model import probing
from warp_cortex.model.compatibility import decoder_layers, refuse_unsupported
from warp_cortex.model.decoder_check import decoder_for
from warp_cortex.model.detokenize import Detokenizer
from warp_cortex.model.forward_pass import Frame, Pass
from warp_cortex.model.spec import describe
from warp_cortex.voice.chat import Messages, chat_voice, has_template, render
from warp_cortex.voice.shipped import PLAIN
from warp_cortex.voice.voice import Voice


class SharedModel:
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
        refuse_unsupported(model)
        self._voice = voice
        training = model.training
        self.model = model.eval()
        self.tokenizer = tokenizer
        self._local = threading.local()
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        parameter = next(model.parameters())
        self.device = parameter.device
        self.dtype = parameter.dtype
        self.records_steps = self.device.type == "cuda"
        own = None if patch.is_attached(model) else probing.own_logits(self.model)
        self._attach(training=training)
        try:
            layout = probing.study(
                self.model, self._logits, middle_layer=self.middle_layer, own=own
            )
        except BaseException:  # also Ctrl-C: the model goes back as it was
            self.close()
            raise
        self.layout = layout
        self.rotary = layout.rotary
        self.source = source  # what `locate` returned; None for a model object of the user's
        self.spec = describe(self.model, layout, name=name, source=source)

    @cached_property
    def voice(self) -> Voice:
        """How one speaks to this model: what it was given, else by its tokenizer's template.

        Raises:
            ValueError: the chat template cannot be read; give a voice.
        """
        if self._voice is not None:
            return self._voice
        return chat_voice(self.tokenizer) if has_template(self.tokenizer) else PLAIN

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
            with torch.inference_mode():
                logits = self.model(
                    input_ids=ids,
                    position_ids=plan.positions,
                    past_key_values=cache,
                    use_cache=True,
                    warp=plan,
                ).logits
        finally:
            self._local.frame = None  # another Prism's hooks on this model must not write here
        assert frame.middle is not None
        assert frame.last is not None
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
        return decoder_for(self.model, self.layout, self._logits, self.new_store)

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

    def encode(self, text: str, *, start: bool = False) -> list[int]:
        """Return the ids of `text`; with `start`, the begin token comes first if the model has one.

        Raises:
            ValueError: the text is empty, or has characters that cannot be encoded.
        """
        if not text:
            msg = "the text is empty; give at least one character"
            raise ValueError(msg)
        # a lone surrogate would break the tokenizer
        clean = text.encode("utf-8", "replace").decode("utf-8")
        ids = list(self.tokenizer(clean, add_special_tokens=start)["input_ids"])
        if not ids:
            msg = f"the tokenizer makes no token of {text[:40]!r}; give a text it knows"
            raise ValueError(msg)
        return ids

    def opened(self, prompt: "str | Messages", voice: Voice) -> tuple[str, list[int]]:
        """Return the text that a run begins with, and its ids.

        prompt: a text, which the voice opens, or chat messages. A text that holds a special token
        of the tokenizer, a rendered template say, is taken as it is.

        Raises:
            ValueError: the text is empty, or the messages are not what the model's template takes.
            TypeError: neither a text nor messages.
        """
        if not isinstance(prompt, str):
            text = render(self.tokenizer, prompt)
        elif not prompt.strip() or self._is_rendered(prompt):
            text = prompt
        elif voice.before_task and has_template(self.tokenizer) and voice.name == "chat":
            text = render(self.tokenizer, [{"role": "user", "content": voice.open(prompt)}])
        else:
            text = voice.open(prompt)
        return text, self.encode(text, start=not self._is_rendered(text))

    def without_special_tokens(self, text: str) -> str:
        """Return a text in which no special token of the tokenizer is spelled out.

        What the River or a user wrote must not open or close a turn in a stream's prompt.
        """
        for token in self.tokenizer.all_special_tokens:
            text = text.replace(token, " ")
        return text

    def _is_rendered(self, text: str) -> bool:
        return any(token in text for token in self.tokenizer.all_special_tokens if len(token) > 1)

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids, without special tokens."""
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def pieces(self, ids: list[int]) -> list[str]:
        """Return the text that each id adds; joined, they are the whole text."""
        return Detokenizer(self.decode).push_all(ids)

    @property
    def stop_ids(self) -> frozenset[int]:
        """Ids that end a text."""
        found = {self.tokenizer.eos_token_id}
        listed = getattr(self.model.generation_config, "eos_token_id", None)
        found.update(listed if isinstance(listed, list) else [listed])
        return frozenset(i for i in found if i is not None)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the parameters and buffers, each storage once."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        return sum(
            {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values()
        )

    def close(self) -> None:
        """Remove the hooks and restore the model's own attention; closing again changes nothing."""
        for handle in self._handles:
            handle.remove()
        if self._handles:
            patch.detach(self.model)
        self._handles = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _attach(self, *, training: bool) -> None:
        layers = decoder_layers(self.model)
        head = self.model.get_output_embeddings()
        self.middle_layer = len(layers) // 2
        patch.attach(self.model, training=training)
        self._handles = [
            layers[self.middle_layer].register_forward_pre_hook(self._see_middle, with_kwargs=True),
            head.register_forward_pre_hook(self._see_last),
        ]

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
