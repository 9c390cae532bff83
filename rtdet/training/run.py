"""Runs a whole training: from settings to a folder with the model, its card, checkpoints, log and curves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import torch

from rtdet.datasets import Dataset, Sample
from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.detector import long_side_of
from rtdet.detectors.family.network import DetectionNetwork, TrainableNetwork
from rtdet.detectors.family.registry import ALIASES, build, trainable
from rtdet.detectors.family.truth import Losses
from rtdet.detectors.family.weights import read_config
from rtdet.detectors.registry import files_of_model
from rtdet.errors import UsageError
from rtdet.evaluation import DetectionScores
from rtdet.overwriting import refuse_overwriting
from rtdet.training.card import Confidence
from rtdet.training.checkpoint import Score
from rtdet.training.config import TrainConfig
from rtdet.training.data import open_datasets
from rtdet.training.engine import Trainer
from rtdet.training.finish import finish
from rtdet.training.labeled import Labeled
from rtdet.training.pictures import Budget, demo_pictures, open_pictures
from rtdet.training.plan import Plan, objects, plan_for, steps_of
from rtdet.training.sampling import repeat_factors
from rtdet.training.settings import (
    SETTINGS,
    TrainingSettings,
    changes_of,
    is_trunk_file,
    keep_settings,
)
from rtdet.training.start import has_norms, open_start, takes_single_pictures
from rtdet.training.validation import Validation
from rtdet.types import IntArray

# Pictures that AP is measured on while it trains; at the end it is all of them.
_MEASURED_MIDWAY = 200

_WRITTEN = (
    "model.safetensors",
    "card.toml",
    "last.safetensors",
    "last.pt",
    SETTINGS,
    "log.csv",
    "curves.png",
)

OnStep = Callable[[Trainer, Losses], None]


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    model: the file that detects, with a card beside it. scores: its own, on the pictures that AP is measured on.
    confidence: where its F1 is highest; None where nothing was found. best, last: AP while it trained, of the best
    step (whose weights `model` has) and of the last one. steps: optimiser steps in all.
    """

    model: Path
    scores: DetectionScores
    confidence: Confidence | None
    best: Score
    last: Score
    steps: int


@dataclass(frozen=True)
class Training:
    """A training that is ready to run. note: a sentence on what AP is measured on; empty where `val` says it."""

    settings: TrainingSettings
    folder: Path
    trainer: Trainer
    plan: Plan
    data: Dataset
    measured: Dataset
    budget: Budget
    midway: Validation
    note: str

    def fit(self, on_step: OnStep) -> None:
        """Runs the remaining steps."""
        settings, data, trainer = self.settings, self.data, self.trainer
        with opencv_alone():
            # Room to zoom in: the short side of the picture may fill the input.
            pictures = open_pictures(data.samples, max(trainer.config.size), self.budget)
            pictures += demo_pictures(settings.demo_frames, data.class_names)
            labels = [_learnt(sample) for sample in data.samples]
            labels += [_learnt(picture()) for picture in pictures[len(data.samples) :]]
            weights = repeat_factors(labels, settings.balance)
            trainer.fit(pictures, on_step, weights=weights, validate=self.midway)

    def finish(self) -> Trained:
        """Calibrates and measures the model, and writes its card."""
        trainer = self.trainer
        side = long_side_of(trainer.model.config)
        whole = Validation(self.measured, str(trainer.device), long_side=side, budget=self.budget)
        held_out = self.measured is not self.data
        result = finish(self.folder, whole, self._texts(len(whole.dataset)), calibrate=held_out)
        path = self.folder / "model.safetensors"
        return Trained(path, result.scores, result.confidence, trainer.best, trainer.score, trainer.step)

    def _start(self) -> str:
        settings = self.settings
        if self.plan.trained:
            return f"{settings.model}"
        on = f", its backbone pretrained: {settings.backbone}" if is_trunk_file(settings.backbone) else ""
        return f"{settings.model} from scratch{on}"

    def _texts(self, measured: int) -> dict[str, str]:
        """The card's sentences; `measured` pictures could be decoded."""
        settings, trainer, data = self.settings, self.trainer, self.data
        config, network = trainer.config, trainer.model.config
        rest = "a held-out tenth of it" if self.measured is not data else "the pictures it was trained on"
        size = f"{config.size[0]}x{config.size[1]}"
        return {
            "description": f"{network.architecture} trained by `rtdet train`",
            "input": size
            if network.input_size
            else f"{long_side_of(network)} on the longer side, the picture's aspect",
            "cost": str(cost_of(build(network), network.input_size or config.size)),
            "start": self._start(),
            **({"network": ", ".join(settings.network)} if settings.network else {}),
            "data": f"{len(data)} pictures of {settings.data} with {objects(data.samples)} objects"
            + (f", and {settings.demo_frames} rendered frames" if settings.demo_frames else ""),
            "training": f"{trainer.step} steps of {config.batch} pictures at {size} in "
            f"{trainer.elapsed_s / 60:.1f} minutes on {trainer.device.type} in {trainer.precision}; "
            f"augmentation {config.augment}, learning rate {config.lr:g}, average of weights {config.ema_decay:g}, "
            + ("" if config.freeze is None else f"frozen up to stride {config.freeze}, ")
            + f"seed {config.seed}",
            "measured": f"COCO metrics in per cent on {measured} pictures, {settings.val or rest}",
        }


