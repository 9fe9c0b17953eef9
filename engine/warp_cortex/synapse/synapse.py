"""The Synapse: immutable, versioned snapshots of a context's landmarks; one writer, many readers,
no copies.
"""

import threading
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from warp_cortex.cache.store import SharedKV
from warp_cortex.config import COMPOSABLE, SynapseConfig
from warp_cortex.context.context import Context
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.policies import LOOKING
from warp_cortex.landmarks.ranking import Ranking, rank
from warp_cortex.synapse.accumulator import EvidenceAccumulator
from warp_cortex.synapse.coresets import Coresets

# a snapshot ranks at least this many tokens, so that a viewer can move k without the engine
RANKED = 128
# from here on a context is followed incrementally, unless the configuration says otherwise
LONG = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What streams read: the landmarks of one context at one moment. It never changes.

    step: visible tokens at publication; every entry's position is below it and a stream's first
    token takes it. landmarks: sorted positions, int64 [K]. ranking: positions in pick order, of
    which the landmarks are the first K. radius: cover radius of the landmarks, in units of the
    chosen space; of an incremental snapshot an upper bound of it, in the units of the first one,
    made of the radius over the tokens considered and `slack` for all others. slack: 0 when every
    token was considered. evaluations: distances computed to choose, not saved.
    """

    version: int
    step: int
    kv: SharedKV
    landmarks: Tensor
    ranking: Tensor
    radius: float
    policy: str
    model: str
    checksum: str
    slack: float = 0.0
    evaluations: int = 0

    @property
    def num_bytes(self) -> int:
        """Bytes of the shared entries."""
        return self.kv.num_bytes


class Synapse:
    """Publishes snapshots; `current` is read without a lock, because it is replaced in one
    assignment.
    """

    def __init__(self, config: SynapseConfig, *, seed: int = 0) -> None:
        self.config = config
        self.seed = seed
        self.current: Snapshot | None = None
        self._coresets: Coresets | None = None
        self._accumulator: EvidenceAccumulator | None = None
        self._writer = threading.Lock()

    @property
    def num_bytes(self) -> int:
        """Bytes kept beside the current snapshot, so that the next one need not look at everything
        again.
        """
        return sum(
            0 if kept is None else kept.num_bytes for kept in (self._coresets, self._accumulator)
        )

    def is_stale(self, step: int) -> bool:
        """Tell whether a spawn at River step `step` needs a new snapshot first."""
        return self.current is None or step - self.current.step > self.config.max_age

    def follow(self, context: Context) -> None:
        """Glean what the next snapshot needs of the tokens read since the last call, in the shadow
        of the reading.

        Nothing depends on it but when the work is done.
        """
        with self._writer:
            gleans = (
                self.config.policy != "all"
                and self.config.policy not in LOOKING
                and self._is_whole(context)
            )
            if gleans and (self._coresets is None or not self._coresets.follows(context)):
                self._accumulated(context).take(context)

    def publish(self, context: Context) -> Snapshot:
        """Choose landmarks among what the context holds (and what the last snapshot remembers) and
        publish them.

        Raises:
            ValueError: k is larger than the context; `k` of the configuration is never lowered
            silently.
        """
        with self._writer:
            version = self.current.version + 1 if self.current is not None else 1
            source = remembering(context, self.current)
            self.current = self._choose(source, version)
            return self.current

    def _choose(self, context: Context, version: int) -> Snapshot:
        config = self.config
        spec = context.prism.spec
        slack = 0.0
        evaluations = 0
        if config.policy == "all":
            kv = context.store.share()
            order = context.positions
            landmarks = order
            radius = 0.0
        else:
            ranking, positions, rows, slack = self._rank(context, version)
            order = positions[ranking.order.to(positions.device)]
            chosen = ranking.landmarks(config.k).to(positions.device)
            landmarks = positions[chosen]
            radius = slack + float(ranking.radii[config.k - 1])
            kv = context.store.gather(rows[chosen])
            evaluations = ranking.evaluations
        return Snapshot(
            version=version,
            step=context.num_tokens,
            kv=kv,
            landmarks=landmarks.cpu(),
            ranking=order.cpu(),
            radius=radius,
            policy=config.policy,
            model=spec.name,
            checksum=spec.checksum,
            slack=slack,
            evaluations=evaluations if self._coresets is None else self._coresets.evaluations,
        )

    def _rank(self, context: Context, version: int) -> tuple[Ranking, Tensor, Tensor, float]:
        """Return a ranking, positions and cache rows of the tokens considered, and what leaving
        others out costs.
        """
        config = self.config
        rows = context.store.text_rows()
        check_k(config.k, rows.numel())
        ranked = min(rows.numel(), max(config.k, RANKED))
        if self._is_incremental(context):
            if self._coresets is None or not self._coresets.follows(context):
                self._coresets = Coresets(context, self._accumulated(context))
                self._accumulator = None  # the coresets stand for it from now on
            slack = self._coresets.slack
            return *self._coresets.choose(context, config, ranked=ranked), slack
        self._coresets = None
        ranking = rank(
            self._evidence(context),
            k=ranked,
            policy=config.policy,
            alpha=config.alpha,
            sinks=config.sinks,
            recent=config.recent,
            generator=Generator().manual_seed(self.seed + version),
        )
        return ranking, context.store.positions[rows], rows, 0.0

    def _is_incremental(self, context: Context) -> bool:
        """Tell whether the context is followed by coresets; a cache that has forgotten something
        never is.
        """
        wanted = self.config.incremental
        if wanted is None:
            wanted = self.config.policy in COMPOSABLE and context.num_tokens > LONG
        return wanted and self._is_whole(context)

    def _evidence(self, context: Context) -> Evidence:
        """Return what the policy looks at, from what was gleaned if the cache still holds
        everything.
        """
        if self.config.policy in LOOKING or not self._is_whole(context):
            self._accumulator = None
            return context.evidence(self.config.space)
        return self._accumulated(context).evidence(context)

    def _accumulated(self, context: Context) -> EvidenceAccumulator:
        """Return what was gleaned of this context, begun anew if it was another."""
        if self._accumulator is None or not self._accumulator.follows(context):
            self._accumulator = EvidenceAccumulator(context, self.config.space)
        return self._accumulator

    @staticmethod
    def _is_whole(context: Context) -> bool:
        """Tell whether the cache holds every visible token."""
        return context.store.text_rows().numel() == context.num_tokens


def check_k(k: int, num_tokens: int) -> None:
    """Raise a ValueError unless 1 <= k <= num_tokens."""
    if not 1 <= k <= num_tokens:
        msg = f"k must be between 1 and {num_tokens}, the tokens of this context, got {k}"
        raise ValueError(msg)


def remembering(context: Context, snapshot: Snapshot | None) -> Context:
    """Return the context with the snapshot's landmarks put back in place of entries the River no
    longer holds.

    With nothing evicted this is the context itself, and nothing is copied.
    """
    held = context.positions
    if snapshot is None or held.numel() == context.num_tokens:
        return context
    lost = ~torch.isin(snapshot.kv.positions, held)
    if not bool(lost.any()):
        return context
    rows = context.store.text_rows()
    here = context.store.gather(rows)
    positions = torch.cat((snapshot.kv.positions[lost], here.positions))
    order = positions.argsort()
    merged = context.prism.new_store(positions.numel())
    merged.data[:, 0] = torch.cat((snapshot.kv.keys[:, :, lost], here.keys), 2)[:, :, order]
    merged.data[:, 1] = torch.cat((snapshot.kv.values[:, :, lost], here.values), 2)[:, :, order]
    merged.commit(positions[order], 0)
    return context.over(merged)
