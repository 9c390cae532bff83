"""Pretrains a backbone: from class folders to a folder with the classifier, its card, checkpoints, log and curves.

What is not said here is as in `run`: the loop is the same, and a picture's class is one object that fills it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rtdet.datasets.classified import (
    MEASURED,
    TRAIN,
    Classified,
    hold_out,
    load_classified,
    load_measured,
    part,
)
from rtdet.detectors.classifier.config import ClassifierConfig
from rtdet.detectors.classifier.network import Classifier
from rtdet.detectors.classifier.taking import read_trunk, take_trunk
from rtdet.detectors.classifier.trunks import trunk_name
from rtdet.detectors.classifier.weights import load_classifier, read_classifier_config
from rtdet.detectors.family.counting import cost_of
from rtdet.errors import UnknownNameError, UsageError
from rtdet.evaluation.classification import ClassificationScores
from rtdet.training.card import write_classifier_card
from rtdet.training.checkpoint import Score
from rtdet.training.classified_validation import ClassifiedValidation
from rtdet.training.engine import Trainer
from rtdet.training.pictures import Budget
from rtdet.training.plan import Plan, classifier_plan
from rtdet.training.run import OnStep, check_folder, choose_device, opencv_alone, train_config
from rtdet.training.sampling import repeat_factors
from rtdet.training.settings import TrainingSettings, changes_of, is_trunk_file, keep_settings
from rtdet.training.start import has_norms, log_taken, takes_single_pictures
from rtdet.training.whole_pictures import open_recipe, open_whole_pictures

# ImageNet's usual side.
_SIDE = 224
# Pictures that are measured on while it trains; at the end it is all of them.
_MEASURED_MIDWAY = 1000


@dataclass(frozen=True)
class TrainedClassifier:
    """The result of a training.

    model: the file, with a card beside it, for `measure_classifier` and as the backbone of a detector's training.
    scores: its own, on the pictures that it is measured on. best, last: top-1 and top-5 while it trained, of the best
    step (whose weights `model` has) and of the last one. steps: optimiser steps in all.
    """

    model: Path
    scores: ClassificationScores
    best: Score
    last: Score
    steps: int


@dataclass(frozen=True)
class ClassifierTraining:
    """A training that is ready to run. note: a sentence on what is measured on; empty where there is a val."""

    settings: TrainingSettings
    folder: Path
    trainer: Trainer
    data: Classified
    measured: Classified
    budget: Budget
    note: str

    def fit(self, on_step: OnStep) -> None:
        """Runs the remaining steps."""
        settings, trainer, size = self.settings, self.trainer, self.trainer.config.size
        with opencv_alone():
            trainer.fit(
                open_whole_pictures(self.data, size, self.budget),
                on_step,
                weights=repeat_factors([np.array([label]) for label in self.data.labels], settings.balance),
                validate=self._validation(_MEASURED_MIDWAY),
                recipe=open_recipe(settings.augment, size),
            )

    def finish(self) -> TrainedClassifier:
        """Measures the model on all pictures, and writes its card."""
        trainer, path = self.trainer, self.folder / "model.safetensors"
        scores = self._validation(None).evaluate(load_classifier(path))
        write_classifier_card(self.folder, self.data.class_names, self._texts(scores.pictures), scores)
        return TrainedClassifier(path, scores, trainer.best, trainer.score, trainer.step)

    def _validation(self, most: int | None) -> ClassifiedValidation:
        trainer = self.trainer
        return ClassifiedValidation(
            self.measured, trainer.config.size, str(trainer.device), most=most, budget=self.budget
        )

    def _texts(self, measured: int) -> dict[str, str]:
        """The card's sentences; `measured` pictures could be decoded."""
        settings, trainer, data = self.settings, self.trainer, self.data
        config, network = trainer.config, trainer.model.config
        assert isinstance(network, ClassifierConfig)
        size = f"{config.size[0]}x{config.size[1]}"
        rest = "held out of it" if self.measured is not data else "those it was trained on"
        start = (
            str(settings.backbone) if is_trunk_file(settings.backbone) else f"{network.backbone} from scratch"
        )
        return {
            "description": f"{network.architecture}, trained by `rtdet train --task classify`",
            "backbone": network.backbone,
            "input": size,
            "cost": str(cost_of(Classifier(network), config.size)),
            "start": start,
            **({"network": ", ".join(settings.network)} if settings.network else {}),
            "data": f"{len(data)} pictures of {len(data.class_names)} classes in {data.folder}",
            "training": f"{trainer.step} steps of {config.batch} pictures in {trainer.elapsed_s / 60:.1f} minutes on "
            f"{trainer.device.type} in {trainer.precision}; augmentation {config.augment}, learning rate "
            f"{config.lr:g}, average of weights {config.ema_decay:g}, seed {config.seed}",
            "measured": f"shares in per cent of {measured} pictures, "
            + (rest if self.note else f"{self.measured.folder}"),
        }


