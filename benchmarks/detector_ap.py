"""Average precision of a detector on a labelled set (COCO JSON beside images/), by pycocotools.

    python benchmarks/detector_ap.py [--data DIR] [--model rtdet-n] [--imgsz N] [--every N]

Prints AP50 and AP for each class, and for a choice of confidences the precision and recall at IoU 0.5 over
all classes, from which the default confidence is chosen. Labels of classes that the model does not know, and
classes that the set does not label, are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import rtdet
from rtdet.geometry.boxes import iou, ltwh_to_xyxy

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared/data/street/val"


def load(folder: Path, every: int) -> dict[str, Any]:
    """The labels of every N-th picture."""
    labels: dict[str, Any] = json.loads((folder / f"{folder.name}.json").read_text())
    labels["images"] = labels["images"][::every]
    wanted = {image["id"] for image in labels["images"]}
    labels["annotations"] = [row for row in labels["annotations"] if row["image_id"] in wanted]
    return labels


def detect(detector: rtdet.Detector, labels: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Detections as COCO result rows."""
    ids = {category["name"]: category["id"] for category in labels["categories"]}
    pictures = labels["images"]
    rows = []
    for start in range(0, len(pictures), 16):
        chunk = pictures[start : start + 16]
        images = [cv2.imread(str(folder / "images" / picture["file_name"])) for picture in chunk]
        for picture, found in zip(chunk, detector.detect(images), strict=True):
            for i in range(len(found)):
                if found.name_of(i) not in ids:
                    continue
                x1, y1, x2, y2 = found.boxes[i]
                row = {
                    "image_id": picture["id"],
                    "category_id": ids[found.name_of(i)],
                    "score": found.scores[i],
                }
                rows.append({**row, "bbox": [x1, y1, x2 - x1, y2 - y1]})
    return rows


def average_precision(labels: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """AP50 and AP, in percent, of each labelled class and their mean."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    scores = {}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = labels
        truth.createIndex()
        found = truth.loadRes(rows)
        for category in labels["categories"]:
            if not any(row["category_id"] == category["id"] for row in labels["annotations"]):
                continue
            evaluation = COCOeval(truth, found, "bbox")
            evaluation.params.catIds = [category["id"]]
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            scores[category["name"]] = (100 * evaluation.stats[1], 100 * evaluation.stats[0])
    means = np.mean(list(scores.values()), axis=0)
    return {**scores, "mean": (float(means[0]), float(means[1]))}


def precision_recall(labels: dict[str, Any], rows: list[dict[str, Any]], conf: float) -> tuple[float, float]:
    """Precision and recall at IoU 0.5 of detections of at least `conf`, greedy by score, over all classes."""
    labelled = {row["category_id"] for row in labels["annotations"]}
    truths: dict[tuple[int, int], list[list[float]]] = {}
    for row in labels["annotations"]:
        truths.setdefault((row["image_id"], row["category_id"]), []).append(row["bbox"])
    kept = [row for row in rows if row["score"] >= conf and row["category_id"] in labelled]
    hits, taken = 0, set()
    for row in sorted(kept, key=lambda row: -row["score"]):
        key = (row["image_id"], row["category_id"])
        boxes = ltwh_to_xyxy(np.array(truths.get(key, []), dtype=np.float64).reshape(-1, 4))
        overlaps = iou(ltwh_to_xyxy(np.array([row["bbox"]], dtype=np.float64)), boxes)[0]
        for index in np.argsort(-overlaps):
            if overlaps[index] >= 0.5 and (*key, index) not in taken:
                taken.add((*key, index))
                hits += 1
                break
    return hits / max(1, len(kept)), hits / max(1, len(labels["annotations"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--model", default="rtdet-n")
    parser.add_argument("--imgsz", type=int)
    parser.add_argument("--every", type=int, default=1, help="only every N-th picture")
    options = parser.parse_args()
    if not (options.data / f"{options.data.name}.json").is_file():
        print(
            f"skipped: needs a labelled set, DIR/images and DIR/DIR.json: --data DIR (not in {options.data})"
        )
        return
    detector = rtdet.load_detector(
        options.model, thresholds=rtdet.Thresholds(0.01, 0.6), device="cpu", imgsz=options.imgsz
    )
    labels = load(options.data, options.every)
    known = [c for c in labels["categories"] if c["name"] in detector.class_names]
    labels["categories"] = known
    labels["annotations"] = [r for r in labels["annotations"] if r["category_id"] in {c["id"] for c in known}]
    rows = detect(detector, labels, options.data)
    print(f"{options.model} on {len(labels['images'])} pictures of {options.data.name}")
    for name, (ap50, ap) in average_precision(labels, rows).items():
        print(f"{name:12s} AP50 {ap50:5.1f}  AP {ap:5.1f}")
    for conf in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5):
        precision, recall = precision_recall(labels, rows, conf)
        print(f"at confidence {conf:.2f}: precision {precision:.2f}, recall {recall:.2f}")


if __name__ == "__main__":
    main()
