"""Average precision of a detector on a labelled set, and what each confidence would give.

    python benchmarks/detector_ap.py [--data DIR] [--model rtdet-n] [--imgsz N] [--every N]

On the CPU in fp32, with NMS at 0.6 and scores from 0.01. Prints AP50 and AP for each class, and for a choice of
confidences the precision and recall at IoU 0.5 over all classes, from which the default confidence is chosen.
Labels of classes that the model does not know, and classes that the set does not label, are left out.
`rtdet eval detect` tells much more; with --iou 0.6 its AP differs by what the scores below 0.01 add.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import rtdet
from rtdet.datasets import Dataset, load_dataset
from rtdet.evaluation.detection.files import detect_all
from rtdet.evaluation.detection.measurement import labeled_classes, measure, only_classes

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared/data/street/val"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--model", default="rtdet-n")
    parser.add_argument("--imgsz", type=int)
    parser.add_argument("--every", type=int, default=1, help="only every N-th picture")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"skipped: needs a labelled set: --data DIR (there is no {options.data})")
        return
    detector = rtdet.load_detector(
        options.model,
        thresholds=rtdet.Thresholds(0.01, 0.6),
        device="cpu",
        precision="fp32",
        imgsz=options.imgsz,
    )
    whole = load_dataset(options.data)
    dataset = Dataset(whole.folder, whole.class_names, whole.samples[:: options.every])
    names = [name for name in labeled_classes(dataset) if name in detector.class_names]
    measured = measure(only_classes(dataset, names), detect_all(detector, dataset))
    detector.close()
    print(f"{options.model} on {len(dataset)} pictures of {options.data.name}")
    for scores in (*measured.scores.classes, measured.scores.mean):
        print(f"{scores.name:12s} AP50 {100 * scores.ap50:5.1f}  AP {100 * scores.ap:5.1f}")
    for conf in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5):
        counts = measured.pooled.at(conf)
        print(f"at confidence {conf:.2f}: precision {counts.precision:.2f}, recall {counts.recall:.2f}")


if __name__ == "__main__":
    main()
