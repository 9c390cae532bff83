"""The figures of a tracker, and the counts that they are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

import numpy as np

from rtdet.types import FloatArray, IntArray

# The overlaps at which HOTA looks, .05 to .95; with arange, because others' are made so, to the last bit.
ALPHAS = np.arange(0.05, 0.99, 0.05)


@dataclass(frozen=True, eq=False)
class TrackingScores:
    """What a tracker did in a sequence or, as a sum, in several: counts, and the figures as properties.

    All figures are shares (0 to 1; MOTA may be below). Where nothing was to be found, or nothing was found, they
    are 0, but LocA 1.

    frames; truth_boxes and truth_ids, what was to be found; track_boxes and track_ids, what the tracker gave,
    without what fits a distractor.

    CLEAR MOT (Bernardin and Stiefelhagen 2008), at IoU .5: tp boxes that match, with the sum tp_iou of their IoU;
    idsw, matches of an object whose last match was another ID; frag, times that an object is matched again after it
    was not; mt, pt, ml: objects matched in more than 80%, 20 to 80%, less than 20% of their frames (Li et al. 2009).

    ID measures (Ristani et al. 2016), at IoU .5: idtp, boxes that match when each object is given one ID for the
    whole sequence, as well as can be.

    HOTA (Luiten et al. 2021), (19,) arrays by the ALPHAS: hota_tp, matches; hota_iou, the sum of their IoU; ass_a,
    ass_re, ass_pr, sums over the matches c, of an object and an ID, of TPA(c) / (TPA + FNA + FPA), TPA / (TPA + FNA)
    and TPA / (TPA + FPA), where TPA are the matches of the same two, FNA the object's other boxes, and FPA the ID's.
    """

    frames: int
    truth_boxes: int
    truth_ids: int
    track_boxes: int
    track_ids: int
    tp: int
    tp_iou: float
    idsw: int
    frag: int
    mt: int
    pt: int
    ml: int
    idtp: int
    hota_tp: IntArray
    hota_iou: FloatArray
    ass_a: FloatArray
    ass_re: FloatArray
    ass_pr: FloatArray

    def __add__(self, other: TrackingScores) -> TrackingScores:
        """Both together, as if they were one sequence in which no ID of the one is in the other."""
        names = [field.name for field in fields(self)]
        return TrackingScores(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def fp(self) -> int:
        return self.track_boxes - self.tp

    @property
    def fn(self) -> int:
        return self.truth_boxes - self.tp

    @property
    def mota(self) -> float:
        """1 - (FN + FP + IDSW) / objects; 0 where there are no objects."""
        return (self.tp - self.fp - self.idsw) / self.truth_boxes if self.truth_boxes else 0.0

    @property
    def motp(self) -> float:
        """Mean IoU of the matches."""
        return self.tp_iou / max(1, self.tp)

    @property
    def recall(self) -> float:
        return self.tp / max(1, self.truth_boxes)

    @property
    def precision(self) -> float:
        return self.tp / max(1, self.track_boxes)

    @property
    def idfp(self) -> int:
        return self.track_boxes - self.idtp

    @property
    def idfn(self) -> int:
        return self.truth_boxes - self.idtp

    @property
    def idf1(self) -> float:
        """2 IDTP / (2 IDTP + IDFP + IDFN)"""
        return 2 * self.idtp / max(1, self.truth_boxes + self.track_boxes)

    @property
    def idp(self) -> float:
        return self.idtp / max(1, self.track_boxes)

    @property
    def idr(self) -> float:
        return self.idtp / max(1, self.truth_boxes)

    @property
    def by_alpha(self) -> dict[str, FloatArray]:
        """(19,) each: HOTA = sqrt(DetA AssA), DetA = TP / (TP + FN + FP), and what they consist of."""
        tp = self.hota_tp
        some = np.maximum(tp, 1)
        det_a = tp / np.maximum(self.truth_boxes + self.track_boxes - tp, 1)
        return {
            "HOTA": np.sqrt(det_a * self.ass_a / some),
            "DetA": det_a,
            "AssA": self.ass_a / some,
            "DetRe": tp / max(self.truth_boxes, 1),
            "DetPr": tp / max(self.track_boxes, 1),
            "AssRe": self.ass_re / some,
            "AssPr": self.ass_pr / some,
            "LocA": np.where(tp > 0, self.hota_iou / some, 1.0),
        }

    @property
    def figures(self) -> dict[str, float]:
        """Every figure and count by its usual name; those of HOTA are means over the ALPHAS."""
        return {
            **{name: float(values.mean()) for name, values in self.by_alpha.items()},
            "MOTA": self.mota, "MOTP": self.motp, "Recall": self.recall, "Precision": self.precision,
            "IDF1": self.idf1, "IDP": self.idp, "IDR": self.idr,
            "TP": self.tp, "FP": self.fp, "FN": self.fn, "IDSW": self.idsw, "Frag": self.frag,
            "MT": self.mt, "PT": self.pt, "ML": self.ml,
            "IDTP": self.idtp, "IDFP": self.idfp, "IDFN": self.idfn,
            "frames": self.frames, "truth_boxes": self.truth_boxes, "truth_ids": self.truth_ids,
            "track_boxes": self.track_boxes, "track_ids": self.track_ids,
        }  # fmt: skip

    @property
    def hota(self) -> float:
        return float(self.by_alpha["HOTA"].mean())


def combined(scores: Iterable[TrackingScores]) -> TrackingScores:
    """All sequences together. Raises TypeError when there are none."""
    return reduce(TrackingScores.__add__, scores)


def as_json(scores: TrackingScores) -> dict[str, Any]:
    """The figures, and HOTA's curves."""
    curves = {name: values.tolist() for name, values in scores.by_alpha.items()}
    return {**scores.figures, "by_alpha": {"alpha": ALPHAS.round(2).tolist(), **curves}}
