"""A window that slides over the picture, at every size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from rtdet.detectors.family.detector import FamilyDetector
from rtdet.detectors.slidingwindow.config import SIDE, STEP, Shape, SlidingWindowConfig, grid_of
from rtdet.explain.blocks import Cell, Figure, Figures, Mark, Section, Split, Table
from rtdet.explain.drawing import box_of, number, on_picture
from rtdet.explain.grid import inside_family
from rtdet.explain.inside import Inside, Subject
from rtdet.explain.pictures import jpeg_uri
from rtdet.explain.regions import cut_section, overlap_section
from rtdet.types import FloatArray

_MOST_LEVELS = 5
_IDEA = (
    "A sliding window is the oldest way to find objects: a small classifier is shown one part of the picture after "
    "the other and says what it is, most often nothing. So that it meets objects of every size, the picture is "
    "shrunk step by step; a box is the window itself."
)
_SEEN = (
    "To the classifier everything is {side}×{side} pixels. These are the windows of the surest boxes as it gets "
    "them. It knows nothing of what is around them, and of large things no more than of small ones."
)
_LEARNING = (
    "Windows that overlap an object by {overlap:.2f} or more learn its class. Of the tens of thousands of others it "
    "learns from some at random, and from those that it takes for an object, wrongly: hard negatives, found by "
    "looking at whole pictures with what it knows so far."
)


def inside_windows(detector: FamilyDetector, subject: Subject) -> Inside:
    """What a sliding window of rtdet did with the picture."""
    inside = inside_family(detector, subject)
    config = detector.config
    assert isinstance(config, SlidingWindowConfig)
    shapes = config.shapes
    places = windows_of(inside.view.size, shapes)
    inside = replace(inside, idea=_IDEA, place_word="windows", unknown=(), maps=())
    boxes = inside.view.back.undo(places)
    sections = [
        _window_section(inside, subject, shapes),
        _level_section(inside, config.sizes),
        cut_section(inside, subject, places, SIDE, _SEEN, "What does it see of a window?"),
    ]
    overlap = config.overlap
    return replace(
        inside,
        sections=[one for one in sections if one is not None],
        matching=lambda truth: overlap_section(truth, subject, boxes, overlap, "window", _LEARNING),
    )


def windows_of(size: tuple[int, int], shapes: Sequence[Shape]) -> FloatArray:
    """(N, 4) xyxy in input pixels: the windows of an input of `size` (width, height), in the order of the network's
    rows."""
    return np.concatenate([_windows(size, shape) for shape in shapes])


def _windows(size: tuple[int, int], shape: Shape) -> FloatArray:
    """(N, 4) xyxy in input pixels, row by row."""
    across, down = grid_of(size, shape)
    sides = np.array(shape)
    y, x = np.mgrid[:down, :across]
    centers = np.stack([x.ravel(), y.ravel()], 1) * sides * STEP / SIDE
    return np.concatenate([centers - sides / 2, centers + sides / 2], axis=1)


def _window_section(inside: Inside, subject: Subject, shapes: Sequence[Shape]) -> Section:
    confidence, found = subject.thresholds.confidence, inside.candidates
    rows: list[Sequence[Cell | str]] = []
    marks: list[Mark] = []
    start = 0
    middle = np.array(inside.view.size) / 2
    for width, height in shapes:
        across, down = grid_of(inside.view.size, (width, height))
        end = start + across * down
        fires = (found.places >= start) & (found.places < end) & (found.scores >= confidence)
        rows.append(
            [f"{width:.0f}×{height:.0f}", f"{across}×{down}", number(end - start), number(int(fires.sum()))]
        )
        half = np.array([width, height]) / 2
        marks.append(box_of(inside.view.box(np.concatenate([middle - half, middle + half])), "prior"))
        start = end
    return Section(
        "Where does it look?",
        [
            Split(
                on_picture(subject, marks, "the windows of one place, all sizes and shapes"),
                [
                    Table(
                        ["window", "places", "windows", "fire"],
                        rows,
                        note="Width and height in pixels of the input.",
                    )
                ],
            )
        ],
        f"Everywhere: windows of {len(shapes)} sizes and shapes, each a quarter of its side from the next. That is "
        f"{number(inside.places)} in all, of which those fire that reach {confidence:.2f}.",
    )


def _level_section(inside: Inside, sizes: Sequence[float]) -> Section:
    width, height = inside.view.size
    figures = []
    for size in list(sizes)[:: max(1, len(sizes) // _MOST_LEVELS)][:_MOST_LEVELS]:
        across, down = max(1, round(width * SIDE / size)), max(1, round(height * SIDE / size))
        small = np.asarray(
            cv2.resize(inside.view.fitted, (across, down), interpolation=cv2.INTER_AREA), np.uint8
        )
        caption = f"{across}×{down} pixels, for objects of about {size:g}"
        figures.append(Figure(across, down, caption, jpeg_uri(small), is_coarse=True))
    return Section(
        "How does it find what is large?",
        [Figures(figures, columns=len(figures))],
        f"Not with a larger window but with a smaller picture: its window is always {SIDE}×{SIDE} pixels. For "
        "things that are higher or wider than a square the picture is squeezed as well.",
    )
