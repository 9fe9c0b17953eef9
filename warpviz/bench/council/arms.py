"""What each arm answers to a world's question: a River alone, and one with a stream's thought."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from warp_cortex import Context, CortexConfig, GateConfig, Prism, Stream, SynapseConfig, Trace
from warp_cortex.agents.river import River
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.config import AUTO
from warp_cortex.run.judging import no_thought
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
    # one gate for all models: that of the village's profile judges only the topic
    verified = CortexConfig(gate=GateConfig(scorer="likelihood", theta=AUTO))
    config = settle_for(verified, prism.voice, len(ids))
    run = _run(prism, config, base)
    measured_gate = _calibrated(run)
    theta = measured_gate["theta"]
    bounded = base.fork()
    bounded.evict(sinks=SINKS, window=window)
    alone = _answer(prism, bounded.fork(), config)
    whole = _answer(prism, base.fork(), config)
    rows = {
        FULL: {"answer": whole, "judged": world.judge(whole), "likelihood": _score(base, whole)},
        ALONE: {"answer": alone, "judged": world.judge(alone), "likelihood": _score(base, alone)},
    }
    answers: dict[str, str] = {}
    thoughts = _thoughts(prism, config, base, arms, world.question)
    for arm, thought in zip(arms, thoughts, strict=True):
        score = _score(base, thought)
        is_accepted = score >= theta and not no_thought(run, thought, world.question, "task")
        answer = alone
        if is_accepted:
            if thought not in answers:
                answers[thought] = _answer(prism, _with(bounded, config, thought), config)
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


def _run(prism: Prism, config: CortexConfig, base: Context) -> Run:
    """Return a run whose River has read the text and written nothing: its gate is used here."""
    river = River(prism, config.river, context=base.fork(), sinks=SINKS, seed=0)
    runner = LocalRunner(prism, config.streams, seed=0)
    return Run(prism, config, river, runner, Synapse(config.synapse), record=Record(Trace()))


def _calibrated(run: Run) -> dict[str, Any]:
    """Return the gate's threshold, and the likelihoods of strangers and of own sentences."""
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


def _score(base: Context, text: str) -> float:
    ids = base.prism.encode(as_statement(text)) if text else []
    return read_each(base, [ids])[0][0] if ids else 0.0


def _with(bounded: Context, config: CortexConfig, thought: str) -> Context:
    context = bounded.fork()
    Injector(context, config.injection).inject(thought, stream=1)
    return context


def _answer(prism: Prism, context: Context, config: CortexConfig) -> str:
    """Return the first line that a River writes behind a context, its likeliest words."""
    settings = replace(config.river, temperature=0.0, max_tokens=MOST)
    river = River(prism, settings, context=context, sinks=SINKS, seed=0)
    while river.why_done() is None and "\n" not in river.text.strip() and river.step():
        pass
    return river.text.strip()
