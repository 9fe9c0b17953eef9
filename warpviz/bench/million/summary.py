"""Sums over the calls on a folder of thoughts, as a dict and as text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from warpviz.bench.million import worker
from warpviz.bench.million.shards import Shards
from warpviz.bench.million.worker import ThoughtNote


def totals(notes: Sequence[ThoughtNote], workers: int) -> dict[str, Any]:
    """Return the sums over the notes of all shards.

    peak_rss_bytes: this process' peak plus the largest peak of a worker for each of them.
    """
    processes = workers if workers > 1 else 0  # one worker is this process
    return {
        "finished": sum(note.agents for note in notes),
        "task_tokens": sum(note.task_tokens for note in notes),
        "thought_tokens": sum(note.thought_tokens for note in notes),
        "ended": sum(note.ended for note in notes),
        "accepted": sum(note.accepted for note in notes),
        "cpu_seconds": sum(note.cpu_seconds for note in notes),
        "peak_rss_bytes": worker.peak_bytes()
        + processes * max((note.peak_bytes for note in notes), default=0),
    }


def summary(record: dict[str, Any], shards: Shards) -> dict[str, Any]:
    """Return sums and rates over all calls on a folder.

    finished: agents whose results are in the folder. All other counts, and the rates, are of the
    agents whose calls are on record. Tokens are those that agents fed: tasks and thoughts.
    """
    calls = record["calls"]
    total = {
        name: sum(call[name] for call in calls)
        for name in ("task_tokens", "thought_tokens", "ended", "accepted", "seconds", "cpu_seconds")
    }
    timed = sum(call["finished"] for call in calls)
    tokens = total["task_tokens"] + total["thought_tokens"]
    seconds = total["seconds"] or float("inf")
    missing = shards.missing()
    last = calls[-1] if calls else {}
    return {
        "agents": shards.agents,
        "finished": shards.agents - sum(len(shards.members(number)) for number in missing),
        "timed_agents": timed,
        **total,
        "tokens": tokens,
        "agent_tokens_per_s": tokens / seconds,
        "thought_tokens_per_s": total["thought_tokens"] / seconds,
        "agents_per_s": timed / seconds,
        "tokens_per_cpu_s": tokens / (total["cpu_seconds"] or float("inf")),
        "peak_rss_bytes": max((call["peak_rss_bytes"] for call in calls), default=0),
        "slots": last.get("slots", 0) * last.get("workers", 0),
        "calls": calls,
        "plan": record["plan"],
        "missing": len(missing),
    }


def text_of(found: dict[str, Any], folder: Path) -> str:
    """Return the summary in a few lines."""
    memory = found["peak_rss_bytes"] / 2**20
    fed = f"{found['tokens']:,} tokens fed in {found['seconds']:,.0f} s"
    parts = f"{found['task_tokens']:,} of tasks, {found['thought_tokens']:,} of thoughts"
    rate = f"{found['agent_tokens_per_s']:,.0f} agent-tokens/s"
    thought_rate = f"{found['thought_tokens_per_s']:,.0f} of them thought"
    core_rate = f"{found['tokens_per_cpu_s']:,.0f} per second of one core"
    accepted = f"{found['accepted']:,} thoughts would pass the gate"
    lines = (
        f"{found['finished']:,} of {found['agents']:,} agents finished",
        f"{fed}: {parts}",
        f"{rate}, {thought_rate}; {core_rate}",
        f"{accepted}; {memory:,.0f} MiB resident at most",
        f"results: {folder}" + ("; repeat the call to go on" if found["missing"] else ""),
    )
    return "\n".join(lines)
