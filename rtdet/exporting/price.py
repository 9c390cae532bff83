"""What a quantisation costs and gains: AP and time before and after, on the same pictures, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtdet.datasets.sample import Dataset
from rtdet.detectors.graph_detector import GraphDetector
from rtdet.errors import UsageError
from rtdet.evaluation.detection.files import detect_all
from rtdet.evaluation.detection.measurement import labeled_classes, only_classes
from rtdet.evaluation.detection.scores import evaluate
from rtdet.types import Thresholds

MOST_LOST = 1.0  # AP, of 100
_LOWEST = 0.01
_ROUNDS, _ROUND = 5, 8


@dataclass(frozen=True)
class Price:
    """AP (0 to 100) and milliseconds of processor time for a picture, before and after. before_as: the precision that
    the network runs in before."""

    ap_before: float
    ap_after: float
    ms_before: float
    ms_after: float
    before_as: str
    pictures: int

    @property
    def line(self) -> str:
        """What it costs and gains, for people."""
        return (
            f"before: {self.ap_before:.1f} AP, {self.ms_before:.1f} ms a picture in {self.before_as}; "
            f"int8: {self.ap_after:.1f} AP, {self.ms_after:.1f} ms (processor time on this machine, "
            f"{self.pictures} pictures)"
        )

    @property
    def lost(self) -> float:
        return self.ap_before - self.ap_after

    @property
    def is_quicker(self) -> bool:
        return self.ms_after < self.ms_before

    def objection(self) -> str:
        """Why the quantised network is not worth it; "" where it is."""
        if self.lost > MOST_LOST:
            return f"int8 loses {self.lost:.1f} AP, more than {MOST_LOST:g}"
        if not self.is_quicker:
            before = f"{self.ms_before:.1f} in {self.before_as}"
            return f"int8 is no quicker here: {self.ms_after:.1f} ms a picture, {before}"
        return ""


def price_of(
    before: Path, after: Path, dataset: Dataset, on_picture: Callable[[], None] = lambda: None
) -> Price:
    """Measures both files on the labelled pictures. Raises UsageError where the network knows none of the classes."""
    found = []
    for path in (before, after):
        detector = open_file(path, confidence=_LOWEST)
        try:
            names = [name for name in labeled_classes(dataset) if name in detector.class_names]
            if not names:
                raise UsageError(
                    f"{dataset.folder} has no labels of a class that the network knows; use other --data"
                )
            result = detect_all(detector, dataset, on_picture)
        finally:
            detector.close()
        found.append(100 * evaluate(only_classes(dataset, names), result).mean.ap)
    ms, precision = _times(before, after, dataset)
    return Price(found[0], found[1], ms[0], ms[1], precision, len(dataset))


def open_file(path: Path, confidence: float = 0.25) -> GraphDetector:
    """The network as a run of rtdet has it, on the CPU."""
    return GraphDetector(path, thresholds=Thresholds(confidence), device="cpu", backend="openvino")


def _times(before: Path, after: Path, dataset: Dataset) -> tuple[list[float], str]:
    """Milliseconds of processor time that each takes for a picture, the best of some rounds in turns; and the
    precision of the first. The detector's whole way, of which the network is the most."""
    detectors = [open_file(before), open_file(after)]
    images = [sample.read() for sample in dataset.samples[:_ROUND]]
    best = np.full(2, np.inf)
    try:
        for i in range(_ROUNDS + 1):
            for k, detector in enumerate(detectors):
                begin = time.process_time()
                for image in images:
                    detector.detect([image])
                if i:  # the first round prepares the sizes that occur
                    best[k] = min(best[k], 1e3 * (time.process_time() - begin) / len(images))
        return best.tolist(), detectors[0].network.precision
    finally:
        for detector in detectors:
            detector.close()
