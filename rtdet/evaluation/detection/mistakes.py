"""Explains each false alarm and each miss in words, and picks the worst."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rtdet.datasets import Dataset
from rtdet.evaluation.detection.matching import Table, blocks
from rtdet.evaluation.detection.outcomes import Outcomes, overlaps_of, rows_by_picture
from rtdet.types import FloatArray, IntArray

# Kinds, in the order in which they are told.
FALSE_ALARM_KINDS = {
    "class": "wrong class",
    "place": "badly placed",
    "twice": "second box on one object",
    "nothing": "nothing labelled there",
}
MISS_KINDS = {
    "class": "taken for another class",
    "place": "badly placed box",
    "unsure": "below the confidence",
    "shared": "one box for two objects",
    "unseen": "not seen at all",
}
# Less overlap than this is chance (TIDE's background threshold).
_TOUCHING = 0.1


@dataclass(frozen=True, eq=False)
class Mistake:
    """One error.

    picture: place of the picture in the data set. kind: a key of FALSE_ALARM_KINDS or MISS_KINDS. reason: the
    cause as a phrase. class_name, box (4,) xyxy: of the detection that is wrong, or the object that is missed.
    score: the detection's; None for a miss. other: the (4,) box that explains it (of the object for a false alarm,
    of the detection for a miss), None where there is none.
    """

    picture: int
    kind: str
    reason: str
    class_name: str
    box: FloatArray
    score: float | None = None
    other: FloatArray | None = None


def false_alarms(outcomes: Outcomes) -> list[Mistake]:
    """Every wrong detection with its cause, the highest score first."""
    objects = rows_by_picture(outcomes.truths)
    nothing = np.zeros(0, dtype=np.int64)
    mistakes = []
    for picture, rows in rows_by_picture(outcomes.found, outcomes.wrong).items():
        places = objects.get(picture, nothing)
        for row, overlaps in _by_detection(outcomes.found, rows, outcomes.truths, places):
            kind, reason, place = _why_wrong(outcomes, row, places, overlaps)
            mistakes.append(
                Mistake(
                    picture,
                    kind,
                    reason,
                    outcomes.class_names[outcomes.found.labels[row]],
                    outcomes.found.boxes[row],
                    float(outcomes.found.scores[row]),
                    None if place < 0 else outcomes.truths.boxes[place],
                )
            )
    return sorted(mistakes, key=lambda mistake: -(mistake.score or 0.0))


def misses(outcomes: Outcomes, dataset: Dataset) -> list[Mistake]:
    """Every missed object with its cause, the largest share of its picture first: what is large is in plain
    sight, and its loss the hardest to excuse."""
    sure, unsure = rows_by_picture(outcomes.found), rows_by_picture(outcomes.unsure)
    nothing = np.zeros(0, dtype=np.int64)
    mistakes = []
    for picture, places in rows_by_picture(outcomes.truths, outcomes.missed).items():
        mine, doubtful = sure.get(picture, nothing), unsure.get(picture, nothing)
        mine_near = _by_object(outcomes.found, mine, outcomes.truths, places)
        doubtful_near = _by_object(outcomes.unsure, doubtful, outcomes.truths, places)
        for place, near, faint in zip(places, mine_near, doubtful_near, strict=True):
            kind, reason, other = _why_missed(outcomes, int(place), mine, near, doubtful, faint)
            name = outcomes.class_names[outcomes.truths.labels[place]]
            mistakes.append(Mistake(picture, kind, reason, name, outcomes.truths.boxes[place], None, other))
    return sorted(mistakes, key=lambda mistake: -_share(mistake, dataset))


def kinds_of(mistakes: Iterable[Mistake]) -> dict[str, int]:
    """How many there are of each kind."""
    return dict(Counter(mistake.kind for mistake in mistakes))


def worst(mistakes: Sequence[Mistake], most: int, of_one_picture: int = 1) -> list[Mistake]:
    """The first `most`, at most `of_one_picture` from the same picture: one bad picture should not hide the
    others."""
    chosen: list[Mistake] = []
    seen: Counter[int] = Counter()
    for mistake in mistakes:
        if len(chosen) == most:
            break
        if seen[mistake.picture] < of_one_picture:
            seen[mistake.picture] += 1
            chosen.append(mistake)
    return chosen


def _by_detection(
    found: Table, rows: IntArray, truths: Table, places: IntArray
) -> Iterator[tuple[int, FloatArray]]:
    """Each of the rows with its overlaps with the objects at `places`."""
    for part in blocks(rows, len(places)):
        yield from zip(part.tolist(), overlaps_of(found, part, truths, places), strict=True)


def _by_object(found: Table, rows: IntArray, truths: Table, places: IntArray) -> Iterator[FloatArray]:
    """The overlaps of each of the objects with the detections in `rows`."""
    for part in blocks(places, len(rows)):
        yield from overlaps_of(found, rows, truths, part).T


def _why_wrong(outcomes: Outcomes, row: int, places: IntArray, overlaps: FloatArray) -> tuple[str, str, int]:
    """(kind, reason, place of the object that explains it or -1) of one wrong detection."""
    truths, names = outcomes.truths, outcomes.class_names
    is_same = truths.labels[places] == outcomes.found.labels[row]
    if outcomes.confused[row] >= 0:
        place = int(outcomes.confused[row])
        return "class", f"it is labelled {names[truths.labels[place]]}", place
    same, other = np.where(is_same, overlaps, 0.0), np.where(is_same, 0.0, overlaps)
    if same.max(initial=0.0) >= outcomes.min_iou:
        return "twice", "a better box took this object already", int(places[same.argmax()])
    if other.max(initial=0.0) >= outcomes.min_iou:
        place = int(places[other.argmax()])
        is_found = outcomes.counted[place] and not outcomes.missed[place]
        too = ", and was also detected as that" if is_found else ""
        return "class", f"it is labelled {names[truths.labels[place]]}{too}", place
    if same.max(initial=0.0) >= _TOUCHING:
        place = int(places[same.argmax()])
        name = names[truths.labels[place]]
        return "place", f"it overlaps a labelled {name} by {_cut(same.max())} only", place
    return "nothing", "nothing is labelled there", -1


def _why_missed(
    outcomes: Outcomes,
    place: int,
    sure: IntArray,
    near: FloatArray,
    unsure: IntArray,
    faint: FloatArray,
) -> tuple[str, str, FloatArray | None]:
    """(kind, reason, box of the detection that explains it) of one missed object; near, faint: the overlaps of
    the picture's sure and unsure detections with it."""
    found, label = outcomes.found, outcomes.truths.labels[place]
    by = np.flatnonzero(outcomes.confused[sure] == place)
    if len(by):
        row = int(sure[by[0]])
        name = outcomes.class_names[found.labels[row]]
        return "class", f"taken for {name} ({found.scores[row]:.2f})", found.boxes[row]
    near = np.where(found.labels[sure] == label, near, 0.0)
    is_free = near * (outcomes.taken[sure] < 0)
    if is_free.max(initial=0.0) >= _TOUCHING:
        text = f"the nearest box overlaps it by {_cut(is_free.max())} only"
        return "place", text, found.boxes[sure[is_free.argmax()]]
    faint = np.where(outcomes.unsure.labels[unsure] == label, faint, 0.0)
    if faint.max(initial=0.0) >= outcomes.min_iou:
        hits = unsure[faint >= outcomes.min_iou]
        row = int(hits[outcomes.unsure.scores[hits].argmax()])
        score = outcomes.unsure.scores[row]
        return "unsure", f"seen with a confidence of {_cut(score)} only", outcomes.unsure.boxes[row]
    if near.max(initial=0.0) >= outcomes.min_iou:
        return "shared", "the box on it went to its neighbour", found.boxes[sure[near.argmax()]]
    return "unseen", "nothing was detected there", None


def _cut(value: float) -> str:
    """Two digits, not rounded up: 0.499 is not enough where 0.50 is asked for."""
    return f"{math.floor(100 * value + 1e-9) / 100:.2f}" if value >= 0.01 else "less than 0.01"


def _share(mistake: Mistake, dataset: Dataset) -> float:
    width, height = dataset.samples[mistake.picture].size
    x1, y1, x2, y2 = mistake.box
    return float((x2 - x1) * (y2 - y1)) / max(1, width * height)
