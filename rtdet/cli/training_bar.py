"""The progress bar of `rtdet train`: step, loss, score, speed and time left."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rtdet.terminal import console
from rtdet.training.log import LABELS

if TYPE_CHECKING:
    from rtdet.detectors.family.truth import Losses
    from rtdet.training.engine import Trainer


@contextmanager
def bar(trainer: Trainer) -> Iterator[tuple[Callable[[Trainer, Losses], None], Callable[[str], None]]]:
    """Shows the bar while it lasts; yields (the function to call after each step, the function that prints a line
    above the bar)."""
    columns = [
        TextColumn("step {task.completed:.0f} of {task.fields[of]}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TextColumn("{task.fields[score]}"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task(
            "train", total=trainer.total_steps, completed=trainer.step, of="?", loss=0.0, score="", speed=""
        )
        begun_step, begun_s, mean = trainer.step, trainer.elapsed_s, 0.0

        def show(now: Trainer, losses: Losses) -> None:
            nonlocal mean
            loss = float(losses.total.detach())
            mean = loss if not mean else 0.98 * mean + 0.02 * loss
            seconds = max(1e-9, now.elapsed_s - begun_s)
            rate = (now.step - begun_step) * now.config.batch / seconds
            label, measured = LABELS[now.model.score_names[0]], now.score.first
            score = f"{label} {measured:.3f}" if math.isfinite(measured) else ""
            progress.update(
                task, completed=now.step, total=now.total_steps, of=now.total_steps or "?",
                loss=mean, score=score, speed=f"{rate:.0f} pictures/s",
            )  # fmt: skip

        yield show, lambda line: progress.console.print(line)
