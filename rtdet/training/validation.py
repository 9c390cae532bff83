"""AP while a network trains, on labelled pictures that it does not train on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch

from rtdet.datasets import Dataset, Sample
from rtdet.detectors.batching import input_size
from rtdet.detectors.ssd.detector import DEFAULT_INPUT
from rtdet.detectors.ssd.module import SSDModule
from rtdet.detectors.ssd.postprocess import postprocess
from rtdet.detectors.ssd.priors import make_priors
from rtdet.errors import UsageError
from rtdet.evaluation import DetectionScores, evaluate
from rtdet.geometry.letterbox import letterbox, stretch
from rtdet.training.checkpoint import Score
from rtdet.types import Detections, Image, Thresholds

# AP wants doubtful detections too.
_THRESHOLDS = Thresholds(confidence=0.01, iou=0.5, max_detections=100)


class Validation:
    """Measures networks on a data set whose pictures fit in memory, at the input at which they will be used.

    long_side: pixels of the input's longer side for networks that take any; None: the detector's default.
    Pictures that cannot be decoded are left out: `dataset` holds the others.
    """

    def __init__(
        self, dataset: Dataset, device: str = "cpu", *, long_side: int | None = None, most: int | None = None
    ) -> None:
        """most: only that many of the pictures, evenly over the data set."""
        self._long_side = long_side or DEFAULT_INPUT
        self._device = torch.device(device)
        samples = _spread(dataset.samples, most)
        read = [
            (sample, image) for sample in samples if (image := _small(sample, self._long_side)) is not None
        ]
        if not read:
            raise UsageError(
                f"none of the pictures of {dataset.folder} can be decoded, so nothing can be measured"
            )
        self._images = [image for _, image in read]
        self.dataset = replace(dataset, samples=[sample for sample, _ in read])

    def __call__(self, model: SSDModule) -> Score:
        """The mean AP over the classes that have objects."""
        mean = self.evaluate(self.detect(model)).mean
        return Score(mean.ap50, mean.ap)

    def evaluate(self, found: Sequence[Detections]) -> DetectionScores:
        """All figures for what `detect` gave."""
        return evaluate(self.dataset, found)

    @torch.inference_mode()
    def detect(self, model: SSDModule, batch: int = 16) -> list[Detections]:
        """What the network sees in each picture of `dataset`, in float32."""
        model = model.to(self._device).eval()
        found: list[Detections | None] = [None] * len(self._images)
        for size, rows in self._by_input(model):
            for start in range(0, len(rows), batch):
                part = rows[start : start + batch]
                for row, detections in zip(part, self._detect(model, size, part), strict=True):
                    found[row] = detections
        return [detections for detections in found if detections is not None]

    def _by_input(self, model: SSDModule) -> Iterator[tuple[tuple[int, int], list[int]]]:
        groups: dict[tuple[int, int], list[int]] = {}
        for row, image in enumerate(self._images):
            fixed = model.config.input_size
            size = fixed or input_size(image.shape[1], image.shape[0], self._long_side)
            groups.setdefault(size, []).append(row)
        yield from groups.items()

    def _detect(self, model: SSDModule, size: tuple[int, int], rows: Sequence[int]) -> Iterator[Detections]:
        config = model.config
        fit = letterbox if config.input_size is None else stretch
        fitted = [fit(self._images[row], size) for row in rows]
        images = torch.from_numpy(np.stack([image for image, _ in fitted])).to(self._device)
        offsets, logits = model(images.permute(0, 3, 1, 2).float())
        offsets, logits = offsets.float().cpu().numpy(), logits.float().cpu().numpy()
        priors = make_priors(config.levels, size)
        for i, (row, (_, back)) in enumerate(zip(rows, fitted, strict=True)):
            found = postprocess(
                offsets[i],
                logits[i],
                priors,
                back,
                _THRESHOLDS,
                config.class_names,
                background=config.background,
            )
            yield _scaled(found, self._images[row], self.dataset.samples[row])


def _scaled(found: Detections, image: Image, sample: Sample) -> Detections:
    """From pixels of the shrunk picture to those of the labels."""
    scale = np.array([sample.size[0] / image.shape[1], sample.size[1] / image.shape[0]] * 2)
    return Detections(found.boxes * scale, found.scores, found.labels, found.class_names)


def _spread(samples: Sequence[Sample], most: int | None) -> list[Sample]:
    if most is None or len(samples) <= most:
        return list(samples)
    return [samples[i] for i in np.linspace(0, len(samples) - 1, most).astype(int)]


def _small(sample: Sample, long_side: int) -> Image | None:
    """The picture, its longer side at most `long_side`."""
    try:
        image = sample.read()
    except UsageError:
        return None
    scale = long_side / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
