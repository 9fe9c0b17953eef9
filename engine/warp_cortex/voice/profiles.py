"""Profiles: the settings that follow the model, each with the measurement that chose it."""

from dataclasses import dataclass, replace
from typing import Any

from warp_cortex.config import AUTO, CortexConfig, StreamConfig
from warp_cortex.voice.shipped import VOICES
from warp_cortex.voice.voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a run uses where its settings say None.

    theta, scorer: of the gate. triggers: of the Router. policy: of the Synapse. thought_tokens:
        the most a stream may think. temperature: of the River.
    whole: texts of up to so many tokens are shared whole, by reference. part: of the tokens of a
        longer text become landmarks; focus: as many more are chosen for each stream by its task.
    max_age: of a snapshot, in River tokens. anchor, back: of an injection.
    """

    theta: float | str
    scorer: str
    triggers: tuple[str, ...]
    policy: str
    thought_tokens: int
    temperature: float = 0.5
    whole: int = 0
    part: float = 0.0
    focus: int = 0
    max_age: int = 0
    anchor: str = "next"
    back: int = 0


# theta and scorer of the village: `python -m warpviz.village.evaluate.gating` (Youden's J on
# labelled thoughts). Those of real models: "draft and verify" (see `thoughts.verification`), which
# tells right values from wrong ones where the cosine does not. Their streams read what the River
# was given and nothing that it wrote, or they would repeat its last sentence. Of twelve claims
# about two texts of 900 tokens a small model answered 3 with a sentence of the text where it saw
# every token, 1 over 256 landmarks and 64 of its own, 0 over 128 and 64: so a text is shared
# whole, at no cost in memory, as long as attention to it is cheap. Of landmarks for an eighth of a
# text keydiff answers most (`warpviz council`, 42 facts in prose: 17 %; hybrid 7, SnapKV 5, the
# others 2; every token 48, a River with its full cache 86).
VILLAGE = Profile(
    theta=0.3,
    scorer="centred",
    triggers=("bracket", "phrase"),
    policy="hybrid",
    thought_tokens=24,
)
REAL = Profile(
    theta=AUTO,
    scorer="likelihood",
    triggers=("bracket", "phrase", "sentence", "schedule"),
    policy="keydiff",
    thought_tokens=40,
    temperature=0.0,
    whole=2048,
    part=1 / 4,
    focus=64,
    max_age=1 << 30,
    anchor="past",
    back=6,
)
PROFILES = {"village": VILLAGE}


def profile_of(voice: Voice) -> Profile:
    """Return the profile of a voice: the village's for its own, that of real models for others."""
    return PROFILES.get(voice.name, REAL)


def voice_of(config: CortexConfig, voice: Voice) -> Voice:
    """Return the voice that settings name or hold, else the model's own.

    Raises:
        ValueError: no voice of that name ships.
        TypeError: neither a name nor a Voice.
    """
    if config.voice is None:
        return voice
    if isinstance(config.voice, Voice):
        return config.voice
    if config.voice == voice.name:
        return voice  # with what the model's own template writes around a question
    if config.voice in VOICES:
        return VOICES[config.voice]
    known = ", ".join(VOICES)
    msg = f"voice must be a Voice or one of {known}, got {config.voice!r:.60}"
    raise (ValueError if isinstance(config.voice, str) else TypeError)(msg)


def settle(config: CortexConfig, model_voice: Voice) -> CortexConfig:
    """Return the settings with every None replaced by the profile of the voice they use."""
    voice = voice_of(config, model_voice)
    profile = profile_of(voice)
    if config.gate.scorer == "verdict":
        voice.doubt("")  # refused now if it cannot ask
    return replace(
        config,
        voice=voice,
        streams=settle_streams(config.streams, voice),
        synapse=_filled(
            config.synapse, policy=profile.policy, focus=profile.focus, max_age=profile.max_age
        ),
        river=_filled(config.river, temperature=profile.temperature),
        router=_filled(config.router, triggers=profile.triggers),
        gate=_filled(config.gate, theta=profile.theta, scorer=profile.scorer),
        injection=_filled(
            config.injection, template=voice.reference, anchor=profile.anchor, back=profile.back
        ),
    )


def settle_for(given: CortexConfig, model_voice: Voice, num_tokens: int) -> CortexConfig:
    """Return the settings as `settle` does, with the landmarks for a text of so many tokens.

    A text that is short for the profile is shared whole if neither policy nor k was given. A k that
    was not is 64 or the profile's part of the text, the larger, and at most all tokens.
    """
    settled = settle(given, model_voice)
    if given.synapse.k is not None:
        return settled
    profile = profile_of(settled.voice)
    policy = settled.synapse.policy
    if given.synapse.policy is None and num_tokens <= profile.whole:
        policy = "all"
    k = max(settled.synapse.chosen_k, round(profile.part * num_tokens))
    synapse = replace(settled.synapse, policy=policy, k=min(k, num_tokens))
    return replace(settled, synapse=synapse)


def settle_streams(config: StreamConfig, voice: Voice) -> StreamConfig:
    """Return settings of streams with every None replaced, the prompt excepted.

    A prompt of None stays: what a stream reads depends on the kind of its task (`Voice.ask`).
    """
    most = profile_of(voice).thought_tokens
    settled: StreamConfig = _filled(config, stop=voice.stops, max_tokens=most)
    return settled


def _filled(config: Any, **values: Any) -> Any:
    """Return a dataclass with its fields of None set."""
    missing = {name: value for name, value in values.items() if getattr(config, name) is None}
    return replace(config, **missing) if missing else config
