"""Measures a model on a data set, and writes the results as JSON and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from rtdet.csv_text import text_cell
from rtdet.datasets import Dataset
from rtdet.evaluation.detection.curves import Counts, Curve, curve_of, pooled_curve
from rtdet.evaluation.detection.matching import found_table, match, truth_table
from rtdet.evaluation.detection.mistakes import Mistake, false_alarms, kinds_of, misses
from rtdet.evaluation.detection.outcomes import Outcomes, outcomes
from rtdet.evaluation.detection.scores import DetectionScores, evaluate
from rtdet.types import Detections, FloatArray

_EVERY_SIZE = np.array([[0.0, np.inf]])


@dataclass(frozen=True, eq=False)
class Measurement:
    """scores: COCO's and VOC's figures. curves: one for each class of the data set, by confidence, and `pooled`
    for all together. outcomes: at the chosen confidence, with the counts of each class, every false alarm and
    every miss."""

    dataset: Dataset
    scores: DetectionScores
    curves: tuple[Curve, ...]
    pooled: Curve
    outcomes: Outcomes
    counts: tuple[Counts, ...]
    false_alarms: tuple[Mistake, ...]
    misses: tuple[Mistake, ...]

    @property
    def total(self) -> Counts:
        """The counts of all classes together."""
        return Counts(
            sum(one.tp for one in self.counts),
            sum(one.fp for one in self.counts),
            sum(one.fn for one in self.counts),
        )


def labeled_classes(dataset: Dataset) -> tuple[str, ...]:
    """The classes that have an object to be found, in the data set's order: the others cannot be measured."""
    there = {label for sample in dataset.samples for label in sample.labels[~sample.ignored].tolist()}
    return tuple(name for i, name in enumerate(dataset.class_names) if i in there)


def only_classes(dataset: Dataset, class_names: Sequence[str]) -> Dataset:
    """The same pictures with objects of these classes only; `class_names` may name classes without objects."""
    place = {name: i for i, name in enumerate(class_names)}
    # The last entry is for label -1.
    table = np.array([*(place.get(name, -1) for name in dataset.class_names), -1], dtype=np.int64)
    samples = []
    for sample in dataset.samples:
        kept = sample[table[sample.labels] >= 0]
        incomplete = frozenset(int(table[label]) for label in sample.incomplete) - {-1}
        samples.append(replace(kept, labels=table[kept.labels], incomplete=incomplete))
    return Dataset(dataset.folder, tuple(class_names), samples)


def measure(
    dataset: Dataset,
    found: Sequence[Detections],
    confidence: float = 0.25,
    min_iou: float = 0.5,
    *,
    count_incomplete: bool = False,
) -> Measurement:
    """Everything about `found`, one Detections for each picture. confidence and min_iou are those at which
    detections are counted as right or wrong; the figures of COCO and VOC have their own. Raises ValueError when
    `found` does not fit the data set."""
    truths = truth_table(dataset, count_incomplete=count_incomplete)
    every = found_table(dataset, found, count_incomplete=count_incomplete)
    matches = list(match(truths, every, len(dataset.class_names), np.array([min_iou]), _EVERY_SIZE))
    happened = outcomes(dataset.class_names, truths, every, matches, confidence, min_iou)
    return Measurement(
        dataset,
        evaluate(dataset, found, count_incomplete=count_incomplete),
        tuple(curve_of(name, one) for name, one in zip(dataset.class_names, matches, strict=True)),
        pooled_curve("all", matches),
        happened,
        tuple(happened.counts()),
        tuple(false_alarms(happened)),
        tuple(misses(happened, dataset)),
    )


def as_json(measured: Measurement, about: dict[str, Any]) -> dict[str, Any]:
    """All figures as a JSON object, NaN as null. `about` (the model, the settings) goes first."""
    happened = measured.outcomes
    classes = {}
    for scores, counts, curve in zip(measured.scores.classes, measured.counts, measured.curves, strict=True):
        classes[scores.name] = {
            **_figures(asdict(scores)),
            **_counted(counts),
            "best_f1_confidence": curve.best_confidence(),
        }
    return {
        **about,
        "pictures": len(measured.dataset.samples),
        "confidence": happened.confidence,
        "match_iou": happened.min_iou,
        "mean": {
            **_figures(asdict(measured.scores.mean)),
            **_counted(measured.total),
            "best_f1_confidence": measured.pooled.best_confidence(),
        },
        "classes": classes,
        "confusion_matrix": {
            "rows_are_labelled_columns_are_detected": [*happened.class_names, "background"],
            "counts": happened.confusion_matrix().tolist(),
        },
        "false_alarms_by_kind": kinds_of(measured.false_alarms),
        "misses_by_kind": kinds_of(measured.misses),
    }


def curves_as_csv(measured: Measurement) -> str:
    """class, confidence, tp, fp, precision, recall, f1: a row for every score that occurs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "confidence", "tp", "fp", "precision", "recall", "f1"])
    for curve in measured.curves:
        columns: list[FloatArray] = [curve.precision, curve.recall, curve.f1]
        for i, confidence in enumerate(curve.confidences):
            shares = [f"{column[i]:.6f}" for column in columns]
            writer.writerow([text_cell(curve.name), f"{confidence:.6g}", curve.tp[i], curve.fp[i], *shares])
    return text.getvalue()


def _figures(values: dict[str, Any]) -> dict[str, Any]:
    del values["name"]
    return {key: or_none(value) for key, value in values.items()}


def _counted(counts: Counts) -> dict[str, Any]:
    shares = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {**asdict(counts), **{key: or_none(value) for key, value in shares.items()}}


def or_none(value: Any) -> Any:
    """NaN as None, for JSON."""
    return None if isinstance(value, float) and math.isnan(value) else value
