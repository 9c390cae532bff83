"""How good a classifier is: top-1 and top-5, of all pictures and class by class, and what it takes for what.

Top-5 is the share of pictures whose class is among the five likeliest (Russakovsky et al. 2015, ImageNet, arXiv
1409.0575, section 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtdet.types import FloatArray, IntArray

TOP = 5


@dataclass(frozen=True)
class ClassFigures:
    """Of one class: how many pictures it has, the shares of them of which it is the likeliest class and among the
    five likeliest (NaN without pictures), and precision, the share that is right of the pictures that are taken for
    it (NaN where none is)."""

    name: str
    pictures: int
    top1: float
    top5: float
    precision: float


@dataclass(frozen=True)
class Confusion:
    """`count` of the `pictures` of a class were taken for another."""

    name: str
    taken_for: str
    count: int
    pictures: int


@dataclass(frozen=True, eq=False)
class ClassificationScores:
    """top1, top5: shares of all pictures. matrix (C, C): how many pictures of the row's class were taken for the
    column's."""

    top1: float
    top5: float
    pictures: int
    classes: tuple[ClassFigures, ...]
    matrix: IntArray

    @property
    def top5_says_nothing(self) -> bool:
        """With five classes or fewer each is among the five likeliest."""
        return len(self.classes) <= TOP

    def confusions(self, most: int = 10) -> list[Confusion]:
        """The pairs that are taken for each other most often, the most frequent first."""
        wrong = self.matrix.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        rows, columns = np.unravel_index(order, wrong.shape)
        names = [one.name for one in self.classes]
        return [
            Confusion(names[i], names[j], int(wrong[i, j]), self.classes[i].pictures)
            for i, j in zip(rows, columns, strict=True)
            if wrong[i, j]
        ]

    def as_json(self, most: int = 100) -> dict[str, Any]:
        """Shares from 0 to 1; null for those that are not defined."""
        return {
            "pictures": self.pictures,
            "top1": self.top1,
            "top5": self.top5,
            "classes": {
                one.name: {
                    "pictures": one.pictures,
                    **{name: _defined(getattr(one, name)) for name in ("top1", "top5", "precision")},
                }
                for one in self.classes
            },
            "confusions": [
                {"class": one.name, "taken_for": one.taken_for, "count": one.count, "pictures": one.pictures}
                for one in self.confusions(most)
            ],
        }


def classification_scores(
    scores: FloatArray, labels: IntArray, class_names: Sequence[str]
) -> ClassificationScores:
    """scores (N, C): how likely each class is, in any measure that grows with it; labels (N,). Of equal scores the
    first class counts as likelier. Raises ValueError without pictures."""
    if not len(labels):
        raise ValueError("there are no pictures to measure on")
    count = len(class_names)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    first = order[:, 0] == labels
    among = (order == labels[:, None]).any(1)
    matrix = np.zeros((count, count), dtype=np.int64)
    np.add.at(matrix, (labels, order[:, 0]), 1)
    taken = matrix.sum(0)
    classes = []
    for label, name in enumerate(class_names):
        own = labels == label
        pictures = int(own.sum())
        classes.append(
            ClassFigures(
                name, pictures, _share(first[own].sum(), pictures), _share(among[own].sum(), pictures),
                _share(matrix[label, label], taken[label]),
            )
        )  # fmt: skip
    return ClassificationScores(float(first.mean()), float(among.mean()), len(labels), tuple(classes), matrix)


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else float("nan")


def _defined(share: float) -> float | None:
    return None if np.isnan(share) else share
