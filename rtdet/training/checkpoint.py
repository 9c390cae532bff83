"""Checkpoints: everything that a training needs to resume as if it had not been interrupted."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from rtdet.errors import UsageError
from rtdet.output_file import replacing
from rtdet.training.config import TrainConfig

_log = logging.getLogger("rtdet.training")

# Settings that may differ between the parts of one training: they change nothing, or are meant to.
_FREE = frozenset({"steps", "minutes", "checkpoint_every_s", "workers"})


@dataclass(frozen=True)
class Score:
    """Two figures, 0 to 1, as measured after a step: AP50 and AP of a detector, top-1 and top-5 of a classifier. The
    first says which of two steps is better, the second where the first is equal."""

    first: float = -math.inf
    second: float = -math.inf
    step: int = 0

    @property
    def ap50(self) -> float:
        """A detector's."""
        return self.first

    @property
    def ap(self) -> float:
        """A detector's."""
        return self.second

    @property
    def top1(self) -> float:
        """A classifier's."""
        return self.first

    @property
    def top5(self) -> float:
        """A classifier's."""
        return self.second


def save_checkpoint(state: Mapping[str, Any], path: Path) -> None:
    """Replaces the file in one step, so that a kill leaves the old one or the new one. Raises OutputError."""
    with replacing(path) as whole, whole.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:  # what torch makes of an error of the disk
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise


def load_checkpoint(path: Path, device: torch.device, take: Callable[[dict[str, Any]], None]) -> None:
    """Reads the file and has `take` go on from the state in it. Raises UsageError for a file that is missing or
    damaged, or of another training, which `take` cannot make anything of."""
    try:
        take(torch.load(path, map_location=device, weights_only=True))
    except FileNotFoundError:
        raise UsageError(f"nothing to resume: {path} does not exist; omit --resume") from None
    except UsageError:
        raise
    except Exception as error:  # a damaged pickle fails in any way
        raise UsageError(
            f"{path} is damaged, or belongs to a training with other --classes or another --model; pass the same"
        ) from error


def check_freeze(now: int | None, before: int | None) -> None:
    """Raises UsageError: other frozen layers are other weights to optimise, of which the state knows nothing."""
    if now != before:
        had = "without --freeze" if before is None else f"with --freeze {before}"
        raise UsageError(f"this training began {had} and can only continue that way; or choose another --out")


def use_threads(count: int) -> None:
    """Has torch use as many threads as at the start of the training."""
    if count != torch.get_num_threads():
        _log.info("torch uses %d threads, as at the start of this training", count)
        torch.set_num_threads(count)


def say_changes(
    config: TrainConfig, precision: str, before: Mapping[str, Any], precision_before: str
) -> None:
    """Logs a warning that names the settings that have changed."""
    now = json.loads(json.dumps(asdict(config)))
    changed = [name for name in now if name not in _FREE and now[name] != before.get(name)]
    if precision != precision_before:
        changed.append("precision")
    if changed:
        _log.warning("resumed with other settings than it began with: %s", ", ".join(sorted(set(changed))))


def settle_on_best(folder: Path, best: Score, last: Score) -> None:
    """model.safetensors becomes the network of the best measured score, or the last one if none was measured. Raises
    OutputError."""
    name = "best" if math.isfinite(best.first) and best.step != last.step else "last"
    with replacing(folder / "model.safetensors") as whole:
        shutil.copyfile(folder / f"{name}.safetensors", whole)