def begin(settings: TrainingSettings, out: str | Path, *, resume: bool = False) -> ClassifierTraining:
    """Reads the pictures' folders and the network, and keeps the settings in `out`. Raises as `rtdet.train` does."""
    folder = Path(out)
    check_folder(settings, folder, resume=resume)
    data, measured, note = _open_data(settings)
    torch.manual_seed(settings.seed)
    if resume:
        network = _begun(folder, data.class_names)
    else:
        network = _fresh(settings, data.class_names)
    pretrained = is_trunk_file(settings.backbone)
    if settings.freeze is not None and not pretrained:
        raise UsageError("--freeze keeps what was learnt, and this starts from scratch: leave it out")
    plan = classifier_plan(len(data), settings.batch, pretrained=pretrained, norms=has_norms(network))
    trainer = _trainer(settings, folder, network, plan, len(data))
    if resume:
        trainer.resume()
    keep_settings(folder, settings)
    return ClassifierTraining(settings, folder, trainer, data, measured, Budget(), note)


def _open_data(settings: TrainingSettings) -> tuple[Classified, Classified, str]:
    """(to train on, to measure on, what to say about it)."""
    folder = Path(settings.data)
    inner = part(folder, [TRAIN])
    data = load_classified(inner or folder, settings.classes)
    if settings.val is not None:
        val: Path | None = Path(settings.val)
    else:
        val = part(folder, MEASURED) if inner else None
    if val is None:
        return hold_out(data, settings.seed)
    chosen = settings.classes is not None
    return data, load_measured(part(val, MEASURED) or val, data.class_names, chosen=chosen), ""


def _fresh(settings: TrainingSettings, class_names: tuple[str, ...]) -> Classifier:
    backbone, side = str(settings.backbone), settings.size or _SIDE
    trained = read_trunk(Path(backbone).expanduser()) if is_trunk_file(backbone) else None
    name = trained.name if trained else trunk_name(backbone)
    network = Classifier(_config(name, class_names, side, settings.network))
    if trained:
        log_taken("the classifier", take_trunk(network, trained), trained)
    return network


def _config(name: str, class_names: tuple[str, ...], side: int, changes: tuple[str, ...]) -> ClassifierConfig:
    changed = changes_of(changes)
    known = ("label_smoothing", "dropout")
    for key in changed:
        if key not in known:
            raise UnknownNameError("setting of a classifier", key, known)
    values = {"class_names": list(class_names), "input_size": [side, side], "backbone": name}
    try:
        return ClassifierConfig.from_dict({**values, **changed})
    except ValueError as error:
        raise UsageError(f"--set: {error}") from error


def _begun(folder: Path, class_names: tuple[str, ...]) -> Classifier:
    """A network of the shape that the checkpoint is for."""
    path = folder / "last.safetensors"
    if not path.is_file():
        raise UsageError(f"nothing to resume: {path} does not exist; omit --resume")
    config = read_classifier_config(path)
    if config.class_names != class_names:
        raise UsageError(
            f"{path} knows {len(config.class_names)} classes, and not those of the class folders, of which there are "
            f"{len(class_names)}; bring those back, or omit --resume"
        )
    return Classifier(config)


def _trainer(
    settings: TrainingSettings, folder: Path, network: Classifier, plan: Plan, pictures: int
) -> Trainer:
    config = train_config(settings, plan, network, pictures)
    if config.batch == 1 and not takes_single_pictures(network, config.size):
        raise UsageError(
            f"--batch 1: a norm layer of {settings.backbone} would see one value at a time; use 2 or more"
        )
    return Trainer(network, config, folder, choose_device(settings.device))
