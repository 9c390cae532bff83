"""The sources of training pictures: labelled files, and rendered frames of the demo.

A picture is something to call that gives a Labeled, since a data set may be larger than the memory.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rtdet.datasets import Sample
from rtdet.errors import UsageError
from rtdet.training.augment import Labeled

if TYPE_CHECKING:
    from rtdet.demo import DemoScene

# Less of an object than this showing is not asked for, nor punished.
_MIN_VISIBILITY = 0.35
_MIN_SIDE = 6.0

Picture = Callable[[], Labeled]


class Budget:
    """Bytes of memory that pictures may still take; shared by threads. Default: half of the machine's."""

    def __init__(self, total_bytes: int | None = None) -> None:
        self._left = _half_of_memory() if total_bytes is None else total_bytes
        self._lock = threading.Lock()

    def take(self, wanted: int) -> bool:
        with self._lock:
            if wanted > self._left:
                return False
            self._left -= wanted
            return True


def _half_of_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):  # not POSIX
        return 2 << 30


class KeptPicture(ABC):
    """A picture that is decoded when it is first wanted, kept while the budget lasts, read again after that."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._kept: Labeled | None = None

    def __call__(self) -> Labeled:
        """Raises UsageError naming a file that cannot be decoded, or that is not the picture that was labelled."""
        kept = self._kept
        if kept is None:
            kept = self._read()
            if self._budget.take(kept.image.nbytes):
                self._kept = kept
        return kept

    @abstractmethod
    def _read(self) -> Labeled:
        """Decodes it."""


class FilePicture(KeptPicture):
    """A labelled file. `short_side`: larger pictures are shrunk to it, which is all that the network's input can
    show."""

    def __init__(self, sample: Sample, short_side: int, budget: Budget) -> None:
        super().__init__(budget)
        self.sample, self._short_side = sample, short_side

    def _read(self) -> Labeled:
        sample = self.sample
        image = sample.read()
        height, width = image.shape[:2]
        scale_x, scale_y = width / sample.size[0], height / sample.size[1]
        if abs(scale_x / scale_y - 1) > 0.02:
            raise UsageError(
                f"the picture {sample.path} is {width}x{height}, but its labels are for "
                f"{sample.size[0]}x{sample.size[1]}; label it again, or remove it"
            )
        shrink = min(1.0, self._short_side / min(width, height))
        if shrink < 1:
            size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        boxes = sample.boxes * ([scale_x * shrink, scale_y * shrink] * 2)
        return Labeled(
            image, boxes, sample.labels, sample.ignored, sample.scores, sample.incomplete, sample.path.name
        )


def open_pictures(samples: Sequence[Sample], short_side: int, budget: Budget | None = None) -> list[Picture]:
    """Each sample as a picture of a short side of at most `short_side` pixels."""
    budget = budget or Budget()
    return [FilePicture(sample, short_side, budget) for sample in samples]


def demo_pictures(
    count: int, class_names: Sequence[str], size: tuple[int, int] = (640, 360), seed: int = 1000
) -> list[Picture]:
    """`count` rendered frames, ten of each scene, none of them from the scene that the app shows (seed 0)."""
    from rtdet.demo import DemoScene

    pictures: list[Picture] = []
    for start in range(0, count, 10):
        scene = DemoScene(seed=seed + start, width=size[0], height=size[1], moving_camera=start % 20 == 10)
        for index in np.linspace(0, scene.frame_count - 1, min(10, count - start)).astype(int):
            pictures.append(_demo_picture(scene, int(index), class_names))
    return pictures


def _demo_picture(scene: DemoScene, index: int, class_names: Sequence[str]) -> Picture:
    truth = scene.truth(index)
    places = {name: i for i, name in enumerate(class_names)}
    labels = np.array([places.get(truth.name_of(i), -1) for i in range(len(truth))], dtype=np.int64)
    small = (truth.boxes[:, 2:] - truth.boxes[:, :2]).min(axis=1, initial=np.inf) < _MIN_SIDE
    ignored = (labels < 0) | small | (scene.visibility(index) < _MIN_VISIBILITY)
    kept = Labeled(scene.render(index), truth.boxes, labels, ignored, name=f"demo frame {index}")
    return lambda: kept
