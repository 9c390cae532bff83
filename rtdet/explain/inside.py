"""What all kinds of networks tell of one picture, before it becomes a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rtdet.explain.blocks import Section
from rtdet.explain.suppression import Suppression, keep_all, suppress
from rtdet.geometry.boxes import iou, is_valid
from rtdet.geometry.letterbox import Letterbox
from rtdet.geometry.nms import Overlap
from rtdet.types import Detections, FloatArray, Image, IntArray, Thresholds

# Candidates are listed from this score on, so that the page can tell what a lower threshold would give.
FLOOR = 0.05


@dataclass(frozen=True, eq=False)
class View:
    """The picture as the network sees it.

    fitted: (H, W, 3) BGR, of the input's size. back: from input pixels to the picture's. fit: "letterbox", "corner",
    "stretch" or "scale". color, values: e.g. "blue, green, red" and "0 to 255, as they are".
    """

    fitted: Image
    back: Letterbox
    fit: str
    color: str
    values: str

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the input."""
        return self.fitted.shape[1], self.fitted.shape[0]

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the input in the picture's pixels, not clipped."""
        (sx, sy), (left, top) = self.back.scale, self.back.offset
        return (x - left) / sx, (y - top) / sy

    def box(self, xyxy: Sequence[float] | FloatArray) -> tuple[float, float, float, float]:
        """A box of the input in the picture's pixels, not clipped."""
        return (*self.point(xyxy[0], xyxy[1]), *self.point(xyxy[2], xyxy[3]))


@dataclass(frozen=True, eq=False)
class Candidates:
    """What speaks for an object: boxes (N, 4) xyxy in the picture's pixels, scores (N,), labels (N,) into the
    detector's class names, and places (N,), which prior, cell or proposal it comes from (-1: not known)."""

    boxes: FloatArray
    scores: FloatArray
    labels: IntArray
    places: IntArray

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, keep: IntArray) -> Candidates:
        return Candidates(self.boxes[keep], self.scores[keep], self.labels[keep], self.places[keep])

    def sound(self) -> Candidates:
        """Without boxes that have no area or are not finite, which no detector gives out."""
        return self[np.flatnonzero(is_valid(self.boxes) & np.isfinite(self.scores))]


@dataclass(frozen=True)
class ClassScores:
    """How one place judged the classes. rows: (class, number before, score), by falling score; a softmax's scores
    are shares of 1 over all classes."""

    rows: Sequence[tuple[str, float | None, float]]
    is_softmax: bool
    objectness: float | None = None


@dataclass(frozen=True, eq=False)
class Truth:
    """The labelled objects of the picture: boxes (G, 4) xyxy pixels, names (G,), and labels (G,) into the detector's
    class names, -1 where it does not know the class."""

    boxes: FloatArray
    names: Sequence[str]
    labels: IntArray


@dataclass(frozen=True, eq=False)
class Inside:
    """What a kind of network tells.

    family: e.g. "SSD". idea: what it does, in a sentence or two. places, place_word: how many places of the picture
    it judges, and what they are called, in the plural. candidates: all from FLOOR on. sections: of this kind alone.
    class_scores: of a candidate's place, where known. matching: the section on labels, where this kind matches.
    most_overlap: NMS goes by this where the user's threshold is higher. maps: feature maps (name, (C, H, W)).
    unknown: what cannot be shown, as sentences.
    """

    family: str
    idea: str
    view: View
    candidates: Candidates
    places: int
    place_word: str
    sections: Sequence[Section] = ()
    maps: Sequence[tuple[str, FloatArray]] = ()
    class_scores: Callable[[int], ClassScores] | None = None
    matching: Callable[[Truth], Section] | None = None
    overlap: Overlap = iou
    has_nms: bool = True
    most_overlap: float = 1.0
    unknown: Sequence[str] = ()
    extra_rows: Sequence[tuple[str, str]] = field(default_factory=list)

    def suppression(self, threshold: float) -> Suppression:
        """NMS among all candidates. Those below the confidence never suppress one above it."""
        found = self.candidates
        if not self.has_nms:
            return keep_all(found.scores)
        least = min(threshold, self.most_overlap)
        return suppress(found.boxes, found.scores, found.labels, least, self.overlap)


@dataclass(frozen=True, eq=False)
class Subject:
    """What is explained: the picture (H, W, 3) BGR, the detector's own detections, class names and thresholds."""

    image: Image
    detections: Detections
    class_names: Sequence[str]
    thresholds: Thresholds

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture."""
        return self.image.shape[1], self.image.shape[0]


def floor_of(thresholds: Thresholds) -> Thresholds:
    """The thresholds with a confidence low enough to show what a lower one would give."""
    return Thresholds(min(FLOOR, thresholds.least_score), thresholds.iou, thresholds.classes, 10**6)
