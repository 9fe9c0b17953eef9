"""Train the bundled model: `python -m warpviz.village.train.train --out DIR --minutes 60`.

A run can be stopped and continued by the same command.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer

from warpviz.village.network import Size, make_model
from warpviz.village.train import checkpoint
from warpviz.village.train.batch_source import BatchSource, open_batch_source
from warpviz.village.train.batches import TrainingBatch, to_device
from warpviz.village.train.curriculum import LAST, Stage
from warpviz.village.train.curves import held_out_batches, measure
from warpviz.village.train.learner import Learner, Scores
from warpviz.village.train.token_sequence import Mark
from warpviz.village.world.tokens import Encoder, save_tokenizer, train_tokenizer


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one call of the trainer.

    steps: if not 0, it replaces the clock, so that a run can be repeated exactly. init: folder of
    an earlier round whose weights and tokenizer start this one. rate: factor on the learning rates.
    """

    out: Path
    minutes: float
    total_minutes: float
    seed: int = 0
    steps: int = 0
    total_steps: int = 0
    batch_tokens: int = 32_768
    workers: int = 0
    device: str = "auto"
    log_every_s: float = 30.0
    size: Size = field(default_factory=Size)
    curve_groups: int = 3
    init: Path | None = None
    rate: float = 1.0


