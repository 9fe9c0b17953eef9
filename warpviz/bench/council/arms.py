"""What each arm answers to a world's question: a River alone, and one with a stream's thought."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from warp_cortex import Context, CortexConfig, Prism, Stream, SynapseConfig, Trace
from warp_cortex.agents.river import River
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.run.record import Record
from warp_cortex.run.run import Run, focus_of, prompt_of
from warp_cortex.synapse.synapse import Synapse
from warp_cortex.thoughts.injection import Injector
from warp_cortex.thoughts.verification import as_statement, read_each
from warp_cortex.voice.profiles import settle_for

from warpviz.bench.council.worlds import World

FULL = "River, full cache"
ALONE = "River, window alone"
EVERY = "every token"
PART = 8  # the share of landmarks is one in so many
MOST = 24  # tokens of an answer
SINKS = 4
LEAST = 32  # landmarks
BRIEFLY = "Answer in one short sentence."


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way for a stream to see the text. policy: "all" is every token. focus: landmarks."""

    policy: str
    focus: int = 0

    @property
    def name(self) -> str:
        """What the tables call it."""
        if self.policy == "all":
            return EVERY
        return f"{self.policy} + {self.focus} focus" if self.focus else self.policy


def measured(prism: Prism, world: World, arms: list[Arm], *, window: int) -> dict[str, Any]:
    """Return every arm's answer to a world's question, by name, with what the judge says.

    The River's cache holds the last `window` tokens; a stream is asked the same question over what
    its arm sees. If its thought passes a calibrated gate, it is injected before the River answers.
    """
    text = asked(prism, world)
    _, ids = prism.opened(text, prism.voice)
    base = Context(prism)
    base.read(ids)
    config = settle_for(CortexConfig(), prism.voice, len(ids))
    measured_gate = _calibrated(prism, config, base)
    theta = measured_gate["theta"]
    bounded = base.fork()
    bounded.evict(sinks=SINKS, window=window)
    alone = _answer(bounded.fork())
    whole = _answer(base.fork())
    rows = {
        FULL: {"answer": whole, "judged": world.judge(whole), "likelihood": _score(base, whole)},
        ALONE: {"answer": alone, "judged": world.judge(alone), "likelihood": _score(base, alone)},
    }
    answers: dict[str, str] = {}
    thoughts = _thoughts(prism, config, base, arms, world.question)
    for arm, thought in zip(arms, thoughts, strict=True):
        score = _score(base, thought)
        is_accepted = score >= theta and _is_thought(prism, thought, world.question)
        answer = alone
        if is_accepted:
            if thought not in answers:
                answers[thought] = _answer(_with(bounded, config, thought))
            answer = answers[thought]
        rows[arm.name] = {
            "thought": thought,
            "thought_judged": world.judge(thought),
            "likelihood": score,
            "accepted": is_accepted,
            "answer": answer,
            "judged": world.judge(answer),
        }
    return {"key": world.key, "tokens": len(ids), **measured_gate, "arms": rows}


def asked(prism: Prism, world: World) -> Any:
    """Return what the River reads: the text and the question, as a chat where the model has one."""
    if prism.voice.name == "chat":
        return [{"role": "user", "content": f"{world.text}\n\n{world.question} {BRIEFLY}"}]
    return f"{world.text}{prism.voice.before_task}{world.question}{prism.voice.after_task}"


def _calibrated(prism: Prism, config: CortexConfig, base: Context) -> dict[str, Any]:
    """Return the gate's threshold, and the likelihoods of strangers and of own sentences."""
    river = River(prism, config.river, context=base.fork(), sinks=SINKS, seed=0)
    runner = LocalRunner(prism, config.streams, seed=0)
    run = Run(prism, config, river, runner, Synapse(config.synapse), record=Record(Trace()))
    found = run.calibrate()
    if found is None:
        return {"theta": 1.0, "strangers": [], "own": []}
    return {
        "theta": found.theta,
        "strangers": found.similarities[found.scorer],
        "own": found.own,
    }


def _thoughts(
    prism: Prism, config: CortexConfig, base: Context, arms: list[Arm], question: str
) -> list[str]:
    """Return what a stream of each arm thinks, all in one batch.

    They share the sinks by reference; each has the rest of what its arm sees as entries of its own,
    which is the same to attention.
    """
    shared = Synapse(SynapseConfig(policy="streaming", k=SINKS, sinks=SINKS, recent=0))
    sinks = shared.publish(base)
    streams_config = replace(config.streams, slots=len(arms))
    runner = LocalRunner(prism, streams_config, seed=0)
    streams = []
    for number, arm in enumerate(arms, start=1):
        prompt = prompt_of(prism, config, question, "task")
        stream = Stream(number, question, "task", (0, 0), sinks.version, prompt)
        rows = _seen(base, arm, stream)
        rows = rows[rows >= SINKS]
        stream.focus = rows.tolist()
        runner.open(stream, sinks, focus=base.store.gather(rows))
        streams.append(stream)
    while not runner.is_idle:
        runner.step()
    return [prism.voice.finish(stream.text) for stream in streams]


def _seen(base: Context, arm: Arm, stream: Stream) -> Tensor:
    """Return the rows of a whole context that a stream of an arm sees, int64 [K], sorted."""
    if arm.policy == "all":
        return torch.arange(base.num_tokens)
    k = max(LEAST, base.num_tokens // PART)
    snapshot = Synapse(SynapseConfig(policy=arm.policy, k=k)).publish(base)
    if arm.focus:
        focus_of(base, stream, snapshot, arm.focus)
    return torch.tensor(sorted({*snapshot.landmarks.tolist(), *stream.focus}))


def _is_thought(prism: Prism, thought: str, question: str) -> bool:
    """Tell whether a run would judge a thought at all."""
    voice = prism.voice
    says = not voice.is_nothing(thought) and not voice.repeats(thought, question)
    return bool(thought) and says and not thought.endswith("?")


def _score(base: Context, text: str) -> float:
    ids = base.prism.encode(as_statement(text)) if text else []
    return read_each(base, [ids])[0][0] if ids else 0.0


def _with(bounded: Context, config: CortexConfig, thought: str) -> Context:
    context = bounded.fork()
    Injector(context, config.injection).inject(thought, stream=1)
    return context


def _answer(context: Context) -> str:
    prism = context.prism
    text = ""
    for _ in range(MOST):
        assert context.logits is not None
        token = int(context.logits.argmax())
        if token in prism.stop_ids:
            break
        text += context.write(token)
        if "\n" in text.strip():
            break
    return text.strip()
