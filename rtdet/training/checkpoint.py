"""Checkpoints: all that a training needs to go on as if it had not been cut off."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from rtdet.errors import UsageError
from rtdet.training.replacing import cannot_write, replacing

if TYPE_CHECKING:
    from rtdet.training.engine import Trainer

_log = logging.getLogger("rtdet.training")

# Settings that may differ between the parts of one training: they change nothing, or are meant to.
_FREE = frozenset({"steps", "minutes", "checkpoint_every_s", "workers"})


@dataclass(frozen=True)
class Score:
    """AP50 and AP, 0 to 1, as measured after a step."""

    ap50: float = -math.inf
    ap: float = -math.inf
    step: int = 0


def save_checkpoint(trainer: Trainer, path: Path) -> None:
    """Replaces the file in one step, so that a kill leaves the old one or the new one. Raises OutputError."""
    state = {
        "model": trainer.model.state_dict(),
        "ema": trainer.ema.model.state_dict(),
        "ema_updates": trainer.ema.updates,
        "optimizer": trainer.optimizer.state_dict(),
        "scaler": trainer.scaler.state_dict(),
        "step": trainer.step,
        "total_steps": trainer.total_steps,
        "elapsed_s": trainer.elapsed_s,
        "best": asdict(trainer.best),
        "score": asdict(trainer.score),
        "threads": torch.get_num_threads(),
        "precision": trainer.precision,
        "config": json.dumps(asdict(trainer.config)),
    }
    try:
        with replacing(path) as whole, whole.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
    except RuntimeError as error:  # what torch makes of an error of the disk
        if isinstance(error.__context__, OSError):
            raise cannot_write(path, error.__context__) from error
        raise


def load_checkpoint(trainer: Trainer, path: Path) -> None:
    """Puts a trainer where the checkpoint was. Torch gets as many threads as it had then: sums over other parts
    are rounded differently. Raises UsageError for a file that is missing, damaged, or of another training."""
    try:
        state = torch.load(path, map_location=trainer.device, weights_only=True)
        before = json.loads(state["config"])
        _check_freeze(trainer, before.get("freeze"))
        trainer.model.load_state_dict(state["model"])
        trainer.ema.model.load_state_dict(state["ema"])
        trainer.optimizer.load_state_dict(state["optimizer"])
        if trainer.scaler.is_enabled() and state["scaler"]:
            trainer.scaler.load_state_dict(state["scaler"])
        trainer.ema.updates = int(state["ema_updates"])
        trainer.step, trainer.elapsed_s = int(state["step"]), float(state["elapsed_s"])
        trainer.best, trainer.score = Score(**state["best"]), Score(**state["score"])
        if trainer.config.minutes is not None:
            kept = trainer.config.minutes == before["minutes"]
            trainer.total_steps = state["total_steps"] if kept else _steps_in(trainer.config.minutes, trainer)
        _compare(trainer, before, state)
    except FileNotFoundError:
        raise UsageError(f"nothing to resume: {path} does not exist; leave --resume out") from None
    except UsageError:
        raise
    except Exception as error:  # a damaged pickle fails in any way
        raise UsageError(
            f"{path} is damaged, or is of a training with other --classes or another --model; pass the same"
        ) from error


def _steps_in(minutes: float, trainer: Trainer) -> int | None:
    """Steps in all that a training of so many minutes has, by its speed so far."""
    if not trainer.step:
        return None
    left = (minutes * 60 - trainer.elapsed_s) * trainer.step / trainer.elapsed_s
    return trainer.step + max(0, round(left))


def _check_freeze(trainer: Trainer, before: int | None) -> None:
    """Other frozen layers are other weights to optimise, of which the state knows nothing."""
    if trainer.config.freeze != before:
        had = "without --freeze" if before is None else f"with --freeze {before}"
        raise UsageError(f"this training began {had}, and can only go on so; or choose another --out")


def _compare(trainer: Trainer, before: dict[str, Any], state: dict[str, Any]) -> None:
    threads = int(state["threads"])
    if threads != torch.get_num_threads():
        _log.info("torch uses %d threads, as at the start of this training", threads)
        torch.set_num_threads(threads)
    now = json.loads(json.dumps(asdict(trainer.config)))
    changed = [name for name in now if name not in _FREE and now[name] != before.get(name)]
    if trainer.precision != state["precision"]:
        changed.append("precision")
    if changed:
        _log.warning("resumed with other settings than it began with: %s", ", ".join(sorted(set(changed))))


def settle_on_best(folder: Path, best: Score, last: Score) -> None:
    """model.safetensors becomes the network of the best measured AP50, or the last one if none was measured. Raises
    OutputError."""
    name = "best" if math.isfinite(best.ap50) and best.step != last.step else "last"
    with replacing(folder / "model.safetensors") as whole:
        shutil.copyfile(folder / f"{name}.safetensors", whole)
