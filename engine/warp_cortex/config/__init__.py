"""Settings of an engine: frozen dataclasses; a bad value is named, with what is accepted."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from warp_cortex.config.checks import Settings, choice, several, template, texts, whole, within

# names of landmark policies, and of those that may be incremental: set by landmarks/policies.py,
# which `import warp_cortex` runs before anything else
POLICIES: tuple[str, ...] = ()
COMPOSABLE: tuple[str, ...] = ()
SCORERS = ("raw", "centred", "standardised", "likelihood", "verdict")
AUTO = "auto"  # a theta that is measured when a run begins
ANCHORS = ("next", "past", "gap")
TRIGGERS = ("bracket", "phrase", "sentence", "uncertain", "schedule")
TEXT_TRIGGERS = ("bracket", "phrase")  # those that read tasks out of the River's own words
MOST_SEED = 2**32 - 1  # a stream's generator gets about a million times the seed, in 64 bits
SPACES = ("keys", "rotated", "values", "hidden")


@dataclass(frozen=True, slots=True, kw_only=True)
class SynapseConfig(Settings):
    """Which tokens become landmarks.

    k counts all shared tokens, with the `sinks` first and `recent` last ones, which are always
    kept. alpha weighs attention against coverage (0 farthest-point, 1 attention only); below 0.5
    the cover radius is certified. `focus` more landmarks per stream are chosen with the attention
    of its own task. `max_age` is how many River tokens a snapshot may be behind before a spawn
    publishes a new one. With `incremental` only the first snapshot considers the whole
    context; later ones cost in proportion to the tokens since, and their radius is a certified
    upper bound (`synapse/coresets.py`). None means True for contexts of more than 4,096 tokens, if
    the policy allows it. What is None follows the model's profile in a run (k, policy, focus); else
    k is 64, the policy "hybrid", and no focus landmark is chosen.
    """

    k: int | None = None
    policy: str | None = None
    alpha: float = 0.3
    space: str = "keys"
    sinks: int = 4
    recent: int = 16
    focus: int | None = None
    query_window: int = 32
    max_age: int | None = None
    incremental: bool | None = None

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if self.k is not None:
            whole("k", self.k, least=1)
        if self.policy is not None:
            choice("policy", self.policy, POLICIES)
        within("alpha", self.alpha, 0, 1)
        choice("space", self.space, SPACES)
        for name in ("sinks", "recent"):
            whole(name, getattr(self, name), least=0)
        for name in ("focus", "max_age"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), least=0)
        whole("query_window", self.query_window, least=1)
        if self.incremental is not None and not isinstance(self.incremental, bool):
            msg = f"incremental must be True, False or None, got {self.incremental!r}"
            raise TypeError(msg)
        if self.incremental and self.chosen_policy not in COMPOSABLE:
            msg = (
                f"incremental needs a policy that composes ({' or '.join(COMPOSABLE)}), "
                f"got {self.policy!r}"
            )
            raise ValueError(msg)

    @property
    def chosen_k(self) -> int:
        """How many landmarks, where nothing has filled it in from a model's profile 64."""
        return 64 if self.k is None else self.k

    @property
    def chosen_policy(self) -> str:
        """The policy, where nothing has filled it in from a model's profile "hybrid"."""
        return self.policy or "hybrid"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig(Settings):
    """When a thought is accepted: its similarity under `scorer` is at least `theta`.

    theta is in [-1, 1]: a cosine, or the probability per token for "likelihood" and of the model's
    own yes for "verdict". "auto"
    measures it when a run begins, so that at most the share `share` of thoughts that do not belong
    to the text would pass. None takes theta and scorer of the model's profile.
    """

    theta: float | str | None = None
    scorer: str | None = None
    enabled: bool = True
    share: float = 0.05

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if self.theta is not None and self.theta != AUTO:
            within("theta", self.theta, -1, 1)  # type: ignore[arg-type] # other texts are refused
        if self.scorer is not None:
            choice("scorer", self.scorer, SCORERS)
        within("share", self.share, 0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiverConfig(Settings):
    """How the main agent writes.

    window: its cache keeps the sinks and that many recent tokens; None keeps everything.
    temperature: 0 takes the likeliest token; None is the profile's, else 0.5, which stops the
    bundled model from repeating itself without costing an answer (`python -m
    warpviz.village.evaluate.loops`). The run's seed decides what is drawn.
    """

    max_tokens: int = 240
    temperature: float | None = None
    repetition_penalty: float = 1.0
    window: int | None = None
    prefill_chunk: int = 2048

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        whole("max_tokens", self.max_tokens, least=0)
        if self.temperature is not None:
            within("temperature", self.temperature, 0, 100)
        within("repetition_penalty", self.repetition_penalty, 1, 10)
        whole("prefill_chunk", self.prefill_chunk, least=1)
        if self.window is not None:
            whole("window", self.window, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig(Settings):
    """How side agents think: `slots` at once, each up to `max_tokens` tokens after its prompt.

    prompt: what a stream reads for every kind of task. stop: texts that end a thought. Whatever is
    None is that of the model's voice and profile.
    """

    max_tokens: int | None = None
    slots: int = 16
    temperature: float = 0.0
    prompt: str | None = None
    stop: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if self.max_tokens is not None:
            whole("streams.max_tokens", self.max_tokens, least=1)
        whole("slots", self.slots, least=1)
        within("streams.temperature", self.temperature, 0, 100)
        if self.prompt is not None:
            template("streams.prompt", self.prompt, slot="task")
        if self.stop is not None:
            object.__setattr__(self, "stop", texts("streams.stop", self.stop))


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterConfig(Settings):
    """What the Router watches for, and how many agents it may open.

    triggers: several of `TRIGGERS`; None takes the profile's. implicit: False leaves out "phrase".
    every: tokens between two tasks of "schedule". quantile: of entropies, for "uncertain".
    """

    enabled: bool = True
    implicit: bool = True
    max_streams: int = 64
    max_rate: float = 0.5
    max_task_chars: int = 200
    triggers: tuple[str, ...] | None = None
    every: int = 48
    quantile: float = 0.9

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if self.triggers is not None:
            object.__setattr__(self, "triggers", several("triggers", self.triggers, TRIGGERS))
        whole("router.every", self.every, least=1)
        within("router.quantile", self.quantile, 0, 1)
        whole("max_streams", self.max_streams, least=0)
        within("max_rate", self.max_rate, 0, 1)
        whole("max_task_chars", self.max_task_chars, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectionConfig(Settings):
    """How accepted thoughts, written as `template` or as the voice does, enter the cache.

    anchor: which positions they take (None: the profile's, else "next"). back: how many of the last
    visible tokens are read again behind a thought (None: the profile's, else 0).
    """

    enabled: bool = True
    anchor: str | None = None
    back: int | None = None
    template: str | None = None
    max_tokens: int = 512

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if self.anchor is not None:
            choice("anchor", self.anchor, ANCHORS)
        if self.back is not None:
            whole("injection.back", self.back, least=0)
        whole("injection.max_tokens", self.max_tokens, least=0)
        if self.template is not None:
            template("injection.template", self.template, slot="thought")


@dataclass(frozen=True, slots=True, kw_only=True)
class CortexConfig(Settings):
    """Everything a run depends on besides the model and the prompt.

    voice: a `Voice`, the name of one that ships, or None for the model's own. What is None in any
    part follows the model (`voice/profiles.py`).
    """

    seed: int = 0
    mode: str = "cooperative"
    voice: Any = None
    river: RiverConfig = field(default_factory=RiverConfig)
    streams: StreamConfig = field(default_factory=StreamConfig)
    synapse: SynapseConfig = field(default_factory=SynapseConfig)
    router: RouterConfig = field(default_factory=RouterConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    injection: InjectionConfig = field(default_factory=InjectionConfig)

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        whole("seed", self.seed, least=0, most=MOST_SEED)
        choice("mode", self.mode, ("cooperative", "concurrent"))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as nested JSON-ready dicts."""
        voice = self.voice
        record = asdict(replace(self, voice=None))
        record["voice"] = voice.to_dict() if hasattr(voice, "to_dict") else voice
        for part, name in (("streams", "stop"), ("router", "triggers")):
            if record[part][name] is not None:
                record[part][name] = list(record[part][name])
        return record
