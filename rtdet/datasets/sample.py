"""One labelled picture, and a set of them: what every format of labels becomes."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from rtdet.datasets.losses import Losses
from rtdet.datasets.pictures import MOST_PIXELS, encoded_size, most_pixels
from rtdet.errors import UsageError
from rtdet.geometry.boxes import area
from rtdet.terminal import quiet_opencv
from rtdet.types import BoolArray, FloatArray, Image, IntArray


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture and its G labelled objects.

    path:       the picture's file.
    size:       (width, height) in pixels, as the labels or the file say.
    boxes:      (G, 4) float64 xyxy pixels, with area, inside the picture (of an evaluation, partly).
    labels:     (G,) int64 into the data set's class names; -1: a class that is not among them.
    ignored:    (G,) bool, neither rewarded nor punished: VOC's difficult, COCO's crowd, Open Images' groups,
                a foreign class, a teacher's doubt. Rows of label -1 and of `crowd` are always ignored.
    source:     what kind of picture it is (the field `source` of a COCO JSON's image); empty: not said.
    crowd:      (G,) bool, COCO's iscrowd: one box around several objects. Default: none.
    areas:      (G,) float64 square pixels, COCO's `area` (of the outline) where given. Default: of the boxes.
    scores:     (G,) float64 in [0, 1], how sure a teacher was; 1 for labels of people. Default: 1.
    incomplete: labels of classes whose objects may be here without a label. Default: none.

    Raises ValueError when columns differ in length.
    """

    path: Path
    size: tuple[int, int]
    boxes: FloatArray
    labels: IntArray
    ignored: BoolArray
    source: str = ""
    crowd: BoolArray = None  # type: ignore[assignment]
    areas: FloatArray = None  # type: ignore[assignment]
    scores: FloatArray = None  # type: ignore[assignment]
    incomplete: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, dtype=np.float64).reshape(-1, 4)
        n = len(boxes)
        crowd = np.zeros(n) if self.crowd is None else self.crowd
        areas = area(boxes) if self.areas is None else self.areas
        scores = np.ones(n) if self.scores is None else self.scores
        columns = {
            "labels": _column("labels", self.labels, n, np.int64),
            "crowd": _column("crowd", crowd, n, np.bool_),
            "areas": _column("areas", areas, n, np.float64),
            "scores": _column("scores", scores, n, np.float64),
        }
        ignored = _column("ignored", self.ignored, n, np.bool_)
        columns["ignored"] = ignored | columns["crowd"] | (columns["labels"] < 0)
        for name, values in {"boxes": boxes, **columns}.items():
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, keep: Any) -> Sample:
        """The same picture with the rows that an index array, a slice or a boolean mask selects."""
        return replace(
            self,
            boxes=self.boxes[keep],
            labels=self.labels[keep],
            ignored=self.ignored[keep],
            crowd=self.crowd[keep],
            areas=self.areas[keep],
            scores=self.scores[keep],
        )

    def read(self) -> Image:
        """The picture as (H, W, 3) BGR uint8; raises UsageError when it cannot be decoded."""
        return read_picture(self.path)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled pictures of one folder, with the names that their labels refer to, and what of the labels was lost
    in reading them."""

    folder: Path
    class_names: tuple[str, ...]
    samples: list[Sample] = field(default_factory=list)
    losses: Losses = field(default_factory=Losses)

    def __len__(self) -> int:
        return len(self.samples)


def read_picture(path: Path) -> Image:
    """(H, W, 3) BGR uint8, upright; of an animation its first picture. Raises UsageError naming the file when it
    cannot be decoded or would take too much memory (MOST_PIXELS)."""
    if not os.path.isfile(path):  # nor a folder, nor a pipe, which would be waited for
        raise UsageError(f"the picture {path} is missing")
    try:
        # By its bytes: OpenCV on Windows opens no path with letters outside the code page.
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the picture {path}: {error.strerror}") from error
    width, height = encoded_size(content)
    if width * height > most_pixels():
        raise UsageError(
            f"the picture {path} is {width}x{height}, more than {most_pixels() // 1_000_000} million pixels: "
            f"shrink it, or set {MOST_PIXELS} to more"
        )
    encoded = np.frombuffer(content, dtype=np.uint8)
    with quiet_opencv():
        try:
            image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
        except cv2.error:  # more pixels than OpenCV decodes
            image = None
    if image is None:
        image = _decoded_by_pillow(content)
    if image is None:
        raise UsageError(f"cannot decode the picture {path}; remove it or replace it")
    return np.asarray(image, dtype=np.uint8)


def _decoded_by_pillow(content: bytes) -> Image | None:
    """What OpenCV does not know, as TGA; None where Pillow does not either."""
    try:
        with Pillow.open(io.BytesIO(content)) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
            return np.ascontiguousarray(np.asarray(upright)[..., ::-1])
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Pillow.DecompressionBombError):
        return None


def places_of(names: Sequence[str]) -> dict[str, int]:
    """Each class name's label."""
    return {name: i for i, name in enumerate(names)}


def _column(name: str, values: Any, count: int, kind: type) -> Any:
    array: Any = np.asarray(values, dtype=kind).reshape(-1)
    if len(array) != count:
        raise ValueError(f"{count} boxes but {len(array)} {name}")
    return array
