"""The card that a training writes beside its model: its classes, what it learnt from, how good it is."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtdet.datasets import Dataset
from rtdet.evaluation import DetectionScores
from rtdet.evaluation.classification import ClassificationScores
from rtdet.output_file import write_whole
from rtdet.training.calibration import pooled
from rtdet.types import Detections


@dataclass(frozen=True)
class Confidence:
    """A score to cut off at, with the precision and recall there, at IoU .5 and over all classes."""

    score: float
    precision: float
    recall: float


def choose_confidence(dataset: Dataset, found: Sequence[Detections]) -> Confidence | None:
    """The point of the precision-recall curve with the best F1; None without objects or right detections."""
    scores, hits, _ = pooled(found, dataset.samples)
    truths = sum(
        int((~sample.ignored & ~np.isin(sample.labels, sorted(sample.incomplete))).sum())
        for sample in dataset.samples
    )
    if not truths or not hits.any():
        return None
    order = np.argsort(-scores, kind="stable")
    right_so_far = np.cumsum(hits[order])
    precision = right_so_far / np.arange(1, len(order) + 1)
    recall = right_so_far / truths
    best = int(np.argmax(2 * precision * recall / np.maximum(precision + recall, 1e-9)))
    # Rounded down, so that the detection itself is kept.
    score = math.floor(float(scores[order[best]]) * 1000) / 1000
    return Confidence(score, float(precision[best]), float(recall[best]))


def write_card(
    folder: Path, class_names: Sequence[str], texts: Mapping[str, str],
    scores: DetectionScores, confidence: Confidence | None, kind: str = "ssd",
) -> None:  # fmt: skip
    """card.toml beside `folder`/model.safetensors. texts: more entries of a line of text each. kind: a name in
    registry.DETECTORS. Raises OutputError."""
    lines = [
        *_beginning(folder, class_names, texts, kind),
        f"ap50 = {_table(scores, 'ap50')}",
        f"ap = {_table(scores, 'ap')}",
    ]
    if confidence is not None:
        lines.append(
            f"confidence = {{ score = {confidence.score:.3f}, precision = {confidence.precision:.3f}, "
            f"recall = {confidence.recall:.3f} }}  # best F1 at IoU 0.5"
        )
    write_whole(folder / "card.toml", "\n".join(lines) + "\n")


def write_classifier_card(
    folder: Path, class_names: Sequence[str], texts: Mapping[str, str], scores: ClassificationScores
) -> None:
    """The same for a classifier: top-1 of each class and of all pictures, and top-5. Raises OutputError."""
    by_class = [(one.name, one.top1) for one in scores.classes]
    lines = [
        *_beginning(folder, class_names, texts, "classifier"),
        f"top1 = {_percent([*by_class, ('all', scores.top1)])}",
        f"top5 = {_percent([('all', scores.top5)])}",
    ]
    write_whole(folder / "card.toml", "\n".join(lines) + "\n")


def _beginning(folder: Path, class_names: Sequence[str], texts: Mapping[str, str], kind: str) -> list[str]:
    model = folder / "model.safetensors"
    content = model.read_bytes()
    return [
        f"name = {_quoted(folder.resolve().name)}",
        f"kind = {_quoted(kind)}",
        f"classes = [{', '.join(_quoted(name) for name in class_names)}]",
        f"file = {_quoted(model.name)}",
        f"size = {len(content)}  # bytes",
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
        "",
        *(f"{key} = {_quoted(text)}" for key, text in texts.items()),
    ]


def _table(scores: DetectionScores, figure: str) -> str:
    rows = [*((one.name, one) for one in scores.classes), ("mean", scores.mean)]
    return _percent([(name, float(getattr(one, figure))) for name, one in rows])


def _percent(shares: Sequence[tuple[str, float]]) -> str:
    """A table of TOML; classes without objects are left out."""
    inside = ", ".join(
        f"{_quoted(name)} = {100 * value:.1f}" for name, value in shares if math.isfinite(value)
    )
    return f"{{ {inside} }}"


def _quoted(text: str) -> str:
    """A string of TOML, which escapes as JSON does."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
