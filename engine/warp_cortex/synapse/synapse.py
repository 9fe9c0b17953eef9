"""The Synapse: publishes immutable, versioned snapshots of a context's landmarks.

One thread writes, any number read, and no snapshot is copied.
"""

import threading
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from warp_cortex.cache.store import SharedKV
from warp_cortex.config import SynapseConfig
from warp_cortex.context.context import Context
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.policies import ALL, find_policy
from warp_cortex.landmarks.ranking import Ranking, rank
from warp_cortex.precision import in_own_precision
from warp_cortex.synapse.accumulator import EvidenceAccumulator
from warp_cortex.synapse.coresets import Coresets

RANKED = 128  # tokens that a snapshot ranks at least: a viewer can move k without the engine
LONG = 4096  # tokens above which a context is followed incrementally, unless settings say otherwise


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What streams read: the landmarks of one context at one moment. It never changes.

    step: visible tokens at publication; every entry's position is below it, and a stream's first
        token takes it.
    kv: the landmarks' keys and values.
    landmarks: sorted positions, int64 [K].
    ranking: positions in pick order, int64 [R], of which the landmarks are the first K.
    radius: cover radius of the landmarks, in units of the chosen space. Of an incremental snapshot
        it is an upper bound in the units of the first snapshot: the radius over the tokens
        considered, plus `slack` for all others.
    slack: 0 when every token was considered.
    evaluations: how many distances were computed to choose; not saved.
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
    """Publishes snapshots of a context.

    `current` is read without a lock, because it is replaced in one assignment.
    """

    def __init__(self, config: SynapseConfig, *, seed: int = 0) -> None:
        self.config = config
        self.seed = seed
        self._policy = find_policy(config.chosen_policy)
        self.current: Snapshot | None = None
        self._coresets: Coresets | None = None
        self._accumulator: EvidenceAccumulator | None = None
        self._writer = threading.Lock()

    @property
    def num_bytes(self) -> int:
        """Bytes of the coresets and the accumulated evidence that the next snapshot uses."""
        held = (self._coresets, self._accumulator)
        return sum(part.num_bytes for part in held if part is not None)

    def is_stale(self, step: int) -> bool:
        """Return whether a spawn at River step `step` needs a new snapshot first."""
        return self.current is None or step - self.current.step > (self.config.max_age or 0)

    def follow(self, context: Context) -> None:
        """Accumulate evidence of the tokens read since the last call; an optimisation only.

        Called during prefill it leaves less work to the first snapshot, which is the same without.
        """
        with self._writer:
            if self.config.chosen_policy == ALL or not self._can_accumulate(context):
                return
            if self._coresets is None or not self._coresets.follows(context):
                self._accumulated(context).take(context)

    @in_own_precision
    def publish(self, context: Context) -> Snapshot:
        """Choose landmarks and publish them as a new version.

        They are chosen among the tokens that the context or the last snapshot holds.

        Raises:
            ValueError: k is larger than the context; it is never lowered silently.
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
        if config.chosen_policy == ALL:
            kv = context.store.share()
            order = context.positions
            landmarks = order
            radius = 0.0
        else:
            ranking, positions, rows, slack = self._rank(context, version)
            order = positions[ranking.order.to(positions.device)]
            chosen = ranking.landmarks(config.chosen_k).to(positions.device)
            landmarks = positions[chosen]
            radius = slack + float(ranking.radii[config.chosen_k - 1])
            kv = context.store.gather(rows[chosen])
            evaluations = ranking.evaluations
        return Snapshot(
            version=version,
            step=context.num_tokens,
            kv=kv,
            landmarks=landmarks.cpu(),
            ranking=order.cpu(),
            radius=radius,
            policy=config.chosen_policy,
            model=spec.name,
            checksum=context.prism.checksum(),
            slack=slack,
            evaluations=evaluations if self._coresets is None else self._coresets.evaluations,
        )

    def _rank(self, context: Context, version: int) -> tuple[Ranking, Tensor, Tensor, float]:
        """Return a ranking, and positions and cache rows of the tokens considered, and the slack.

        The slack is how much larger the radius of all tokens can be than that of those considered.
        """
        config = self.config
        rows = context.store.text_rows()
        check_k(config.chosen_k, rows.numel())
        ranked = min(rows.numel(), max(config.chosen_k, RANKED))
        if self._is_incremental(context):
            if self._coresets is None or not self._coresets.follows(context):
                self._coresets = Coresets(context, self._accumulated(context))
                self._accumulator = None  # spent: the coresets have its moments
            slack = self._coresets.slack
            return *self._coresets.choose(context, config, ranked=ranked), slack
        self._coresets = None
        ranking = rank(
            self._evidence(context),
            k=ranked,
            policy=config.chosen_policy,
            alpha=config.alpha,
            sinks=config.sinks,
            recent=config.recent,
            generator=Generator().manual_seed(self.seed + version),
        )
        return ranking, context.store.positions[rows], rows, 0.0

    def _is_incremental(self, context: Context) -> bool:
        """Return whether the context is followed by coresets.

        A cache that no longer holds every visible token never is.
        """
        wanted = self.config.incremental
        if wanted is None:
            wanted = self._policy.composes and context.num_tokens > LONG
        return wanted and self._is_whole(context)

    def _evidence(self, context: Context) -> Evidence:
        """Return the evidence the policy needs, the accumulated one if possible."""
        if not self._can_accumulate(context):
            self._accumulator = None
            return context.evidence(self.config.space, needs=self._policy.needs)
        return self._accumulated(context).evidence(context)

    def _accumulated(self, context: Context) -> EvidenceAccumulator:
        """Return the accumulator of this context, a new one if it was of another."""
        if self._accumulator is None or not self._accumulator.follows(context):
            self._accumulator = EvidenceAccumulator(
                context, self.config.space, received="received" in self._policy.needs
            )
        return self._accumulator

    def _can_accumulate(self, context: Context) -> bool:
        return self._policy.accumulates and self._is_whole(context)

    @staticmethod
    def _is_whole(context: Context) -> bool:
        """Return whether the cache holds every visible token."""
        return context.store.text_rows().numel() == context.num_tokens


def check_k(k: int, num_tokens: int) -> None:
    """Raise a ValueError unless 1 <= k <= num_tokens."""
    if not 1 <= k <= num_tokens:
        msg = f"k must be between 1 and {num_tokens}, the tokens of this context, got {k}"
        raise ValueError(msg)


def remembering(context: Context, snapshot: Snapshot | None) -> Context:
    """Return the context with the snapshot's landmarks put back where they were evicted.

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
