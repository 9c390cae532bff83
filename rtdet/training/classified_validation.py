"""Measures a classifier's top-1 and top-5, on pictures that it does not train on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from rtdet.datasets.classified import MEASURED, Classified, load_measured, part
from rtdet.datasets.sample import read_picture
from rtdet.detectors.classifier.network import Classifier
from rtdet.detectors.classifier.weights import load_classifier, read_classifier_config
from rtdet.errors import UsageError
from rtdet.evaluation.classification import ClassificationScores, classification_scores
from rtdet.training.checkpoint import Score
from rtdet.training.pictures import Budget
from rtdet.training.whole_pictures import center
from rtdet.types import FloatArray, Image

_log = logging.getLogger("rtdet.training")


class ClassifiedValidation:
    """Measures classifiers on the middle of each picture, at one size (width, height).

    Pictures that cannot be decoded are named once and left out. They are kept in memory while the budget lasts, and
    read again each time after that. most: only that many of the pictures, evenly over the classes.
    """

    def __init__(
        self,
        data: Classified,
        size: tuple[int, int],
        device: str = "cpu",
        *,
        most: int | None = None,
        budget: Budget | None = None,
    ) -> None:
        count = len(data)
        if most is not None and count > most:
            data = data.take(np.linspace(0, count - 1, most).astype(int).tolist())
        self._data, self._size, self._device = data, size, torch.device(device)
        self._budget = budget or Budget()
        self._kept: dict[int, Image] = {}
        self._broken: set[int] = set()

    def __call__(self, model: Classifier) -> Score:
        scores = self.evaluate(model)
        return Score(scores.top1, scores.top5)

    @torch.inference_mode()
    def evaluate(
        self, model: Classifier, *, batch: int = 32, on_picture: Callable[[], None] = lambda: None
    ) -> ClassificationScores:
        """All figures, in float32. on_picture: called for each. Raises UsageError when none can be decoded."""
        model = model.to(self._device).eval()
        found: list[FloatArray] = []
        labels: list[int] = []
        images: list[Image] = []
        for row, label in enumerate(self._data.labels):
            image = self._image(row)
            on_picture()
            if image is not None:
                images.append(image)
                labels.append(label)
            if images and (len(images) == batch or row == len(self._data) - 1):
                given = torch.from_numpy(np.stack(images)).to(self._device)
                found.append(model(given.permute(0, 3, 1, 2).float()).float().cpu().numpy())
                images = []
        if not labels:
            raise UsageError(
                f"none of the {len(self._data)} pictures of {self._data.folder} can be decoded, so nothing can be "
                "measured"
            )
        return classification_scores(np.concatenate(found), np.array(labels), self._data.class_names)

    def _image(self, row: int) -> Image | None:
        """None for a picture that cannot be decoded."""
        if row in self._kept:
            return self._kept[row]
        if row in self._broken:
            return None
        try:
            image = center(read_picture(self._data.paths[row]), self._size)
        except UsageError as error:
            self._broken.add(row)
            _log.warning("left out: %s", error)
            return None
        if self._budget.take(image.nbytes):
            self._kept[row] = image
        return image


def open_to_measure(
    model: str | Path, data: str | Path, split: str | None = None
) -> tuple[Classifier, Classified]:
    """A classifier from its file and the pictures to measure it on: of a divided folder the part `split`, by default
    val; else all. Raises ModelError for a file that is no classifier, UsageError for pictures that do not go with
    it."""
    path, folder = Path(model).expanduser(), Path(data)
    config = read_classifier_config(path)
    if split is not None and part(folder, [split]) is None:
        raise UsageError(f"--split {split}: there are no class folders in {folder / split}")
    chosen = part(folder, MEASURED if split is None else [split]) or folder
    pictures = load_measured(chosen, config.class_names)
    return load_classifier(path), pictures


def measure_classifier(
    model: str | Path,
    data: str | Path,
    *,
    split: str | None = None,
    device: str = "cpu",
    on_picture: Callable[[], None] = lambda: None,
) -> ClassificationScores:
    """Top-1, top-5, figures of each class and confusions of a classifier's file on a folder of class folders. Raises
    as `open_to_measure`."""
    network, pictures = open_to_measure(model, data, split)
    return measure_network(network, pictures, device, on_picture)


def measure_network(
    network: Classifier, pictures: Classified, device: str, on_picture: Callable[[], None] = lambda: None
) -> ClassificationScores:
    """The same of what `open_to_measure` opened, each picture read once."""
    assert network.config.input_size is not None
    validation = ClassifiedValidation(pictures, network.config.input_size, device, budget=Budget(0))
    return validation.evaluate(network, on_picture=on_picture)
