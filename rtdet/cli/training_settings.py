"""The settings of `rtdet train`: read, checked, kept beside the training, and read again to resume it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rtdet.errors import UsageError

SETTINGS = "settings.json"
# What a training cannot change once it has begun: other weights are trained.
_FIXED = ("model", "backbone", "freeze")
# Far beyond any training, and its number of steps is still a number.
_MOST = 1e9


@dataclass(frozen=True)
class Settings:
    """The options of `rtdet train`, by their names."""

    data: str | None
    model: str
    backbone: str | None
    classes: str | None
    val: str | None
    teacher: str | None
    demo_frames: int
    steps: int | None
    epochs: float | None
    minutes: float | None
    batch: int
    lr: float | None
    size: int | None
    augment: str
    balance: float
    precision: str
    device: str
    seed: int
    save_every: float
    # Trainings that began before these options were there have none.
    freeze: int | None = None
    ema: float | None = None


def read_settings(folder: Path, values: dict[str, Any], given: set[str], resume: bool) -> Settings:
    """As given; for a resumed training what was not given is as it was at its start. Raises UsageError."""
    if not resume:
        if (folder / "last.pt").exists():
            raise UsageError(
                f"{folder} holds a training already; add --resume to go on with it, or choose another --out"
            )
        return Settings(**values)
    path = folder / SETTINGS
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        known = [field.name for field in fields(Settings) if field.name in before]
        kept = vars(Settings(**{name: before[name] for name in known}))
    except FileNotFoundError:
        raise UsageError(f"nothing to resume: {path} does not exist; leave --resume out") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is damaged, so nothing can be resumed from {folder}: {error}") from error
    for name in _FIXED:
        if name in given and values[name] != kept[name]:
            raise UsageError(
                f"--{name} {values[name]}: the training in {folder} began with {kept[name] or 'none'}; leave it out, "
                "or choose another --out"
            )
    lengths = {"steps", "epochs", "minutes"}
    if lengths & given:
        kept |= dict.fromkeys(lengths)
    return Settings(**{**kept, **{name: values[name] for name in given}})


def check(settings: Settings) -> None:
    """Raises UsageError for a value that makes no sense, before anything is read."""
    if settings.data is None:
        raise UsageError("--data is missing: a folder of labelled pictures")
    if settings.size is not None and (settings.size < 64 or (settings.size % 32 and settings.size != 300)):
        raise UsageError(f"--size {settings.size} is not a multiple of 32, at least 64")
    for name, least in (("batch", 1), ("steps", 1), ("demo_frames", 0), ("seed", 0)):
        value = getattr(settings, name)
        if value is not None and not least <= value < _MOST:
            raise UsageError(f"--{name.replace('_', '-')} must be from {least} to {_MOST:.0g}, not {value}")
    if sum(value is not None for value in (settings.steps, settings.epochs, settings.minutes)) > 1:
        raise UsageError("only one of --steps, --epochs and --minutes can say how long")
    for name in ("epochs", "minutes", "lr"):
        value = getattr(settings, name)
        if value is not None and not 0 < value < _MOST:
            raise UsageError(f"--{name} must be above 0 and below {_MOST:.0g}, not {value:g}")
    if not 0 <= settings.balance <= 1:
        raise UsageError(f"--balance must be a share from 0 to 1, not {settings.balance:g}")
    if not settings.save_every >= 0:
        raise UsageError(f"--save-every must be a number of seconds, not {settings.save_every:g}")
    if settings.ema is not None and not 0 <= settings.ema < 1:
        raise UsageError(f"--ema must be from 0 to below 1, as .999, not {settings.ema:g}")
    if settings.freeze is not None:
        _check_freeze(settings.freeze)
    from rtdet.training.augment import RECIPES, open_recipe

    if settings.augment not in RECIPES:
        open_recipe(settings.augment, (64, 64))


def _check_freeze(stride: int) -> None:
    from rtdet.training.freezing import DEPTHS

    if stride not in DEPTHS:
        raise UsageError(f"--freeze must be a stride, {', '.join(map(str, DEPTHS))}, not {stride}")


def keep_settings(folder: Path, settings: Settings) -> None:
    """Writes them to the folder, for `--resume`. Raises OutputError."""
    from rtdet.training.replacing import replacing

    with replacing(folder / SETTINGS) as whole:
        whole.write_text(json.dumps(vars(settings), indent=2) + "\n", encoding="utf-8")
