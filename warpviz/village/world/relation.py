"""What one kind of fact is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Relation:
    """One kind of fact: its sentences, its question, its answer and what the River writes."""

    name: str
    values: tuple[str, ...]
    facts: tuple[str, ...]
    held_out_facts: tuple[str, ...]
    task: str
    answer: str
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    unknowns: tuple[str, ...]
