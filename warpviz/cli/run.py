"""Let a council of agents think over a text, and keep the trace.

Without flags: the bundled model on a bundled sample context. The same flags write the same trace,
byte for byte, with --lanes turns, which is the default.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warpviz.bench.harness import flags
from warpviz.cli.output import stdout_kept, write_error
from warpviz.cli.progress import shown_progress
from warpviz.cli.signals import INTERRUPTED

if TYPE_CHECKING:
    from warp_cortex import Cortex, CortexConfig, Prism

LANES = ("turns", "threads", "process")
EVENTS_FILE = "trace.jsonl"
_FOLLOWS = "follows the model; village"  # how a help text tells a default of the profiles


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `warpviz run`; where one is not given, the engine's default holds."""
    add = parser.add_argument
    add(
        "--model",
        default="village",
        help="bundled name, name of `warpviz model list`, GGUF file, folder or hub id (village)",
    )
    add("--prompt", metavar="FILE", help="text to read; - is standard input (a bundled sample)")
    add("--k", type=int, help="landmarks the streams share (64; of a shorter text all)")
    add("--alpha", type=float, help="0 covers the cache, 1 follows attention (0.3)")
    add("--policy", help=f"how landmarks are chosen ({_FOLLOWS}: hybrid; else keydiff)")
    add("--focus", type=int, metavar="N", help="landmarks more per stream, chosen by its task")
    _model_flags(parser)
    add("--streams", type=int, metavar="N", help="side streams at most; 0 for the River alone (64)")
    add("--max-tokens", type=int, metavar="N", help="tokens the River may write (240)")
    add(
        "--temperature",
        type=float,
        help="of the River; 0 takes the likeliest token (follows the model)",
    )
    add(
        "--window",
        type=int,
        metavar="N",
        help="bound the River's own cache to its first and its N latest tokens",
    )
    add(
        "--lanes",
        choices=LANES,
        default="turns",
        help="River and streams take turns (reproducibly), have a thread each, or the streams a "
        "process (turns)",
    )
    add("--seed", type=flags.seed, help="(0)")
    add("--device", default="cpu", help="where the model runs: cpu, cuda, cuda:1, ... (cpu)")
    add(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("out"),
        help="where trace.jsonl and trace.npz go (out)",
    )
    add("--json", action="store_true", help="print one JSON object at the end, and nothing else")


