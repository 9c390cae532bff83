"""Pictures of mistakes: a cut-out with context, and the boxes in its coordinates for the template to draw."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rtdet.datasets import Dataset
from rtdet.errors import UsageError
from rtdet.evaluation.detection.mistakes import Mistake
from rtdet.types import FloatArray, Image

_ASPECT = 4 / 3
_WIDTH, _HEIGHT = 420, 315  # pixels of a cut-out at most
_CONTEXT = 1.6  # how much larger than the boxes the cut-out is
# Pixels of the picture that a cut-out shows at least, so that tiny objects keep their surroundings.
_LEAST = 96
_QUALITY = 82


@dataclass(frozen=True)
class Box:
    """A rectangle in the cut-out's pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Cutout:
    """One mistake as the report shows it. image is a data URI, or empty when the picture cannot be read."""

    mistake: Mistake
    file: str
    image: str
    width: int
    height: int
    box: Box | None
    other: Box | None


def cutout(mistake: Mistake, dataset: Dataset) -> Cutout:
    """The part of the picture around the mistake."""
    sample = dataset.samples[mistake.picture]
    name = _name(sample.path, dataset.folder)
    try:
        image = sample.read()
    except UsageError:  # detections from a file can be measured without the pictures
        return Cutout(mistake, name, "", 4, 3, None, None)
    boxes = [mistake.box] if mistake.other is None else [mistake.box, mistake.other]
    left, top, right, bottom = _window(np.array(boxes), image.shape[1], image.shape[0])
    part = image[top:bottom, left:right]
    scale = min(_WIDTH / part.shape[1], _HEIGHT / part.shape[0])
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = np.asarray(cv2.resize(part, size, interpolation=method), dtype=np.uint8)
    offset = np.array([left, top, left, top])
    places = [_box((box - offset) * scale) for box in boxes]
    other = places[1] if len(places) > 1 else None
    return Cutout(mistake, name, _data_uri(resized), *size, places[0], other)


def _window(boxes: FloatArray, width: int, height: int) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) whole pixels inside the picture, around all boxes, of a steady shape where the
    picture is large enough."""
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    low = np.clip(low, 0, [width, height])
    high = np.clip(high, low, [width, height])
    wanted = np.maximum((high - low) * _CONTEXT, _LEAST)
    wanted = np.maximum(wanted, [wanted[1] * _ASPECT, wanted[0] / _ASPECT])
    size = np.clip(np.round(wanted), 1, [width, height])
    start = np.clip(np.round((low + high - size) / 2), 0, [width, height] - size)
    left, top = (int(value) for value in start)
    return left, top, left + int(size[0]), top + int(size[1])


def _box(corners: FloatArray) -> Box:
    x, y, right, bottom = (round(float(value), 1) for value in corners)
    return Box(x, y, round(right - x, 1), round(bottom - y, 1))


def _data_uri(image: Image) -> str:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def _name(path: Path, folder: Path) -> str:
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return path.name
