"""A classifier's file, and the backbone in a file of a classifier or of a detector."""

from __future__ import annotations

from pathlib import Path

from rtdet.detectors.classifier.config import ClassifierConfig
from rtdet.detectors.classifier.network import Classifier
from rtdet.detectors.family.network import TrainableNetwork
from rtdet.detectors.family.weights import (
    CLASSIFIER_FORMAT,
    classifier_config_of,
    fill_from,
    load_weights,
    read_header,
)
from rtdet.errors import ModelError, UsageError


def read_classifier_config(path: Path) -> ClassifierConfig:
    """Raises ModelError, in one line, for a file that is none or not of a classifier."""
    return classifier_config_of(read_header(path), path)


def load_classifier(path: Path) -> Classifier:
    """The network in evaluation mode, float32. Raises ModelError for files of another kind, or cut off, and
    ModelExtraError without torch."""
    config = read_classifier_config(path)
    try:
        return fill_from(path, lambda: Classifier(config))
    except UsageError as error:
        raise ModelError(f"{path} cannot be opened: {error}") from error


def load_trained(path: Path) -> TrainableNetwork:
    """A classifier or a detector that `rtdet train` wrote. Raises ModelError."""
    if read_header(path).get("format") == CLASSIFIER_FORMAT:
        return load_classifier(path)
    return load_weights(path)
