"""A context: a text the model has read and may go on writing, with its cache and states."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warp_cortex.attention.shared import Plan, Tap
from warp_cortex.cache.growing import GrowingRows
from warp_cortex.cache.store import TEXT, AppendView, KVStore
from warp_cortex.context import points as context_points
from warp_cortex.context.queries import QueryLog
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.policies import NEEDS
from warp_cortex.model.detokenize import MAX_UNFINISHED, Detokenizer, special_names
from warp_cortex.precision import in_own_precision

if TYPE_CHECKING:
    from warp_cortex.model.forward_pass import Pass
    from warp_cortex.model.shared import SharedModel


class Context:
    """Tokens, cache entries and states of one text.

    `ids` and `tokens` hold every visible token. The cache may hold fewer (`evict`), and may hold
    injected thoughts, which are never visible.
    """

    def __init__(
        self, prism: "SharedModel", *, query_window: int = 32, capacity: int = 256
    ) -> None:
        self.prism = prism
        self.store: KVStore = prism.new_store(capacity)
        self.ids: list[int] = []
        self.tokens: list[str] = []
        self.queries = QueryLog(window=query_window)
        self.logits: Tensor | None = None  # [V], after the last visible token
        self.last: Tensor | None = None  # [C], the last layer's state of the last visible token
        self._detokenizer = Detokenizer(prism.decode)
        self._middle = GrowingRows()

    @property
    def num_tokens(self) -> int:
        """Visible tokens so far; also the position of the next one."""
        return len(self.ids)

    @property
    def next_position(self) -> int:
        """The position the next visible token takes: thoughts never move it."""
        return len(self.ids)

    @property
    def text(self) -> str:
        """The visible text."""
        return "".join(self.tokens)

    @property
    def labels(self) -> dict[int, str]:
        """Names of the special tokens that add no text, by position: begin tokens, role marks."""
        names = special_names(self.prism.tokenizer)
        pairs = enumerate(zip(self.ids, self.tokens, strict=True))
        return {at: names[id_] for at, (id_, text) in pairs if not text and id_ in names}

    @property
    def positions(self) -> Tensor:
        """Positions of the visible tokens whose entries are held, int64 [T]."""
        return self.store.positions[self.store.text_rows()]

    @property
    def kinds(self) -> list[str]:
        """What each cache entry is: text or injected."""
        tags = self.store.tags[: self.store.length].tolist()
        return ["text" if tag == TEXT else "injected" for tag in tags]

    @property
    def middle(self) -> Tensor:
        """Middle-layer states of all visible tokens, [T, C] in the model's dtype."""
        return self._middle.rows

    def read(
        self,
        ids: list[int],
        *,
        chunk: int = 2048,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        is_whole: bool = False,
    ) -> bool:
        """Append visible tokens in chunks; return False if `should_stop` ended it early.

        What was read until then stays. progress: called with the tokens read and those to be read.
        is_whole: the ids are those of a whole text, so that no character goes on behind them.

        Raises:
            ValueError: an id is none of the model's, or the text would run past its last position.
        """
        self.prism.check_ids(ids)
        self.check_room(len(ids))
        start = self.num_tokens
        self.store.reserve(len(ids))
        for offset in range(0, len(ids), chunk):
            if should_stop is not None and should_stop():
                return False
            piece = ids[offset : offset + chunk]
            self.queries.plan(offset, len(piece), len(ids))
            self._append(piece, reading=True)
            if progress is not None:
                progress(self.num_tokens - start, len(ids))
        if is_whole and self.tokens:
            self.tokens[-1] += self._detokenizer.flush()
        return True

    @in_own_precision
    def write(self, token: int) -> str:
        """Append one visible token and return the text it adds.

        Raises:
            ValueError: the token would run past the model's last position.
        """
        self.check_room(1)
        self.queries.plan(0, 1, 1)
        self._append([token], reading=False)
        return self.tokens[-1]

    def check_room(self, num_tokens: int) -> None:
        """Raise a ValueError if that many more tokens run past the model's last position."""
        limit = self.prism.spec.max_positions
        if self.num_tokens + num_tokens > limit:
            wanted = self.num_tokens + num_tokens
            msg = (
                f"{wanted} tokens do not fit: {self.prism.spec.name} has {limit} positions; "
                f"shorten the text by {wanted - limit} tokens"
            )
            raise ValueError(msg)

    def encode_at(self, ids: list[int], places: range, *, tag: int) -> "Pass":
        """Append entries for `ids` at any positions under `tag`.

        Visible tokens, their positions and the logits stay.
        """
        view, out = self._forward(ids, places, tag=tag, tap=None)
        view.commit()
        return out

    def reread(self, position: int, *, tap: Tap) -> "Pass":
        """Append the entries of the visible token at `position` once more, with another tap.

        Text, states and the queries kept from the first time stay as they are.
        """
        view, out = self._forward(
            [self.ids[position]], range(position, position + 1), tag=TEXT, tap=tap
        )
        view.commit()
        return out

    def adopt(self, store: KVStore, reread: "Sequence[Pass]") -> None:
        """Replace the cache by another one of the same text.

        reread: the passes that read its last tokens again, whose states replace those from before.
        """
        if reread:
            states = torch.cat([out.middle[0] for out in reread])
            self._middle = self._middle.replaced(self.num_tokens - len(states), states)
            self.logits = reread[-1].logits[0]
            self.last = reread[-1].last[0, -1]
        self.store = store

    def evict(self, *, sinks: int, window: int) -> None:
        """Hold only the first `sinks` and last `window` visible entries, and every injected one."""
        rows = self.store.text_rows()
        # a quarter more than the window is let grow, so that a token costs O(1)
        if rows.numel() <= sinks + window + window // 4:
            return
        tags = self.store.tags[: self.store.length]
        keep = torch.cat((rows[:sinks], rows[-window:], (tags != TEXT).nonzero().flatten()))
        self.store.keep(keep.sort().values)

    @in_own_precision
    def points(
        self,
        space: str = "keys",
        *,
        layer: int | None = None,
        head: int | str | None = None,
        centre: bool = True,
    ) -> Tensor:
        """Return the held visible tokens as a point cloud, float32 [T, P].

        space: `keys` without their rotation, `rotated` keys, `values`, or `hidden` states.
        layer: one layer, or None for all, each scaled to unit mean square.
        head: one KV head, None for all, concatenated, or "mean".
        centre: whether the mean of the points is subtracted.

        Raises:
            ValueError: unknown space, no such layer or head, or `keys` of a model without rotary
                positions.
        """
        return context_points.points(self, space, layer=layer, head=head, centre=centre)

    @in_own_precision
    def attention(self) -> Tensor:
        """Return the attention [W, T] of the last W tokens, mean over layers and heads."""
        return context_points.attention(self)[0]

    @in_own_precision
    def received(self) -> Tensor:
        """Return the mean attention [T] each held token receives from the queries that see it.

        The queries are those captured: see `QueryLog`.
        """
        return context_points.attention(self)[1]

    @in_own_precision
    def evidence(
        self,
        space: str = "keys",
        *,
        layer: int | None = None,
        needs: Collection[str] = NEEDS,
    ) -> Evidence:
        """Return what landmark policies choose by.

        space, layer: as for `points`. needs: which of "keys", "attention" and "received" are
        computed; all of them by default.
        """
        return context_points.evidence(self, space, layer=layer, needs=needs)

    def fork(self) -> "Context":
        """Return an independent copy."""
        other = Context(self.prism, query_window=self.queries.window, capacity=1)
        other.store = self.store.fork()
        other.queries = self.queries.fork()
        other.ids = list(self.ids)
        other.tokens = list(self.tokens)
        other.logits = self.logits
        other.last = self.last
        other._middle = self._middle.fork()
        other._detokenizer = self._detokenizer.fork()
        return other

    def truncated(self, num_tokens: int, store: KVStore) -> "Context":
        """Return an independent copy of the first visible tokens, over a cache of them."""
        other = Context(self.prism, query_window=self.queries.window, capacity=1)
        other.store = store
        other.queries = self.queries.fork()
        other.ids = self.ids[:num_tokens]
        other.tokens = self.tokens[:num_tokens]
        other._middle = self._middle.first(num_tokens)
        other._detokenizer.push_all(other.ids[-2 * MAX_UNFINISHED :])
        return other

    def over(self, store: KVStore) -> "Context":
        """Return this text with another cache of it; states and queries are shared, not copied."""
        other = Context(self.prism, query_window=self.queries.window, capacity=1)
        other.store = store
        other.queries = self.queries
        other.ids = self.ids
        other.tokens = self.tokens
        other.logits = self.logits
        other.last = self.last
        other._middle = self._middle
        return other

    def _append(self, ids: list[int], *, reading: bool) -> None:
        places = range(self.num_tokens, self.num_tokens + len(ids))
        view, out = self._forward(ids, places, tag=TEXT, tap=self.queries.tap)
        self._middle.append(out.middle[0])
        self.queries.commit(
            torch.arange(places.start, places.stop, device=self.prism.device), reading=reading
        )
        self.tokens += self._detokenizer.push_all(ids)
        self.ids += ids
        self.logits = out.logits[0]
        self.last = out.last[0, -1]
        # last: another thread, or a cell run after Ctrl-C, finds states for every entry
        view.commit()

    def _forward(
        self, ids: list[int], places: range, *, tag: int, tap: Tap | None
    ) -> "tuple[AppendView, Pass]":
        """Run tokens at `places` after everything held; their entries are not committed yet."""
        device = self.prism.device
        positions = torch.arange(places.start, places.stop, device=device)
        view = self.store.view(positions, tag=tag)
        start = self.store.length
        held = torch.cat((self.store.positions[:start], positions))
        plan = Plan(positions[None], held[None], causal=True, past=start, span=places.stop, tap=tap)
        return view, self.prism.forward(torch.tensor([ids], device=device), plan, view)
