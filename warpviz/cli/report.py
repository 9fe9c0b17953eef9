"""What a run came to, in the lines that `warpviz run` ends with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warpviz.drawing.text import counted

GATED = ("accepted", "rejected")


def report(summary: Mapping[str, Any], folder: Path, *, is_own_theta: bool) -> str:
    """Return a run's summary as lines of text.

    is_own_theta: whether theta is that of the model's own profile, which was chosen for it.
    """
    shared = "all tokens" if summary["k"] is None else f"{summary['k']} landmarks"
    written = counted(summary["river_tokens"], "token")
    lines = [f"{written} written after {summary['prompt_tokens']} read, {summary['seconds']:.1f} s"]
    if summary["why_no_stream"] is None:
        injected = len(summary["injections"])
        num = counted(len(summary["streams"]), "stream")
        lines.append(f"{num} over {shared}: {_ends(summary)}; {injected} injected")
        kinds = ", ".join(f"{count} {name}" for name, count in summary["streams_by_kind"].items())
        lines.append(f"opened by: {kinds}{_dropped(summary)}")
    else:
        lines.append(f"no stream opened: {summary['why_no_stream']}")
    lines += _gate(summary, is_own_theta=is_own_theta)
    held = [f"{owner} {count / 1e6:.2f} MB" for owner, count in summary["bytes"].items()]
    lines += ["held: " + ", ".join(held), f"trace: {folder}"]
    return "\n" + "\n".join(lines) + "\n"


def _ends(summary: Mapping[str, Any]) -> str:
    """Return how many thoughts passed the gate and how many did not, then every other end."""
    ends = dict(summary["streams_by_end"])
    parts = [f"{ends.pop(name, 0)} {name}" for name in GATED]
    return ", ".join([*parts, *(f"{count} {name}" for name, count in ends.items())])


def _dropped(summary: Mapping[str, Any]) -> str:
    num = summary["num_dropped"]
    return f"; {counted(num, 'task')} dropped over a cap" if num else ""


def _gate(summary: Mapping[str, Any], *, is_own_theta: bool) -> list[str]:
    """Return the line on the gate's threshold, if there is something to say about it."""
    theta = summary["theta"]
    if summary["scorer"] == "off":
        return ["the gate was off: every thought passed"]
    if theta is None:
        return ["theta could not be measured: no stranger fits behind the text; nothing passed"]
    if summary["calibrated"]:
        if summary["share"] is None:
            return []
        accepts = f"it accepts {summary['share']:.0%} of strangers"
        return [f"theta {theta:.3g} ({summary['scorer']}), measured on this text: {accepts}"]
    if is_own_theta:
        return []
    return [
        f"theta {theta:.3g} was not calibrated for this model and text; --theta auto measures it"
    ]
