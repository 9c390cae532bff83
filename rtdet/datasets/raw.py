"""Labels as they were written, before anything is clipped, renamed or dropped.

Every format is read into this one form. `rtdet data check` looks at it as it is; training and evaluation get
what `cleaned` makes of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rtdet.datasets.faults import AMBIGUOUS, NAMELESS, Finding
from rtdet.datasets.losses import CUT, EMPTY, FRACTIONS, OUTSIDE, PIXELS, Losses, losses_in
from rtdet.datasets.pictures import picture_size
from rtdet.datasets.sample import Sample, places_of
from rtdet.datasets.text import printable
from rtdet.geometry.boxes import area, clip, is_valid
from rtdet.types import BoolArray, FloatArray, IntArray

# Rounding moves an edge by up to this many pixels beyond the border.
TOLERANCE = 1.0


@dataclass(frozen=True, eq=False)
class RawPicture:
    """One picture's labels, as written.

    size is (width, height), or None where the format does not say it. boxes (G, 4) xyxy pixels may be anything,
    NaN too; where `fractions` is True they are shares of the picture's width and height. labels (G,) go into
    the class names of the labels, -1: a class that has no name there. ignored, crowd (G,) bool; areas (G,)
    square pixels, NaN where not given; scores (G,), NaN where not given.
    """

    path: Path
    size: tuple[int, int] | None
    boxes: FloatArray
    labels: IntArray
    ignored: BoolArray
    crowd: BoolArray
    areas: FloatArray
    scores: FloatArray
    source: str = ""
    fractions: bool = False

    def known_size(self) -> tuple[int, int]:
        """(width, height) as written, else as the picture's file says; UsageError when it cannot."""
        return self.size if self.size is not None else picture_size(self.path)

    def in_pixels(self, size: tuple[int, int]) -> FloatArray:
        """(G, 4) xyxy pixels in a picture of (width, height) `size`, not clipped."""
        with np.errstate(over="ignore"):
            return self.boxes * np.tile(size, 2) if self.fractions else self.boxes


@dataclass(frozen=True, eq=False)
class RawLabels:
    """The labels of one folder (or of one split of it).

    folder: the data set's, which no picture leaves. kind: the format. findings: rows that were passed over in
    reading, for `rtdet data check`. class_names: printable, whatever the labels say.
    """

    folder: Path
    kind: str
    class_names: tuple[str, ...]
    pictures: list[RawPicture]
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", tuple(printable(name) for name in self.class_names))


def raw_picture(
    path: Path,
    size: tuple[int, int] | None,
    boxes: FloatArray,
    labels: IntArray,
    *,
    ignored: BoolArray | None = None,
    scores: FloatArray | None = None,
    source: str = "",
    fractions: bool = False,
) -> RawPicture:
    """A picture of a format that knows neither crowds nor areas."""
    n = len(boxes)
    return RawPicture(
        path,
        size,
        boxes,
        labels,
        np.zeros(n, dtype=bool) if ignored is None else ignored,
        np.zeros(n, dtype=bool),
        np.full(n, np.nan),
        np.full(n, np.nan) if scores is None else scores,
        source,
        fractions,
    )


def cleaned(raw: RawLabels, class_names: Sequence[str], *, cut: bool = True) -> tuple[list[Sample], Losses]:
    """The samples of a training or an evaluation, and what they cost.

    Boxes are cut at the picture's borders, or, without `cut`, stay as they are where something of them is in the
    picture; those that are not finite, inverted, empty or outside are dropped; classes outside `class_names` are
    ignored (label -1).
    """
    places = places_of(class_names)
    # The last entry is for label -1.
    table = np.array([*(places.get(name, -1) for name in raw.class_names), -1], dtype=np.int64)
    counts: Counter[str] = Counter()
    samples = [_cleaned(picture, table, cut, counts) for picture in raw.pictures]
    written = sum(len(picture.boxes) for picture in raw.pictures)
    noted = Counter({CUT: counts.pop(CUT, 0), FRACTIONS: _like_fractions(raw, written)})
    found = losses_in(raw.findings)
    # Rows without a class are among the pictures', as regions that are ignored.
    found = replace(found, boxes=found.boxes - found.dropped[NAMELESS] - found.dropped[AMBIGUOUS])
    return samples, found + Losses(written, len(raw.pictures), _asking(counts, raw, written), noted=noted)


def _like_fractions(raw: RawLabels, boxes: int) -> int:
    """How many boxes in pixels lie within the first one, where most do."""
    small = sum(
        int((picture.boxes.max(axis=1, initial=-np.inf) <= 1).sum())
        for picture in raw.pictures
        if len(picture.boxes) and not picture.fractions
    )
    return small if small > boxes / 2 else 0


def _asking(dropped: Counter[str], raw: RawLabels, boxes: int) -> Counter[str]:
    """Where most boxes of a format that has shares are outside, they may not be shares."""
    has_shares = any(picture.fractions for picture in raw.pictures)
    if has_shares and dropped[OUTSIDE] > boxes / 2:
        dropped[PIXELS] = dropped.pop(OUTSIDE)
    return +dropped


def _cleaned(picture: RawPicture, table: IntArray, cut: bool, counts: Counter[str]) -> Sample:
    width, height = size = picture.known_size()
    written = picture.in_pixels(size)
    boxes = clip(written, width, height)
    has_area = is_valid(written)
    keep = has_area & is_valid(boxes)
    if not keep.all():
        counts[EMPTY] += int((~has_area).sum())
        counts[OUTSIDE] += int((has_area & ~keep).sum())
    written, boxes = written[keep], boxes[keep]
    if cut:
        counts[CUT] += int((np.abs(written - boxes) > TOLERANCE).any(axis=1).sum())
    else:
        boxes = written
    areas, scores = picture.areas[keep], picture.scores[keep]
    is_given = np.isfinite(areas) & (areas > 0)
    return Sample(
        path=picture.path,
        size=size,
        boxes=boxes,
        labels=table[picture.labels[keep]],
        ignored=picture.ignored[keep],
        source=picture.source,
        crowd=picture.crowd[keep],
        areas=np.where(is_given, areas, area(boxes)),
        scores=np.clip(np.where(np.isfinite(scores), scores, 1.0), 0.0, 1.0),
    )
