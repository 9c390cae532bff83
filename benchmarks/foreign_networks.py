"""Precision and recall of networks of others, opened by their files, beside those that their collection states.

    python benchmarks/foreign_networks.py [--weights DIR] [--data DIR] [--readme FILE] [--only WORD]

Each network that opens runs on a labelled set, on the CPU in fp32, with scores from 0.05 on and NMS at 0.5. Printed
are the precision and the recall over all classes at a confidence of .25, AP50, and, where the README has a row with
the file and "P / R" as ".84 / .44", those figures and the confidences at which both are reached. The README's figures
are of other pictures, and say nothing about their confidence.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import rtdet
from rtdet.datasets import load_dataset
from rtdet.errors import RtdetError
from rtdet.evaluation.detection.curves import Curve
from rtdet.evaluation.detection.files import detect_all
from rtdet.evaluation.detection.measurement import labeled_classes, measure, only_classes

SHARED = Path(__file__).resolve().parents[2] / "shared/data"
SUFFIXES = (".onnx", ".xml", ".tflite", ".pb", ".cfg", ".pth")
CONFIDENCES = np.arange(0.05, 0.951, 0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--weights", type=Path, default=SHARED / "weights")
    parser.add_argument("--data", type=Path, default=SHARED / "coco/val")
    parser.add_argument("--readme", type=Path, default=SHARED / "README.md")
    parser.add_argument("--only", default="", help="only files with this in their name")
    options = parser.parse_args()
    for folder in (options.weights, options.data):
        if not folder.is_dir():
            print(f"skipped: there is no {folder}")
            return
    stated = dict(_stated(options.readme)) if options.readme.is_file() else {}
    dataset = load_dataset(options.data)
    print(f"{len(dataset)} pictures of {options.data.name}; P / R at .25, AP50; stated P / R; reached at")
    for path in sorted(options.weights.iterdir()):
        if path.suffix in SUFFIXES and options.only in path.name:
            try:
                print(_line(path, dataset, stated.get(path.stem)), flush=True)
            except RtdetError as error:
                print(f"{path.name:36s} not opened: {error!s:.60}")


def _line(path: Path, dataset: rtdet.Dataset, stated: tuple[float, float] | None) -> str:
    detector = rtdet.load_detector(
        path, thresholds=rtdet.Thresholds(0.05, 0.5), device="cpu", precision="fp32"
    )
    try:
        names = [name for name in labeled_classes(dataset) if name in detector.class_names]
        if not names:
            return f"{path.name:36s} knows no class of these pictures"
        measured = measure(only_classes(dataset, names), detect_all(detector, dataset))
    finally:
        detector.close()
    usual = measured.pooled.at(0.25)
    line = (
        f"{path.name:36s} {usual.precision:.2f} / {usual.recall:.2f}  {100 * measured.scores.mean.ap50:5.1f}"
    )
    if stated is None:
        return line
    return f"{line}   {stated[0]:.2f} / {stated[1]:.2f}   {_reached(measured.pooled, *stated)}"


def _reached(curve: Curve, precision: float, recall: float) -> str:
    """The confidences at which both are reached, to the second digit; else what comes nearest."""
    counts = [curve.at(confidence) for confidence in CONFIDENCES]
    gaps = [min(np.nan_to_num(one.precision) - precision, one.recall - recall) for one in counts]
    good = [confidence for confidence, gap in zip(CONFIDENCES, gaps, strict=True) if gap >= -0.005]
    if good:
        return f"{good[0]:.2f} to {good[-1]:.2f}"
    best = int(np.argmax(gaps))
    return (
        f"none; nearest {counts[best].precision:.2f} / {counts[best].recall:.2f} at {CONFIDENCES[best]:.2f}"
    )


def _stated(readme: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    """The precision and the recall of each file, by its name without suffix, from the table's rows. Where a row names
    several files, its pairs are theirs in order."""
    for line in readme.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        pairs = re.findall(r"(\.\d+) / (\.\d+)", cells[-1])
        if pairs:
            for name, (precision, recall) in zip(_names(cells[0]), pairs, strict=False):
                yield name, (float(precision), float(recall))


def _names(cell: str) -> list[str]:
    """ "a-v1 and -nobn (.cfg .weights)" as a-v1 and a-v1-nobn; "a.xml .bin" as a."""
    first, *more = re.split(r",\s*|\s+and\s+", re.sub(r"\(.*?\)", "", cell))
    stem = re.sub(r"\.(onnx|xml|tflite|pb|cfg|pth)$", "", first.split()[0])
    names = [stem]
    for other in more:
        other = other.split()[0]
        names.append(stem + other if other.startswith("-") else re.sub(r"\.\w+$", "", other))
    return names


if __name__ == "__main__":
    main()
