"""`make model`: the whole recipe of the embedded model, from labelled street pictures to models/rtdet-n.safetensors.

    python scripts/model.py [--data DIR] [--weights DIR] [--out runs/rtdet-n] [--steps N] [--subset N] [--graph]

    1. labels    missing labels are added by a teacher: YOLOX-nano at two sizes, mirrored too
    2. start     an SSD on YOLOX-nano's trunk that detects what YOLOX-nano does (training/transfer.py)
    3. training  `rtdet train` on the completed labels and on rendered frames of the demo, the first stages left as
                 they are
    4. blend     between the start and the training (training/blending.py), the share chosen on the val pictures;
                 the branches that tell classes apart stay the start's
    5. finish    scores calibrated on the val pictures, measured, and written with its card and, as ONNX, its graph

A step whose result exists is not repeated; an interrupted training is resumed. With --subset (N pictures, for a trial
of the recipe) the result stays in --out; otherwise it becomes the embedded model. --graph only rewrites the graph of
the embedded weights.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from rtdet.datasets import Dataset, load_dataset
from rtdet.datasets.completion import Completion
from rtdet.datasets.incomplete import declare_incomplete
from rtdet.datasets.label import label_parts, parts_or_pictures
from rtdet.detectors.registry import load_detector
from rtdet.detectors.ssd.export import export_beside
from rtdet.detectors.ssd.weights import load_weights, save_weights
from rtdet.evaluation import DetectionScores
from rtdet.training.blending import blend
from rtdet.training.finish import Result, finish
from rtdet.training.transfer import from_yolox
from rtdet.training.validation import Validation
from rtdet.types import Thresholds

ROOT = Path(__file__).resolve().parents[1]
EMBEDDED = ROOT / "models/rtdet-n.safetensors"
SHARED = ROOT.parent / "shared/data"
CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
TEACHER_SIZES = (416, 608)
# Rather generous: doubtful detections are ignored, and a wrong label of a rare class costs less than a missing one.
RULE = Completion(accept=0.35, accept_labeled=0.5, unsure=0.1)
# The branches that tell classes apart stay as COCO's 80 classes taught them. The street pictures show few objects of
# other classes: fine-tuned on them, these branches take bottles for people.
KEPT = (".class_branch.", ".classes.")
# Beyond .7 the model forgets more of what is not in the street pictures than the val pictures can show.
SHARES = (0.5, 0.6, 0.7)
# A smaller share keeps more of what was known: it wins unless it costs more AP50 than this on the val pictures.
WORTH = 0.002


def main() -> int:
    options = _options()
    if options.graph:
        print(f"wrote {export_beside(EMBEDDED)}")
        return 0
    data, teacher = Path(options.data), Path(options.weights) / "yolox_nano_coco.onnx"
    for needed in (data / "train", data / "val", teacher):
        if not needed.exists():
            print(
                f"make model: {needed} is missing; name the folders: make model ARGS='--data DIR --weights DIR'"
            )
            return 2
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    labeled, start, training = out / "labelled", out / "start.safetensors", out / "training"
    if not labeled.exists():
        complete_labels(data / "train", teacher, labeled, options.subset)
    if not start.exists():
        save_weights(from_yolox(teacher, CLASSES, norm_pictures(labeled)), start)
    train(labeled, data / "val", start, training, options)
    val = load_dataset(data / "val", CLASSES)
    if options.subset:
        val = replace(val, samples=val.samples[:: max(1, len(val.samples) // options.subset)])
    share = blend_best(start, training / "model.safetensors", out / "model.safetensors", val)
    result = finish_model(out, val, share, training)
    if options.subset:
        print(f"a trial on {options.subset} pictures: models/ is left as it is")
    else:
        embed(out, result, plain_scores(out, val), options.steps, share)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", default=str(SHARED / "street"), help="holds train/ and val/")
    parser.add_argument("--weights", default=str(SHARED / "weights"), help="holds yolox_nano_coco.onnx")
    parser.add_argument("--out", default=str(ROOT / "runs/rtdet-n"))
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--demo-frames", type=int, default=600)
    parser.add_argument("--subset", type=int, metavar="N", help="use only N pictures, for a trial")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--graph", action="store_true", help="only export the embedded weights as ONNX")
    return parser.parse_args()


def complete_labels(folder: Path, teacher: Path, out: Path, subset: int | None) -> None:
    """Writes a data set with the labels made by people and those that the teacher adds."""
    parts = parts_or_pictures(folder)
    if subset:
        parts = {
            name: replace(raw, pictures=raw.pictures[:: max(1, len(raw.pictures) // subset)])
            for name, raw in parts.items()
        }
    detectors = [
        load_detector(teacher, thresholds=Thresholds(0.03, 0.6), imgsz=size) for size in TEACHER_SIZES
    ]
    unfinished = out.with_name(out.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    done = label_parts(parts, unfinished, detectors, CLASSES, RULE, teacher=teacher.stem)
    unfinished.rename(out)
    print(f"labels: {done.kept} kept, {done.added} added by the teacher, {done.doubted} in doubt")


def norm_pictures(folder: Path, count: int = 16, side: int = 416) -> Iterator[torch.Tensor]:
    """Pictures, spread evenly over the data set, to compute the statistics of the start's norms from."""
    samples = load_dataset(folder).samples
    for i in np.linspace(0, len(samples) - 1, min(count, len(samples))).astype(int):
        image = cv2.resize(samples[i].read(), (side, side))
        yield torch.from_numpy(image).permute(2, 0, 1)[None].float()


