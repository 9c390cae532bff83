"""Measures AP during a training, on labelled pictures that the network does not train on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch

from rtdet.datasets import Dataset, Sample
from rtdet.detectors.batching import input_size
from rtdet.detectors.family.config import DEFAULT_INPUT
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.errors import UsageError
from rtdet.evaluation import DetectionScores, evaluate
from rtdet.geometry.letterbox import letterbox, stretch_unrounded
from rtdet.training.checkpoint import Score
from rtdet.training.pictures import Budget
from rtdet.types import Detections, Image, Thresholds

# AP wants doubtful detections too.
_THRESHOLDS = Thresholds(confidence=0.01, iou=0.5, max_detections=100)


class Validation:
    """Measures networks on a data set, at the input at which they will be used.

    long_side: pixels of the input's longer side for networks that take any; None: DEFAULT_INPUT.
    Pictures that cannot be decoded are left out: `dataset` holds the others. They are kept in memory while the budget
    lasts, and read again each time after that.
    """

    def __init__(
        self,
        dataset: Dataset,
        device: str = "cpu",
        *,
        long_side: int | None = None,
        most: int | None = None,
        budget: Budget | None = None,
    ) -> None:
        """most: only that many of the pictures, evenly over the data set."""
        self._long_side = long_side or DEFAULT_INPUT
        self._device = torch.device(device)
        budget = budget or Budget()
        samples: list[Sample] = []
        self._sizes: list[tuple[int, int]] = []
        self._kept: dict[int, Image] = {}
        for sample in _spread(dataset.samples, most):
            try:
                image = _small(sample, self._long_side)
            except UsageError:
                continue
            if budget.take(image.nbytes):
                self._kept[len(samples)] = image
            samples.append(sample)
            self._sizes.append((image.shape[1], image.shape[0]))
        if not samples:
            raise UsageError(
                f"none of the pictures of {dataset.folder} can be decoded, so nothing can be measured"
            )
        self.dataset = replace(dataset, samples=samples)

    def __call__(self, model: DetectionNetwork) -> Score:
        """The mean AP over the classes that have objects."""
        mean = self.evaluate(self.detect(model)).mean
        return Score(mean.ap50, mean.ap)

    def evaluate(self, found: Sequence[Detections]) -> DetectionScores:
        """All figures for what `detect` gave."""
        return evaluate(self.dataset, found)

    @torch.inference_mode()
    def detect(self, model: DetectionNetwork, batch: int = 16) -> list[Detections]:
        """What the network sees in each picture of `dataset`, in float32."""
        model = model.to(self._device).eval()
        found: list[Detections | None] = [None] * len(self._sizes)
        for size, rows in self._by_input(model):
            for start in range(0, len(rows), batch):
                part = rows[start : start + batch]
                for row, detections in zip(part, self._detect(model, size, part), strict=True):
                    found[row] = detections
        return [detections for detections in found if detections is not None]

    def _by_input(self, model: DetectionNetwork) -> Iterator[tuple[tuple[int, int], list[int]]]:
        groups: dict[tuple[int, int], list[int]] = {}
        for row, (width, height) in enumerate(self._sizes):
            size = model.config.input_size or input_size(
                width, height, self._long_side, model.config.multiple
            )
            groups.setdefault(size, []).append(row)
        yield from groups.items()

    def _detect(
        self, model: DetectionNetwork, size: tuple[int, int], rows: Sequence[int]
    ) -> Iterator[Detections]:
        config = model.config
        fit = letterbox if config.input_size is None else stretch_unrounded
        fitted = [fit(self._image(row), size) for row in rows]
        images = torch.from_numpy(np.stack([image for image, _ in fitted])).to(self._device)
        outputs = model(images.permute(0, 3, 1, 2).float())
        found = model.detections(outputs, size, [back for _, back in fitted], _THRESHOLDS)
        for row, one in zip(rows, found, strict=True):
            yield _scaled(one, self._sizes[row], self.dataset.samples[row])

    def _image(self, row: int) -> Image:
        kept = self._kept.get(row)
        return _small(self.dataset.samples[row], self._long_side) if kept is None else kept


def _scaled(found: Detections, size: tuple[int, int], sample: Sample) -> Detections:
    """From pixels of the shrunk picture to those of the labels."""
    scale = np.array([sample.size[0] / size[0], sample.size[1] / size[1]] * 2)
    return Detections(found.boxes * scale, found.scores, found.labels, found.class_names)


def _spread(samples: Sequence[Sample], most: int | None) -> list[Sample]:
    if most is None or len(samples) <= most:
        return list(samples)
    return [samples[i] for i in np.linspace(0, len(samples) - 1, most).astype(int)]


def _small(sample: Sample, long_side: int) -> Image:
    """The picture, its longer side at most `long_side`. Raises UsageError for one that cannot be decoded."""
    image = sample.read()
    scale = long_side / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
