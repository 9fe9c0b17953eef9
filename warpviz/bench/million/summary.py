"""What the calls on a folder of thoughts add up to, and how it is told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from warpviz.bench.million import worker
from warpviz.bench.million.shards import Shards
from warpviz.bench.million.worker import ThoughtNote


def tally(notes: Sequence[ThoughtNote], workers: int) -> dict[str, Any]:
    """Return what the notes of all shards add up to. peak_rss_bytes: this process' peak and those
    of the others.
    """
    beside = workers if workers > 1 else 0
    return {
        "finished": sum(note.agents for note in notes),
        "task_tokens": sum(note.task_tokens for note in notes),
        "thought_tokens": sum(note.thought_tokens for note in notes),
        "ended": sum(note.ended for note in notes),
        "accepted": sum(note.accepted for note in notes),
        "cpu_seconds": sum(note.cpu_seconds for note in notes),
        "peak_rss_bytes": worker.peak_bytes()
        + beside * max((note.peak_bytes for note in notes), default=0),
    }


def summary(record: dict[str, Any], shards: Shards) -> dict[str, Any]:
    """Return what was done, over all calls on a folder. Tokens are those that agents fed: tasks and
    thoughts.

    finished: agents in the folder. All other counts, and the rates, are of the agents whose calls
    are on record.
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


def told(found: dict[str, Any], folder: Path) -> str:
    """Return the summary in a few lines."""
    again = "; repeat the call to go on" if found["missing"] else ""
    memory = found["peak_rss_bytes"] / 2**20
    tasks = found["task_tokens"]
    thoughts = found["thought_tokens"]
    rates = [
        found[name] for name in ("agent_tokens_per_s", "thought_tokens_per_s", "tokens_per_cpu_s")
    ]
    lines = (
        f"{found['finished']:,} of {found['agents']:,} agents finished",
        f"{found['tokens']:,} tokens fed in {found['seconds']:,.0f} s: {tasks:,} of tasks, {thoughts:,} of thoughts",
        "{:,.0f} agent-tokens/s, {:,.0f} of them thought; {:,.0f} per second of one core".format(
            *rates
        ),
        f"{found['accepted']:,} thoughts would pass the gate; {memory:,.0f} MiB resident at most",
        f"results: {folder}{again}",
    )
    return "\n".join(lines)
