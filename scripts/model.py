"""`make model`: the whole recipe of the embedded model, from labelled pictures to models/rtdet-n.safetensors.

    python scripts/model.py [--data DIR] [--everyday DIR] [--weights DIR] [--street FILE] [--out runs/rtdet-n]
                            [--street-steps N] [--steps N] [--lr X] [--subset N] [--graph]

    1 to 4. a model of the street's six classes (scripts/street.py); --street FILE takes one that is there
    5 to 9. from it one of COCO's 80 classes (scripts/everyday.py)
    10.     the scores of each class calibrated on the val pictures of both, measured, and written with its card and,
            as ONNX, its graph

A step whose result exists is not repeated; an interrupted training is resumed. With --subset (N pictures, for a trial
of the recipe) the result stays in --out; otherwise it becomes the embedded model. --graph only rewrites the graph of
the embedded weights. Takes three hours on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from everyday import make_everyday, subset
from street import CLASSES as STREET
from street import make_street

from rtdet.datasets import Dataset, load_dataset
from rtdet.datasets.incomplete import declare_incomplete
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.ssd.export import export_beside
from rtdet.detectors.ssd.weights import load_weights
from rtdet.evaluation import DetectionScores
from rtdet.training.finish import Result, finish
from rtdet.training.validation import Validation

ROOT = Path(__file__).resolve().parents[1]
EMBEDDED = ROOT / "models/rtdet-n.safetensors"
SHARED = ROOT.parent / "shared/data"


def main() -> int:
    options = _options()
    if options.graph:
        print(f"wrote {export_beside(EMBEDDED)}")
        return 0
    street, everyday = Path(options.data), Path(options.everyday)
    needs = [folder / part for folder in (street, everyday) for part in ("train", "val")]
    for needed in (*needs, Path(options.weights) / "yolox_nano_coco.onnx", *filter(None, [options.street])):
        if not Path(needed).exists():
            print(
                f"make model: {needed} is missing; name it: make model ARGS='--data DIR --everyday DIR ...'"
            )
            return 2
    out = Path(options.out)
    val = [
        subset(load_dataset(folder / "val", COCO_CLASSES), options.subset) for folder in (street, everyday)
    ]
    six = options.street or make_street(out / "street", val[0], options)
    model = make_everyday(out / "everyday", Path(six), *val, options)
    shutil.copyfile(model, out / "model.safetensors")
    result = finish_model(out, *val, options)
    plain = [scores(out, pictures) for pictures in val]
    for name, found in zip(("street", "everyday"), plain, strict=True):
        print(f"{name}: mean AP50 {found.mean.ap50:.1%}, AP {found.mean.ap:.1%}")
    if options.subset:
        print(f"a trial on {options.subset} pictures: models/ is left as it is")
    else:
        embed(out, result, *plain, options)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--data", default=str(SHARED / "street"), help="street pictures: holds train/ and val/"
    )
    parser.add_argument("--everyday", default=str(SHARED / "coco"), help="COCO's: holds train/ and val/")
    parser.add_argument("--weights", default=str(SHARED / "weights"), help="holds yolox_nano_coco.onnx")
    parser.add_argument("--street", help="a model of the street's six classes, instead of steps 1 to 4")
    parser.add_argument("--out", default=str(ROOT / "runs/rtdet-n"))
    parser.add_argument("--street-steps", type=int, default=9000)
    parser.add_argument("--steps", type=int, default=5000, help="of the training of 80 classes")
    # 5e-4, the rate of the street's training, undoes more in its first hundred steps than it teaches.
    parser.add_argument("--lr", type=float, default=2e-4, help="of the training of 80 classes")
    parser.add_argument("--demo-frames", type=int, default=600)
    parser.add_argument(
        "--subset", type=int, metavar="N", help="use only N pictures of each set, for a trial"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--graph", action="store_true", help="only export the embedded weights as ONNX")
    return parser.parse_args()


def finish_model(out: Path, street: Dataset, everyday: Dataset, options: argparse.Namespace) -> Result:
    """Calibrates and measures the model where the labels are complete: unlabelled cars in pictures in which only
    people are labelled do not count as false alarms, nor does what is no street's in any of these."""
    samples = declare_incomplete(street, {"*": ["*"]}).samples + everyday.samples
    texts = {
        "training": f"{options.steps} steps, lr {options.lr:g}",
        "measured": "classes that a source labels, on val",
    }
    return finish(out, Validation(replace(street, samples=samples)), texts, calibrate=True)


def scores(out: Path, val: Dataset) -> DetectionScores:
    """The scores where all detections count, also those of classes that a source never labels: the stricter figure,
    and the usual one."""
    validation = Validation(val)
    return validation.evaluate(validation.detect(load_weights(out / "model.safetensors")))


def embed(
    out: Path, result: Result, street: DetectionScores, everyday: DetectionScores, options: argparse.Namespace
) -> None:
    """Copies the model into models/ and updates the figures in its card; the card's texts stay."""
    weights, card = EMBEDDED, EMBEDDED.with_suffix(".toml")
    shutil.copyfile(out / "model.safetensors", weights)
    graph = export_beside(weights)
    content = weights.read_bytes()
    assert result.confidence is not None
    lines = {
        "size": f"{len(content)}  # bytes",
        "sha256": f'"{hashlib.sha256(content).hexdigest()}"',
        "steps": f"{options.steps}",
        "ap": f"{everyday.mean.ap:.3f}",
        "ap50": f"{everyday.mean.ap50:.3f}",
        "ap50_of_everyday": _percent(everyday, "ap50", STREET),
        "ap50_of_street": _percent(street, "ap50", STREET),
        "ap_of_street": _percent(street, "ap", STREET),
        "best_f1": "{{ confidence = {score:.2f}, precision = {precision:.2f}, recall = {recall:.2f} }}".format(
            **vars(result.confidence)
        ),
    }
    text = card.read_text(encoding="utf-8")
    for key, value in lines.items():
        text, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        if found != 1:
            raise SystemExit(f"{card} has no line {key} = ...; its figures are: {lines}")
    card.write_text(text, encoding="utf-8")
    print(f"wrote {weights}, {graph} and {card}; check the card: its texts are not written by this recipe")


def _percent(scores: DetectionScores, figure: str, names: Collection[str]) -> str:
    """A TOML table: the classes of these names that there are, and the mean over all that there are."""
    rows = [*((one.name, one) for one in scores.classes if one.name in names), ("mean", scores.mean)]
    values = [(name, 100 * float(getattr(one, figure))) for name, one in rows]
    return "{ " + ", ".join(f"{name} = {value:.1f}" for name, value in values if value == value) + " }"


if __name__ == "__main__":
    sys.exit(main())