def _model_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags whose defaults follow the model: voice, triggers and gate."""
    add = parser.add_argument
    add(
        "--voice",
        help="how the engine speaks to the model: village, chat or plain (the model's own)",
    )
    add(
        "--trigger",
        action="append",
        metavar="NAMES",
        help="what opens streams: bracket, phrase, sentence, uncertain, schedule; several with "
        f"commas, or the flag again ({_FOLLOWS}: bracket,phrase; else all)",
    )
    add(
        "--theta",
        type=flags.theta,
        help="what a thought needs to pass the gate: -1 to 1, or auto, which measures it on "
        f"strangers ({_FOLLOWS}: 0.3; else auto)",
    )
    add(
        "--gate",
        metavar="SCORER",
        help="raw, centred, standardised, likelihood or off "
        f"({_FOLLOWS}: centred; else likelihood)",
    )


def settings(args: argparse.Namespace) -> "CortexConfig":
    """Return the engine's settings that the flags describe.

    Raises:
        ValueError: a value out of range or unknown; the message says what is accepted.
    """
    from warp_cortex import VOICES, CortexConfig

    if args.voice is not None and args.voice not in VOICES:
        msg = f"--voice {args.voice!r:.60} is unknown; accepted: {', '.join(VOICES)}"
        raise ValueError(msg)
    triggers = None
    if args.trigger is not None:
        triggers = tuple(name for names in args.trigger for name in names.split(","))
    config = CortexConfig() if args.seed is None else CortexConfig(seed=args.seed)
    off = args.gate == "off"
    gate = {
        "theta": args.theta,
        "scorer": None if off else args.gate,
        "enabled": False if off else None,
    }
    return replace(
        config,
        mode="cooperative" if args.lanes == "turns" else "concurrent",
        voice=args.voice,
        synapse=_given(
            config.synapse, k=args.k, alpha=args.alpha, policy=args.policy, focus=args.focus
        ),
        gate=_given(config.gate, **gate),
        router=_given(config.router, max_streams=args.streams, triggers=triggers),
        river=_given(
            config.river,
            max_tokens=args.max_tokens,
            window=args.window,
            temperature=args.temperature,
        ),
    )


def _given(config: Any, **values: Any) -> Any:
    return replace(config, **{name: value for name, value in values.items() if value is not None})


def execute(args: argparse.Namespace, *, clock: Callable[[], float] = time.perf_counter) -> int:
    """Run, save the trace as it grows, and report; return 0, or 130 if interrupted."""
    interrupts = args.interrupts
    with stdout_kept(wanted=args.json):
        prism, config, prompt = _prepared(args)
        with _cortex(prism, config, lanes=args.lanes) as cortex:
            start = clock()
            with interrupts.saving_first(cortex.stop):
                interrupted = _run(cortex, prompt, args.out, quiet=args.json)
            seconds = clock() - start
    if interrupted or interrupts.happened:
        state = "no trace yet"
        if cortex.saved_at is not None:
            state = f"the trace so far is in {_where(cortex, args.out)}"
        write_error("warpviz run", f"interrupted; {state}")
        return INTERRUPTED
    synapse = cortex.config.synapse
    k = None if synapse.chosen_policy == "all" else synapse.k
    summary = {**cortex.summary(), "k": k, "seconds": round(seconds, 3)}
    if args.json:
        sys.stdout.write(json.dumps(summary) + "\n")
    else:
        from warpviz.cli.report import report
        from warpviz.cli.terminal import Terminal

        is_own = args.theta is None and args.gate is None and args.voice is None
        said = report(summary, _where(cortex, args.out), is_own_theta=is_own)
        Terminal().write(said, "dim")
    return 0


def _prepared(args: argparse.Namespace) -> "tuple[Prism, CortexConfig, str]":
    """Return the model, the settings and the prompt; the folder is tried before the model loads.

    Nothing has happened yet that Ctrl-C would have to save, unless a model is being fetched.
    """
    with args.interrupts.ending_at_once("warpviz run: interrupted; no trace yet"):
        # Cortex and ProcessStreams are used later: an import would swallow a Ctrl-C there
        from warp_cortex import Cortex, Prism, ProcessStreams, try_folder  # noqa: F401 - see above

        from warpviz.cli.prompt import read_text

        config = settings(args)
        prompt = read_text(args.prompt)
        try_folder(args.out)
        with shown_progress() as shown:

            def progress(stage: str, done: int, total: int) -> None:
                args.interrupts.raising()  # what has come so far is to be removed
                shown(stage, done, total)

            prism = Prism.load(args.model, device=args.device, progress=progress)
    return prism, config, prompt


@contextmanager
def _cortex(prism: "Prism", config: "CortexConfig", *, lanes: str) -> "Iterator[Cortex]":
    """Yield a Cortex; the process of its streams, if they have one, ends with the block."""
    from warp_cortex import Cortex, ProcessStreams

    if lanes == "process":
        with ProcessStreams(device=str(prism.device)) as streams:
            yield Cortex(prism, config, streams=streams)
    else:
        yield Cortex(prism, config)


def _run(cortex: "Cortex", prompt: str, folder: Path, *, quiet: bool) -> bool:
    """Run to the end, on the terminal unless `quiet`; return whether Ctrl-C ended it.

    A run without an event, such as one that refuses its prompt, leaves an earlier trace in the
    folder as it is.
    """
    from warpviz.cli.terminal import Screen, Terminal

    screen = Screen(Terminal())
    try:
        with closing(cortex.run(prompt, save=folder)) as events:
            for event in events:
                if not quiet:
                    screen.show(event)
    except KeyboardInterrupt:
        return True
    finally:
        if not quiet:
            screen.end_line()
    return False


def _where(cortex: "Cortex", folder: Path) -> Path:
    """Return the folder of the trace, or its file if another run holds the usual name."""
    path = cortex.saved_at
    return folder if path is None or path == folder / EVENTS_FILE else path
