"""Training and fine-tuning of detectors, pretraining of backbones: augmentation, the loop, checkpoints, cards.

`train` is the whole of it. Names load when first used: torch takes seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtdet.training.api import train as train
    from rtdet.training.classified_validation import measure_classifier as measure_classifier
    from rtdet.training.classify import TrainedClassifier as TrainedClassifier
    from rtdet.training.run import Trained as Trained
    from rtdet.training.settings import TrainingSettings as TrainingSettings
    from rtdet.training.settings import settings_of as settings_of

_HOMES = {
    "Trained": "rtdet.training.run",
    "TrainedClassifier": "rtdet.training.classify",
    "measure_classifier": "rtdet.training.classified_validation",
    "train": "rtdet.training.api",
    "TrainingSettings": "rtdet.training.settings",
    "settings_of": "rtdet.training.settings",
}

__all__ = ["Trained", "TrainedClassifier", "TrainingSettings", "measure_classifier", "settings_of", "train"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rtdet.training' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
