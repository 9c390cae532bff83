"""A detector's scores on labelled pictures: the figures of COCO and of VOC, per class and on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from rtdet.datasets import Dataset
from rtdet.evaluation.detection.average_precision import (
    coco_ap,
    ranked,
    voc_11_point_ap,
    voc_all_point_ap,
)
from rtdet.evaluation.detection.matching import Matches, found_table, match, truth_table
from rtdet.evaluation.detection.voc import voc_marks
from rtdet.types import Detections, FloatArray

# COCO's: IoU .5, .55, ..., .95; sizes all, small (up to 32 x 32 pixels), medium (up to 96 x 96), large.
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
AREA_RANGES = np.array([[0, 1e5**2], [0, 32**2], [32**2, 96**2], [96**2, 1e5**2]])
_ALL, _SMALL, _MEDIUM, _LARGE = range(4)
_MOST = 100


@dataclass(frozen=True)
class ClassScores:
    """The figures of one class, or their means. All are from 0 to 1; NaN: no such objects in the data.

    truths counts the objects to be found, detections all that were made of the class.
    ap is COCO's mean over IoU .5 to .95; ap50 and ap75 are at one IoU; ap_small, ap_medium, ap_large are ap for
    objects of that size. ar_1, ar_10, ar_100 are the recall with at most 1, 10 and 100 detections in a picture,
    mean over the same IoUs; ar_small, ar_medium, ar_large with 100. voc_11_point and voc_all_point are VOC's AP
    at IoU .5 before and from 2010.
    """

    name: str
    truths: int
    detections: int
    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar_1: float
    ar_10: float
    ar_100: float
    ar_small: float
    ar_medium: float
    ar_large: float
    voc_11_point: float
    voc_all_point: float


FIGURES = tuple(field.name for field in fields(ClassScores) if field.type == "float")


@dataclass(frozen=True)
class DetectionScores:
    """classes: one entry for each class of the data set, in its order. mean: over the classes that have
    objects, for each figure by itself; its counts are sums."""

    classes: tuple[ClassScores, ...]
    mean: ClassScores

    def __getitem__(self, name: str) -> ClassScores:
        """The figures of the class `name`; KeyError when the data set has none of that name."""
        for one in self.classes:
            if one.name == name:
                return one
        raise KeyError(name)


def evaluate(
    dataset: Dataset, found: Sequence[Detections], *, count_incomplete: bool = False
) -> DetectionScores:
    """All figures of COCO's and VOC's protocols for `found`, one Detections for each picture of the data set.

    Classes are compared by name; detections of classes that the data set does not have are passed over.
    COCO's figures are those of pycocotools (at most 100 detections of a class in a picture, 101 recall points,
    sizes by the labels' `areas`, crowds); the data set's other ignored objects count as VOC's difficult ones:
    finding them is neither right nor wrong.

    Where a picture's labels are incomplete for a class (Sample.incomplete), that class is not measured in that
    picture: its detections there are neither right nor wrong, and its objects are not asked for. With
    `count_incomplete` they count like all others. Raises ValueError when `found` does not fit.
    """
    truths = truth_table(dataset, count_incomplete=count_incomplete)
    detections = found_table(dataset, found, count_incomplete=count_incomplete)
    count = len(dataset.class_names)
    matches = match(truths, detections, count, IOU_THRESHOLDS, AREA_RANGES)
    classes = tuple(
        class_scores(name, matched) for name, matched in zip(dataset.class_names, matches, strict=True)
    )
    return DetectionScores(classes, _mean(classes))


def class_scores(name: str, matches: Matches) -> ClassScores:
    """The figures of one class. `matches` are at IOU_THRESHOLDS and AREA_RANGES."""
    ap, ar_100 = zip(*(_coco(matches, area, _MOST) for area in range(len(AREA_RANGES))), strict=True)
    truths = int(matches.counted[_ALL].sum())
    voc_11_point = voc_all_point = float("nan")
    if truths:
        curve = ranked(*voc_marks(matches), truths)
        voc_11_point, voc_all_point = voc_11_point_ap(*curve), voc_all_point_ap(*curve)
    return ClassScores(
        name,
        truths,
        len(matches.found),
        ap=_mean_of(ap[_ALL]),
        ap50=float(ap[_ALL][0]),
        ap75=float(ap[_ALL][5]),
        ap_small=_mean_of(ap[_SMALL]),
        ap_medium=_mean_of(ap[_MEDIUM]),
        ap_large=_mean_of(ap[_LARGE]),
        ar_1=_mean_of(_coco(matches, _ALL, 1)[1]),
        ar_10=_mean_of(_coco(matches, _ALL, 10)[1]),
        ar_100=_mean_of(ar_100[_ALL]),
        ar_small=_mean_of(ar_100[_SMALL]),
        ar_medium=_mean_of(ar_100[_MEDIUM]),
        ar_large=_mean_of(ar_100[_LARGE]),
        voc_11_point=voc_11_point,
        voc_all_point=voc_all_point,
    )


def _coco(matches: Matches, area: int, most: int) -> tuple[FloatArray, FloatArray]:
    """(T,) AP and (T,) recall by overlap, for one range of sizes and at most `most` detections of the class in a
    picture; NaN without objects."""
    truths = int(matches.counted[area].sum())
    if truths == 0:
        nothing = np.full(matches.hits.shape[1], np.nan)
        return nothing, nothing
    kept = matches.ranks < most
    hit, counts = matches.hits[area][:, kept] >= 0, ~matches.left_out[area][:, kept]
    recall, precision = ranked(hit & counts, ~hit & counts, truths)
    ap = [coco_ap(r, p) for r, p in zip(recall, precision, strict=True)]
    return np.array(ap), recall[:, -1] if recall.shape[1] else np.zeros(len(recall))


def _mean_of(values: FloatArray) -> float:
    """The mean of the values that are not NaN; NaN when there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _mean(classes: Sequence[ClassScores]) -> ClassScores:
    means = {name: _mean_of(np.array([getattr(one, name) for one in classes])) for name in FIGURES}
    return ClassScores(
        "mean", sum(one.truths for one in classes), sum(one.detections for one in classes), **means
    )
