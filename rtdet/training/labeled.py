"""A training picture with its boxes, and how cutting the picture changes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtdet.geometry.boxes import area
from rtdet.types import BoolArray, FloatArray, Image, IntArray

FILL = 114
# A box cut to less than this share of its area hardly shows its object: neither rewarded nor punished.
MIN_VISIBLE = 0.25
MIN_SIDE = 3.0


@dataclass(frozen=True, eq=False)
class Labeled:
    """A picture with its boxes (G, 4) xyxy, labels (G,), ignored rows (G,) and scores (G,): how sure a teacher
    was, by default 1. `incomplete` are labels whose objects may be in it without a box; `name` is for messages.
    """

    image: Image
    boxes: FloatArray
    labels: IntArray
    ignored: BoolArray
    scores: FloatArray = None  # type: ignore[assignment]
    incomplete: frozenset[int] = frozenset()
    name: str = ""

    def __post_init__(self) -> None:
        if self.scores is None:
            object.__setattr__(self, "scores", np.ones(len(self.boxes)))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]

    def take(self, rows: Any) -> Labeled:
        """The same picture with the boxes that an index array or a mask selects."""
        return replace(
            self,
            boxes=self.boxes[rows],
            labels=self.labels[rows],
            ignored=self.ignored[rows],
            scores=self.scores[rows],
        )

    def cut(self, boxes: FloatArray, shown: FloatArray) -> Labeled:
        """With `boxes` (G, 4), what is left of each; `shown` (G,) is the share of its object that is still seen.
        Specks are dropped; what is hardly seen becomes an ignored region."""
        sides = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf)
        ignored = self.ignored | (shown < MIN_VISIBLE)
        return replace(self, boxes=boxes, ignored=ignored).take(sides >= MIN_SIDE)


def move(picture: Labeled, scale: tuple[float, float], shift: tuple[float, float]) -> FloatArray:
    """The picture's boxes after `x * scale + shift`."""
    return np.asarray(picture.boxes * (scale * 2) + (shift * 2))


def clip_to(boxes: FloatArray, window: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Boxes clipped to a window (left, top, right, bottom), and the share (G,) of each that is within."""
    left, top, right, bottom = window
    clipped = np.clip(boxes, [left, top, left, top], [right, bottom, right, bottom])
    return clipped, area(clipped) / np.maximum(area(boxes), 1e-9)


def together(image: Image, parts: Sequence[Labeled]) -> Labeled:
    """One picture that shows several: all their boxes. Where one of them is incomplete for a class, the whole is:
    the loss knows what may be missing by picture, and what may be missing must not be punished."""
    return Labeled(
        image,
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.ignored for part in parts]),
        np.concatenate([part.scores for part in parts]),
        frozenset().union(*(part.incomplete for part in parts)),
        " + ".join(part.name for part in parts if part.name),
    )
