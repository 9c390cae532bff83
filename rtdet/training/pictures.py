"""Where training pictures come from: labelled files, and rendered frames of the demo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rtdet.datasets import Sample
from rtdet.training.augment import Labelled

if TYPE_CHECKING:
    from rtdet.video.demo import DemoScene

# Less of an object than this showing is not asked for, nor punished.
_MIN_VISIBILITY = 0.35
_MIN_SIDE = 6.0


def keep_in_memory(sample: Sample, short_side: int) -> Callable[[], Labelled]:
    """The picture, decoded now, its short side at most `short_side`."""
    image = sample.read()
    scale = min(1.0, short_side / min(image.shape[:2]))
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    kept = Labelled(image, sample.boxes * scale, sample.labels, sample.ignored)
    return lambda: kept


def demo_pictures(
    count: int, class_names: Sequence[str], size: tuple[int, int] = (640, 360), seed: int = 1000
) -> list[Callable[[], Labelled]]:
    """`count` rendered frames, ten of each scene, none of them from the scene that the app shows (seed 0)."""
    from rtdet.video.demo import DemoScene

    pictures: list[Callable[[], Labelled]] = []
    for start in range(0, count, 10):
        scene = DemoScene(seed=seed + start, width=size[0], height=size[1], moving_camera=start % 20 == 10)
        for index in np.linspace(0, scene.frame_count - 1, min(10, count - start)).astype(int):
            pictures.append(_demo_picture(scene, int(index), class_names))
    return pictures


def _demo_picture(scene: DemoScene, index: int, class_names: Sequence[str]) -> Callable[[], Labelled]:
    truth = scene.truth(index)
    places = {name: i for i, name in enumerate(class_names)}
    labels = np.array([places.get(truth.name_of(i), -1) for i in range(len(truth))], dtype=np.int64)
    small = (truth.boxes[:, 2:] - truth.boxes[:, :2]).min(axis=1, initial=np.inf) < _MIN_SIDE
    ignored = (labels < 0) | small | (scene.visibility(index) < _MIN_VISIBILITY)
    kept = Labelled(scene.render(index), truth.boxes, labels, ignored)
    return lambda: kept