@contextmanager
def opencv_alone() -> Iterator[None]:
    """OpenCV in one thread while it lasts: its pictures are small, and threads would only take the cores from
    torch's."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def begin(settings: TrainingSettings, out: str | Path, *, resume: bool = False) -> Training:
    """Reads the data and the network, and keeps the settings in `out`. Raises as `rtdet.train` does."""
    folder = Path(out)
    check_folder(settings, folder, resume=resume)
    data, measured, note = open_datasets(settings)
    trainer, plan = _trainer(settings, folder, data, resume)
    keep_settings(folder, settings)  # a resumed training may have others: the next one goes on from those
    budget = Budget()
    side = long_side_of(trainer.model.config)
    midway = Validation(measured, str(trainer.device), long_side=side, most=_MEASURED_MIDWAY, budget=budget)
    return Training(settings, folder, trainer, plan, data, measured, budget, midway, note)


def check_folder(settings: TrainingSettings, folder: Path, *, resume: bool) -> None:
    """Raises UsageError for a folder that holds a training already, or what a new one starts from."""
    if resume:
        return
    if (folder / "last.pt").exists():
        raise UsageError(
            f"{folder} holds a training already; add --resume to continue it, or choose another --out"
        )
    outputs = {f"--out: {name}": folder / name for name in _WRITTEN}
    backbone = settings.backbone if is_trunk_file(settings.backbone) else None
    refuse_overwriting(outputs, [*files_of_model(str(settings.model)), settings.teacher, backbone])


def _trainer(settings: TrainingSettings, folder: Path, train: Dataset, resume: bool) -> tuple[Trainer, Plan]:
    torch.manual_seed(settings.seed)
    if resume:
        network, trained = _begun(folder, train.class_names)
        trained = trained or _is_trained(str(settings.model))
    else:
        network, trained = open_start(
            str(settings.model),
            train.class_names,
            settings.backbone,
            settings.size,
            changes_of(settings.network),
        )
    pretrained = is_trunk_file(settings.backbone)
    if settings.freeze is not None and not (trained or pretrained):
        raise UsageError(
            f"--freeze keeps what was learnt; {settings.model} starts from scratch: leave it out"
        )
    pictures = len(train) + settings.demo_frames
    norms = has_norms(network)
    plan = plan_for(pictures, settings.batch, trained=trained, norms=norms, pretrained=pretrained)
    config = train_config(settings, plan, network, pictures)
    if config.batch == 1 and not plan.folded and not takes_single_pictures(network, config.size):
        raise UsageError(
            f"--batch 1: a norm layer of {settings.model} would see one value at a time; use 2 or more"
        )
    if settings.size is not None and network.config.input_size is None:
        network.config = replace(network.config, usual_side=settings.size)
    trainer = Trainer(network, config, folder, choose_device(settings.device))
    if resume:
        trainer.resume()
    return trainer, plan


def _is_trained(model: str) -> bool:
    return ALIASES.get(model, model) not in trainable()


def _begun(folder: Path, class_names: tuple[str, ...]) -> tuple[DetectionNetwork, bool]:
    """A network of the shape that the checkpoint is for; the file that it started from may be gone."""
    path = folder / "last.safetensors"
    if not path.is_file():
        raise UsageError(f"nothing to resume: {path} does not exist; omit --resume")
    config = read_config(path)
    if config.class_names != class_names:
        raise UsageError(
            f"{path} knows {', '.join(config.class_names)}, not {', '.join(class_names)}; "
            "pass those as --classes, or omit --resume"
        )
    return build(config), False


def train_config(
    settings: TrainingSettings, plan: Plan, network: TrainableNetwork, pictures: int
) -> TrainConfig:
    """The settings of the loop. Raises UsageError for an input size that the network does not take."""
    multiple = network.config.multiple
    if settings.size is not None and settings.size % multiple and network.config.input_size is None:
        raise UsageError(
            f"--size {settings.size}: {settings.model} takes multiples of {multiple}, as "
            f"{-(-settings.size // multiple) * multiple}"
        )
    side = settings.size or network.config.usual_side or 320
    size = network.config.input_size or (-(-side // multiple) * multiple,) * 2
    if settings.size is not None and size != (settings.size, settings.size):
        raise UsageError(
            f"--size {settings.size}: {settings.model} only takes {size[0]}x{size[1]}; omit --size"
        )
    steps = settings.steps or plan.steps
    if settings.epochs is not None:
        steps = steps_of(settings.epochs, pictures, settings.batch)
    return TrainConfig(
        steps=steps,
        minutes=settings.minutes,
        batch=settings.batch,
        size=size,
        lr=settings.lr or plan.lr,
        backbone_lr=plan.backbone_lr,
        seed=settings.seed,
        augment=settings.augment,
        precision=settings.precision,
        folded=plan.folded,
        measure_start=plan.trained,
        freeze=settings.freeze,
        ema_decay=plan.ema_decay if settings.ema is None else settings.ema,
        ema_warmup=plan.ema_warmup,
        workers=_workers(),
        checkpoint_every_s=settings.save_every,
    )


def _workers() -> int:
    return max(1, min(8, (os.cpu_count() or 2) - 1))


def choose_device(name: str) -> str:
    """The name of a device for torch. Raises UsageError for one that there is not."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.partition(":")[0] not in ("cpu", "cuda"):
        raise UsageError(f"--device {name}: use auto, cpu, cuda or cuda:N")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("no CUDA device found; use --device cpu or auto")
    return name


def _learnt(picture: Sample | Labeled) -> IntArray:
    """Labels of what is rewarded when it is found."""
    return picture.labels[~picture.ignored]
