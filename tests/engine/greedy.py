"""A batch of streams that thinks greedily, fed as a run feeds it."""

import torch
from warp_cortex import StreamBatch
from warp_cortex.agents.sampling import choose_all
from warp_cortex.model.forward_pass import Pass

from tests.engine.tiny import random_ids


def ragged_tasks(agents: int) -> list[list[int]]:
    """Return tasks of 2 to 5 random tokens."""
    return [random_ids(2 + row % 4, seed=row) for row in range(agents)]


def think(
    batch: StreamBatch, tasks: list[list[int]], *, steps: int, rows: int = 512
) -> list[list[int]]:
    """Admit an agent per task and step all of them; return the tokens each has fed, task first.

    rows: sequences whose logits exist at once.
    """
    first = len(batch.agents)
    agents = list(range(first, first + len(tasks)))
    parts = [agents[:1], agents[1:]] if batch.lead is not None and first == 0 else [agents]
    tokens = []
    for part in filter(None, parts):
        given = [tasks[agent - first] for agent in part]
        tokens += chosen(batch.admit(part, given, [None] * len(part)), rows=rows)
    fed = [list(task) for task in tasks]
    for _ in range(steps):
        for thought, token in zip(fed, tokens, strict=True):
            thought.append(token)
        tokens = chosen(batch.step(torch.tensor(tokens)), rows=rows)
    return fed


def chosen(out: Pass, *, rows: int = 512) -> list[int]:
    """Return the greedy choice of every row."""
    return choose_all(out.blocks(rows), temperature=0.0, generators=())


def last_states(batch: StreamBatch) -> torch.Tensor:
    """Return what the Gate would judge as last states, float32 [B, C]."""
    return torch.stack([batch.state(slot).last for slot in range(len(batch.agents))])


def middle_states(batch: StreamBatch) -> torch.Tensor:
    """Return the thoughts' mean middle states, float32 [B, C]."""
    return torch.stack([batch.state(slot).middle for slot in range(len(batch.agents))])
