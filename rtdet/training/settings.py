"""The settings of a training: checked, kept beside it, and read again to resume it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from rtdet.errors import UnknownNameError, UsageError

SETTINGS = "settings.json"
# What a training cannot change once it has begun: other weights are trained.
_FIXED = ("task", "model", "backbone", "network", "freeze")
TASKS = ("detect", "classify")
# Strides up to which a network can be frozen. There are layers beyond them in every SSD of ours.
FREEZE_STRIDES = (4, 8, 16)
# What a classifier has no use for, and how that reads.
_OF_DETECTORS = {"model": "ssd-n", "teacher": None, "demo_frames": 0, "allow_loss": False}
_OPTIONS = {"network": "set"}  # where the command line has another name
_LENGTHS = ("steps", "epochs", "minutes")
# Far beyond any training, and its number of steps is still a number.
_MOST = 1e9


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of a training. Names and meanings are those of `rtdet train --help`.

    data: a folder of labelled pictures. model: a name to train from scratch, or a trained model to fine-tune, by its
    name or file. backbone: another one for a fresh network, by its name, or a .safetensors file of a classifier or a
    detector, whose trained backbone it then has. network: settings of a fresh network that differ from its name's,
    each as "KEY=VALUE" (`--set`).
    classes: None for those of the labels. val: a folder of labelled pictures to measure AP (or top-1) on; None
    holds out a tenth of `data`. teacher: a file of `rtdet detect` that completes missing labels. At most one of
    `steps`, `epochs` (times that each picture is seen) and `minutes` says how long; with none the number of pictures
    decides. lr, size (pixels; the model then runs at it, too), freeze (a stride), ema (decay per step): None leaves
    the choice to the model.
    allow_loss: go on though more than a tenth of the labels cannot be used. task: "detect", or "classify" to pretrain
    a backbone on whole pictures in class folders (datasets.classified): `backbone` then takes the place of `model`.
    Raises UsageError for a value that makes no sense.
    """

    data: str | Path
    model: str | Path = "ssd-n"
    backbone: str | Path | None = None
    network: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    val: str | Path | None = None
    teacher: str | Path | None = None
    demo_frames: int = 0
    steps: int | None = None
    epochs: float | None = None
    minutes: float | None = None
    batch: int = 16
    lr: float | None = None
    size: int | None = None
    augment: str = "full"
    balance: float = 0.1
    precision: str = "auto"
    device: str = "auto"
    seed: int = 0
    save_every: float = 60.0
    freeze: int | None = None
    ema: float | None = None
    allow_loss: bool = False
    task: str = "detect"

    def __post_init__(self) -> None:
        for name in ("data", "model", "backbone", "val", "teacher"):
            if name == "data" or getattr(self, name) is not None:
                object.__setattr__(self, name, os.fspath(getattr(self, name)))
        object.__setattr__(self, "network", tuple(self.network))
        changes_of(self.network)
        if self.classes is not None:
            # Settings of trainings that began before have one text.
            names = self.classes.split(",") if isinstance(self.classes, str) else self.classes
            object.__setattr__(self, "classes", tuple(name.strip() for name in names if name.strip()))
        self._check_length()
        self._check_numbers()
        if self.freeze is not None:
            _check_freeze(self.freeze)
        self._check_task()

    def _check_task(self) -> None:
        if self.task not in TASKS:
            raise UnknownNameError("task", self.task, TASKS)
        if self.task == "detect":
            _check_augment(self.augment)
            return
        if self.backbone is None:
            raise UsageError(
                "--task classify trains a backbone: name it with --backbone, as narrow, csp-n or resnet18"
            )
        for name, unset in _OF_DETECTORS.items():
            if getattr(self, name) != unset:
                option = name.replace("_", "-")
                hint = "; the network is named by --backbone" if name == "model" else ""
                raise UsageError(f"--{option} is for detectors; leave it out with --task classify{hint}")
        from rtdet.training.whole_pictures import open_recipe

        open_recipe(self.augment, (64, 64))

    def _check_length(self) -> None:
        if sum(getattr(self, name) is not None for name in _LENGTHS) > 1:
            raise UsageError("give only one of --steps, --epochs and --minutes")
        for name in ("epochs", "minutes", "lr"):
            value = getattr(self, name)
            if value is not None and not 0 < value < _MOST:
                raise UsageError(f"--{name} must be above 0 and below {_MOST:.0g}, not {value:g}")

    def _check_numbers(self) -> None:
        if self.size is not None and (self.size < 64 or (self.size % 32 and self.size != 300)):
            raise UsageError(f"--size {self.size} is not a multiple of 32, at least 64")
        for name, least in (("batch", 1), ("steps", 1), ("demo_frames", 0), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and not least <= value < _MOST:
                raise UsageError(
                    f"--{name.replace('_', '-')} must be from {least} to {_MOST:.0g}, not {value}"
                )
        if not 0 <= self.balance <= 1:
            raise UsageError(f"--balance must be a share from 0 to 1, not {self.balance:g}")
        if not self.save_every >= 0:
            raise UsageError(f"--save-every must be a number of seconds, not {self.save_every:g}")
        if self.ema is not None and not 0 <= self.ema < 1:
            raise UsageError(f"--ema must be from 0 to below 1, as .999, not {self.ema:g}")


def is_trunk_file(backbone: str | Path | None) -> bool:
    """Whether a backbone is a file with weights, and not a name."""
    return backbone is not None and str(backbone).endswith(".safetensors")


def _check_freeze(stride: int) -> None:
    if stride not in FREEZE_STRIDES:
        raise UsageError(f"--freeze must be a stride, {', '.join(map(str, FREEZE_STRIDES))}, not {stride}")


def _check_augment(name: str) -> None:
    from rtdet.training.augment import RECIPES, open_recipe

    if name not in RECIPES:
        open_recipe(name, (64, 64))


def changes_of(network: Sequence[str]) -> dict[str, Any]:
    """ "KEY=VALUE" texts by their keys. A value is a number, true, false, a list in brackets, or else a text. Raises
    UsageError for a text that is none."""
    changes: dict[str, Any] = {}
    for text in network:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise UsageError(f"--set {text}: expected KEY=VALUE, as in mish=false")
        try:
            changes[key] = json.loads(value)
        except (ValueError, RecursionError):
            changes[key] = value
    return changes


def settings_of(folder: str | Path, **changes: Any) -> TrainingSettings:
    """The settings of the training in `folder`, with changes: what that training is resumed with. A new length
    (steps, epochs or minutes) takes the place of the old one. Raises UsageError where there is no training, and for
    another model, backbone or freeze."""
    path = Path(folder) / SETTINGS
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        known = [field.name for field in fields(TrainingSettings) if field.name in kept]
        before = TrainingSettings(**{name: kept[name] for name in known})
    except FileNotFoundError:
        raise UsageError(f"nothing to resume: {path} does not exist; omit --resume") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is damaged, so nothing can be resumed from {folder}: {error}") from error
    for name in _FIXED:
        had = getattr(before, name)
        if name in changes and changes[name] != had:
            raise UsageError(
                f"--{_OPTIONS.get(name, name)} {_said(changes[name])}: the training in {folder} began with "
                f"{_said(had) or 'none'}; leave it out, or choose another --out"
            )
    if changes.keys() & set(_LENGTHS):
        changes = {**dict.fromkeys(_LENGTHS), **changes}
    return replace(before, **changes)


def _said(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value or "")


def keep_settings(folder: Path, settings: TrainingSettings) -> None:
    """Writes the settings to the folder, for `settings_of`. Raises OutputError."""
    from rtdet.output_file import write_whole

    write_whole(folder / SETTINGS, json.dumps(vars(settings), indent=2) + "\n")
