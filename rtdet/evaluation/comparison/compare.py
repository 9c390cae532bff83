"""Measures detectors one after the other: average precision on all pictures, then frames a second in turns."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rtdet.datasets import Dataset
from rtdet.errors import UsageError
from rtdet.evaluation.detection.files import detect_all
from rtdet.evaluation.detection.measurement import labeled_classes, or_none
from rtdet.evaluation.detection.scores import ClassScores, evaluate
from rtdet.protocols import Detector
from rtdet.types import Image

# Pictures that the speed is measured on, over and over.
_TIMED_PICTURES = 16
_WARM_UP = 3


@dataclass(frozen=True)
class Compared:
    """One model's figures.

    scores       COCO's and VOC's figures, the mean over the compared classes (shares, NaN where not defined).
    per_second   frames a second, one picture at a time, from the picture to the boxes: the median over rounds.
    spread       the lowest and highest round.
    parameters, multiply_adds: of the network, None where they cannot be counted.
    megabytes    the size of its file, None where it has none of its own.
    """

    name: str
    scores: ClassScores
    per_second: float
    spread: tuple[float, float]
    input_size: str
    parameters: int | None
    multiply_adds: int | None
    megabytes: float | None
    backend: str
    precision: str

    @property
    def latency_ms(self) -> float:
        return 1000 / self.per_second


@dataclass(frozen=True)
class Comparison:
    """models, the best AP first; the classes that were compared, and how many pictures and objects."""

    models: tuple[Compared, ...]
    class_names: tuple[str, ...]
    pictures: int
    objects: int

    def best(self) -> tuple[Compared, ...]:
        """Those that no other beats both in AP and in speed, the quickest first (the Pareto front)."""
        front: list[Compared] = []
        for one in sorted(self.models, key=lambda each: (-each.per_second, -_ap(each))):
            if not front or _ap(one) > _ap(front[-1]):
                front.append(one)
        return tuple(front)

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is not defined is None."""
        models = []
        for one in self.models:
            figures = {key: or_none(value) for key, value in asdict(one.scores).items() if key != "name"}
            rest = {key: value for key, value in asdict(one).items() if key not in ("scores", "name")}
            models.append({"name": one.name, **rest, "latency_ms": one.latency_ms, "scores": figures})
        return {
            "pictures": self.pictures,
            "objects": self.objects,
            "classes": list(self.class_names),
            "models": models,
        }


def classes_of_all(dataset: Dataset, known: Sequence[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """The labelled classes that every model knows, by name: known lists (model, its classes). Raises UsageError,
    naming the model, where none is left."""
    shared = labeled_classes(dataset)
    for name, classes in known:
        left = tuple(one for one in shared if one in classes)
        if not left:
            raise UsageError(
                f"nothing to compare: {name} knows none of the labelled classes that the other models know "
                f"({', '.join(shared[:6])}{', ...' if len(shared) > 6 else ''})"
            )
        shared = left
    return shared


def compare(
    detectors: Sequence[tuple[str, Detector, float | None]],
    dataset: Dataset,
    *,
    seconds: float = 2.0,
    rounds: int = 3,
    tick: Callable[[], None] = lambda: None,
) -> Comparison:
    """Every detector on every picture of `dataset`, of whose classes only those are left that all know.

    detectors: (name, detector, megabytes of its file or None). seconds: for each model in each round of the timing,
    in which they take turns, so that a machine that gets slower does so for all. `tick` is called after each picture.
    Raises what the detectors raise.
    """
    scored = [evaluate(dataset, detect_all(detector, dataset, tick)).mean for _, detector, _ in detectors]
    images = [sample.read() for sample in dataset.samples[:_TIMED_PICTURES]]
    speeds: list[list[float]] = [[] for _ in detectors]
    for _ in range(rounds):
        for own, (_name, detector, _size) in zip(speeds, detectors, strict=True):
            own.append(_frames_per_second(detector, images, seconds))
    models = [
        _compared(name, detector, megabytes, scores, own)
        for (name, detector, megabytes), scores, own in zip(detectors, scored, speeds, strict=True)
    ]
    return Comparison(
        tuple(sorted(models, key=lambda one: -_ap(one))),
        dataset.class_names,
        len(dataset),
        sum(int((~sample.ignored).sum()) for sample in dataset.samples),
    )


def _frames_per_second(detector: Detector, images: Sequence[Image], seconds: float) -> float:
    for image in images[:_WARM_UP]:
        detector.detect([image])
    took: list[float] = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds or len(took) < len(images):
        start = time.perf_counter()
        detector.detect([images[len(took) % len(images)]])
        took.append(time.perf_counter() - start)
    return 1 / float(np.mean(took))


def _compared(
    name: str, detector: Detector, megabytes: float | None, scores: ClassScores, speeds: list[float]
) -> Compared:
    network = getattr(detector, "network", None)
    cost = getattr(network, "cost", None)
    return Compared(
        name,
        scores,
        statistics.median(speeds),
        (min(speeds), max(speeds)),
        "{}x{}".format(*cost.input_size) if cost and cost.input_size else "",
        cost.parameters if cost else None,
        cost.multiply_adds if cost else None,
        megabytes,
        getattr(network, "backend", ""),
        getattr(network, "precision", ""),
    )


def _ap(one: Compared) -> float:
    return -1.0 if math.isnan(one.scores.ap) else one.scores.ap
