"""Training from Python. Torch, which not every installation has, is loaded by the call and not by the import."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.extras import require
from rtdet.training.settings import TrainingSettings

if TYPE_CHECKING:
    from rtdet.detectors.family.truth import Losses
    from rtdet.training.classify import ClassifierTraining
    from rtdet.training.engine import Trainer
    from rtdet.training.run import Training

_log = logging.getLogger("rtdet.training")


def train(
    settings: TrainingSettings,
    out: str | Path,
    *,
    resume: bool = False,
    on_step: Callable[[Trainer, Losses], None] = lambda trainer, losses: None,
) -> Any:
    """Trains a detector on labelled pictures; everything it writes goes to the folder `out`. With the task "classify"
    it trains a classifier on class folders, whose backbone is then a detector's start; it returns a TrainedClassifier
    instead of a Trained.

    resume: goes on from the last checkpoint in `out`; `settings_of(out)` gives the settings that it began with.
    on_step: called after each step with the trainer (`step`, `total_steps`, `score`, `save()`) and the parts of the
    loss. A training that is cut off, by an exception of `on_step` too, can be resumed from its last checkpoint.
    Raises RtdetError with one clear line: UsageError for settings and labels that do not go together,
    MissingExtraError where torch or another package for it is missing, ModelError for weights that cannot be loaded,
    OutputError where `out` cannot be written.

    >>> settings = rtdet.TrainingSettings(data="squares", size=64, batch=2, steps=2)  # or none: as many as help
    >>> trained = rtdet.train(settings, out="run")
    >>> trained.steps, trained.model.name
    (2, 'model.safetensors')
    >>> rtdet.load_detector(trained.model).class_names
    ('square',)
    """
    require("train", "rtdet.train")
    training = begin_task(settings, out, resume=resume)
    if training.note:
        _log.info("%s", training.note)
    training.fit(on_step)
    return training.finish()


def begin_task(
    settings: TrainingSettings, out: str | Path, *, resume: bool = False
) -> Training | ClassifierTraining:
    """A training of the settings' task that is ready to run. Raises as `train` does."""
    if settings.task == "classify":
        from rtdet.training import classify

        return classify.begin(settings, out, resume=resume)
    from rtdet.training import run

    return run.begin(settings, out, resume=resume)