class Run:
    """A training run that can be stopped and continued."""

    def __init__(self, settings: Settings) -> None:
        """Build or resume the model."""
        self.settings = settings
        settings.out.mkdir(parents=True, exist_ok=True)
        name = settings.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        tokenizer = _tokenizer(settings)
        save_tokenizer(tokenizer, settings.out)
        self.encoder = Encoder(tokenizer)
        model = make_model(tokenizer.get_vocab_size(), settings.seed, settings.size)
        self.learner = Learner(model, torch.device(name))
        self.stage = Stage()
        self.step = 0
        self.tokens = 0
        self.spent_s = 0.0
        if (settings.out / "state.json").exists():
            self._resume()
        elif settings.init:
            checkpoint.load_weights(self.learner, settings.init)
            self.stage = Stage(LAST)
        self.curve_batches: dict[str, list[TrainingBatch]] = {}
        if settings.curve_groups:
            self.curve_batches = held_out_batches(self.encoder, groups=settings.curve_groups)

    def _resume(self) -> None:
        state = checkpoint.load(self.learner, self.settings.out)
        if state["seed"] != self.settings.seed:
            seeds = f"a run with --seed {state['seed']}, this call has {self.settings.seed}"
            msg = f"{self.settings.out} holds {seeds}"
            raise ValueError(msg)
        self.step = int(str(state["step"]))
        self.tokens = int(str(state["tokens"]))
        self.spent_s = float(str(state["spent_s"]))
        self.stage = Stage(
            int(str(state["stage"])), float(str(state["accuracy"])), int(str(state["stage_steps"]))
        )

    def save(self, clock_s: float = 0.0) -> None:
        """Write the checkpoint and the float16 model.

        clock_s: seconds of this call so far, if it goes on.
        """
        state = {
            "step": self.step,
            "tokens": self.tokens,
            "spent_s": self.spent_s + clock_s,
            "stage": self.stage.index,
            "accuracy": self.stage.accuracy,
            "stage_steps": self.stage.steps,
            "seed": self.settings.seed,
        }
        checkpoint.save(self.learner, state, self.settings.out)
        checkpoint.export(self.learner, self.settings.out)

    def progress(self, clock_s: float) -> float:
        """Return the share of the whole budget that is spent, over all calls."""
        if self.settings.steps:
            return self.step / max(1, self.settings.total_steps or self.settings.steps)
        return (self.spent_s + clock_s) / (60 * self.settings.total_minutes)

    def train(self, source: BatchSource) -> None:
        """Step until this call's budget is spent, then save."""
        start = last = saved = time.monotonic()
        first = self.step
        while not self._done(time.monotonic() - start, first):
            progress = self.progress(time.monotonic() - start)
            batch = source.get(self.step, self.stage.index)
            moved = to_device(batch, self.learner.device)
            loss, found = self.learner.step(
                moved, step=self.step, progress=progress, rate=self.settings.rate
            )
            self.step += 1
            self.tokens += batch.ids.size
            accuracy = _stream_accuracy(found)
            if accuracy is not None:
                self.stage.update(accuracy, progress)
            now = time.monotonic()
            if now - last > self.settings.log_every_s:
                last = now
                self._log(loss.item(), now - start, progress)
            if now - saved > 120:
                saved = now
                self.save(now - start)
        if self.step > first:
            clock_s = time.monotonic() - start
            self._log(loss.item(), clock_s, min(1.0, self.progress(clock_s)))
        self.spent_s += time.monotonic() - start
        self.save()

    def _done(self, clock_s: float, first: int) -> bool:
        if self.settings.steps:
            return self.step - first >= self.settings.steps
        over = self.progress(clock_s) >= 1
        return over or clock_s > 60 * self.settings.minutes

    def _log(self, loss: float, clock_s: float, progress: float) -> None:
        entry: dict[str, object] = {
            "minutes": round((self.spent_s + clock_s) / 60, 2),
            "step": self.step,
            "tokens": self.tokens,
            "stage": self.stage.index,
            "loss": round(loss, 4),
            "accuracy": round(self.stage.accuracy, 3),
            "progress": round(progress, 3),
        }
        if self.curve_batches:
            self.learner.swap_mean()
            entry["heldout_mean"] = measure(self.learner, self.curve_batches)
            self.learner.swap_mean()
        with (self.settings.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")
        self._report(entry, clock_s)

    def _report(self, entry: dict[str, object], clock_s: float) -> None:
        done = min(1.0, self.progress(clock_s))
        bar = "#" * int(20 * done) + "-" * (20 - int(20 * done))
        curve = entry.get("heldout_mean", {})
        short = (
            {name: marks.get("stream") for name, marks in curve.items()}
            if isinstance(curve, dict)
            else {}
        )
        rest = {name: value for name, value in entry.items() if "heldout" not in name}
        sys.stderr.write(f"[{bar}] {json.dumps(rest)} {short}\n")
        sys.stderr.flush()


def _tokenizer(settings: Settings) -> Tokenizer:
    """Return the tokenizer of this run, or of the round it starts from.

    Weights keep the vocabulary that they were trained with.
    """
    folder = settings.out if (settings.out / "state.json").exists() else settings.init
    return (
        train_tokenizer() if folder is None else Tokenizer.from_file(str(folder / "tokenizer.json"))
    )


def _stream_accuracy(found: Scores) -> float | None:
    marks = [Mark.STREAM, Mark.STREAM_HOPS, Mark.DRILL]
    right = found.right[marks].sum().item()
    total = found.total[marks].sum().item()
    return right / total if total else None


def parse(arguments: list[str] | None = None) -> Settings:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m warpviz.village.train.train", description=__doc__
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder of the run; an earlier run in it is continued",
    )
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="wall-clock minutes of this call"
    )
    parser.add_argument(
        "--total-minutes", type=float, default=0.0, help="minutes of all calls together (schedule)"
    )
    parser.add_argument(
        "--steps", type=int, default=0, help="steps of this call instead of minutes (repeatable)"
    )
    parser.add_argument("--total-steps", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--batch-tokens", type=int, default=0, help="default: 32768 on a GPU, 4096 on a CPU"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes that write training text")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument(
        "--init",
        type=Path,
        help="folder of an earlier round: its weights and tokenizer start this one",
    )
    parser.add_argument(
        "--rate", type=float, default=1.0, help="factor on the learning rates (below 1 with --init)"
    )
    parser.add_argument(
        "--curve-groups", type=int, default=3, help="batches of 16 rows per held-out set; 0: none"
    )
    parser.add_argument(
        "--log-every", type=float, default=30.0, help="seconds between entries of log.jsonl"
    )
    got = parser.parse_args(arguments)
    gpu = got.device == "cuda" or (got.device == "auto" and torch.cuda.is_available())
    return Settings(
        out=got.out,
        minutes=got.minutes,
        total_minutes=got.total_minutes or got.minutes,
        seed=got.seed,
        steps=got.steps,
        total_steps=got.total_steps,
        batch_tokens=got.batch_tokens or (32_768 if gpu else 4_096),
        workers=got.workers,
        device=got.device,
        log_every_s=got.log_every,
        curve_groups=got.curve_groups,
        init=got.init,
        rate=got.rate,
    )


def main(arguments: list[str] | None = None) -> None:
    """Train, or continue a run."""
    settings = parse(arguments)
    run = Run(settings)
    source = open_batch_source(
        run.encoder,
        seed=settings.seed,
        first=run.step,
        batch_tokens=settings.batch_tokens,
        workers=settings.workers,
        stage_now=run.stage.index,
    )
    with source as batches:
        run.train(batches)


if __name__ == "__main__":
    main()