def train(labeled: Path, val: Path, start: Path, out: Path, options: argparse.Namespace) -> None:
    """Runs `rtdet train` as a user would."""
    begun = (out / "last.pt").exists()
    if begun and (out / "card.toml").exists():
        return
    command = [
        "train", "--data", labeled, "--val", val, "--model", start, "--classes", ",".join(CLASSES), "--out", out,
        "--steps", options.steps, "--lr", 5e-4, "--freeze", 8, "--ema", 0.999, "--batch", 16, "--size", 320,
        "--demo-frames", options.demo_frames, "--balance", 0.2, "--device", options.device,
    ]  # fmt: skip
    if begun:
        command.append("--resume")
    words = [str(word) for word in command]
    print("$ rtdet", shlex.join(words), flush=True)
    subprocess.run([sys.executable, "-m", "rtdet", *words], check=True)


def blend_best(start: Path, tuned: Path, out: Path, val: Dataset) -> float:
    """Writes the blend with the smallest share that comes within WORTH of the best mean AP50; returns the share."""
    validation = Validation(val)
    before, after = load_weights(start), load_weights(tuned)
    scores = {}
    for share in SHARES:
        scores[share] = validation(blend(before, after, share, KEPT)).ap50
        print(f"share {share:.1f} of the training: AP50 {100 * scores[share]:.1f}", flush=True)
    share = next(share for share in SHARES if scores[share] >= max(scores.values()) - WORTH)
    save_weights(blend(before, after, share, KEPT), out)
    return share


def finish_model(out: Path, val: Dataset, share: float, training: Path) -> Result:
    """Calibrates and measures the model where the labels are complete: unlabelled cars in pictures in which only
    people are labelled do not count as false alarms."""
    texts = {"training": f"{share:.0%} of {training}", "measured": "classes that a source labels, on val"}
    return finish(out, Validation(declare_incomplete(val, {"*": ["*"]})), texts, calibrate=True)


def plain_scores(out: Path, val: Dataset) -> DetectionScores:
    """The scores where all detections count, also those of classes that a source never labels: the stricter figure,
    and the usual one."""
    validation = Validation(val)
    return validation.evaluate(validation.detect(load_weights(out / "model.safetensors")))


def embed(out: Path, result: Result, plain: DetectionScores, steps: int, share: float) -> None:
    """Copies the model into models/ and updates the figures in its card; the card's texts stay."""
    weights, card = EMBEDDED, EMBEDDED.with_suffix(".toml")
    shutil.copyfile(out / "model.safetensors", weights)
    graph = export_beside(weights)
    content = weights.read_bytes()
    assert result.confidence is not None
    lines = {
        "size": f"{len(content)}  # bytes",
        "sha256": f'"{hashlib.sha256(content).hexdigest()}"',
        "training": f'"{steps} steps of 16 pictures at 320x320, frozen up to stride 8; then {share:.0%} of it '
        'and the rest of the start, whose branches that tell classes apart are kept entirely"',
        "recipe": '"`make model`, as it stands beside these weights"',
        "ap50": _percent(plain, "ap50"),
        "ap": _percent(plain, "ap"),
        "ap50_where_labelled": _percent(result.scores, "ap50"),
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


def _percent(scores: DetectionScores, figure: str) -> str:
    rows = [*((one.name, one) for one in scores.classes), ("mean", scores.mean)]
    values = [(name, 100 * float(getattr(one, figure))) for name, one in rows]
    return "{ " + ", ".join(f"{name} = {value:.1f}" for name, value in values if value == value) + " }"


if __name__ == "__main__":
    sys.exit(main())
