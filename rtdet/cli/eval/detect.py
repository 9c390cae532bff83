"""`rtdet eval detect`: measures a detector on labelled pictures."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import options
from rtdet.cli.console import listed, show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.errors import OutputError, UnknownNameError, UsageError
from rtdet.extras import require
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.config import RunConfig
    from rtdet.datasets import Dataset
    from rtdet.evaluation.detection.measurement import Measurement
    from rtdet.types import Detections

# AP is computed from the whole curve, which the least certain detections belong to.
_LOWEST_SCORE = 0.001
_REPORT = ("report.html", "metrics.json", "pr_curves.csv", "pr_curves.png")


@click.command(context_settings=CONTEXT)
@click.option(
    "--data", required=True, metavar="DIR", help="Labelled pictures: COCO, VOC, YOLO, CVAT, labelme, ..."
)
@click.option("--split", metavar="PART", help="The part to use of a divided data set: train, val, test.")
@options.model("The model to measure.", unset=True)
@click.option(
    "--detections", metavar="DETS.json", help="Instead of a model: a file written by `rtdet detect`."
)
@click.option(
    "--out",
    metavar="REPORT_DIR",
    help="Write report.html, metrics.json, pr_curves.csv and pr_curves.png here.",
)
@options.conf("Confidence from which detections are counted as right or wrong; AP uses every score.")
@click.option(
    "--match-iou", type=float, default=0.5, show_default=True,
    help="Overlap (IoU) with an object from which a detection is counted as right.",
)  # fmt: skip
@options.iou()
@options.classes()
@options.max_det()
@options.imgsz()
@options.head()
@options.input_spec()
@options.device()
@options.backend()
@options.precision("fp32, fp16, bf16, or auto: what `rtdet --source` uses on this machine.", default="fp32")
@click.option(
    "--count-incomplete", is_flag=True,
    help="Also count classes in pictures whose labels are declared incomplete for them.",
)  # fmt: skip
@options.allow_loss()
@options.offline()
@options.quiet()
def detect(
    data: str,
    split: str | None,
    model: str | None,
    detections: str | None,
    out: str | None,
    match_iou: float,
    classes: tuple[str, ...] | None,
    count_incomplete: bool,
    allow_loss: bool,
    **settings: Any,
) -> None:
    """Precision, recall and average precision (COCO's and VOC's) of MODEL on the labelled pictures in DIR.

    Classes are compared by name. Those that have labels and that the model knows are measured. The model runs in
    fp32; to see what a faster precision costs on this machine, measure again with --precision auto.
    """
    from rtdet.class_groups import with_groups
    from rtdet.config import RunConfig
    from rtdet.datasets import load_dataset
    from rtdet.datasets.losses import say_losses
    from rtdet.detectors.registry import files_of_model
    from rtdet.evaluation.detection.measurement import measure, only_classes
    from rtdet.evaluation.report import print_scores
    from rtdet.overwriting import refuse_overwriting

    show_messages(quiet=settings["quiet"])
    if model is not None and detections is not None:
        raise UsageError("give --model or --detections, not both: the file already holds what a model saw")
    if not 0 < match_iou <= 1:
        raise UsageError(f"--match-iou must be above 0 and at most 1, not {match_iou:g}")
    config = RunConfig(model=model or RunConfig.model, **settings)
    if out is not None:
        require("report", "the report of --out")
    folder = _check_folder(out) if out is not None else None
    if folder is not None:
        read = chain(Path(data).rglob("*"), [detections], files_of_model(config.model))
        refuse_overwriting({f"--out: {name}": folder / name for name in _REPORT}, read)
    # As they were written: AP is that of COCO's tools only where truth is cut no more than detections are.
    dataset = load_dataset(Path(data), split=split, cut=False)
    say_losses(dataset.losses, data, allow=allow_loss)
    if not dataset.samples:
        raise UsageError(f"the labels in {data} list no pictures")
    wanted = with_groups(classes or (), dataset.class_names)
    for name in wanted:
        if name not in dataset.class_names:
            raise UnknownNameError("class of the data", name, dataset.class_names)
    config = replace(config, classes=wanted)
    seen = _from_file(Path(detections), dataset, wanted) if detections else _from_model(config, dataset)
    measured = measure(
        only_classes(dataset, seen.names),
        seen.found,
        config.conf,
        match_iou,
        count_incomplete=count_incomplete,
    )
    lost = dataset.losses.sentence()
    notes = seen.notes + _incomplete_note(measured.dataset, count_incomplete)
    notes += [f"Of the labels as written: {lost}."] if lost else []
    print_scores(measured, notes)
    if folder is not None:
        about: dict[str, Any] = {
            "measured": Path(detections or config.model).name,
            "data": dataset.folder.resolve().name,
            **({} if split is None else {"split": split}),
            **seen.settings,
        }
        _write(folder, measured, notes, about)


@dataclass
class _Seen:
    """Detections to measure: what was found in each picture, the names of the measured classes, notes about those
    that are not measured, and the settings the model ran with."""

    found: list[Detections]
    names: list[str]
    notes: list[str]
    settings: dict[str, Any] = field(default_factory=dict)


def _from_file(path: Path, dataset: Dataset, wanted: tuple[str, ...]) -> _Seen:
    from rtdet.evaluation.detection.files import read_detections

    found = read_detections(path, dataset)
    return _Seen(found, *_measured_classes(dataset, found[0].class_names, wanted, path.name, is_file=True))


def _from_model(config: RunConfig, dataset: Dataset) -> _Seen:
    from rtdet.build import build_detector
    from rtdet.evaluation.detection.files import check_pictures, detect_all

    # Whatever is wrong with the pictures, the model or the classes is reported before the measurement begins.
    check_pictures(dataset)
    lowest = min(_LOWEST_SCORE, config.conf)
    detector = build_detector(replace(config, conf=lowest))
    try:
        names, notes = _measured_classes(
            dataset, detector.class_names, config.classes, Path(config.model).name
        )
        with progress("pictures", len(dataset), config.quiet) as tick:
            found = detect_all(detector, dataset, tick)
    finally:
        detector.close()
    settings = {
        "nms_iou": config.iou,
        "max_det": config.max_det,
        "lowest_score": lowest,
        "precision": config.precision,
    }
    if config.imgsz is not None:
        settings["imgsz"] = config.imgsz
    return _Seen(found, names, notes, settings)


def _measured_classes(
    dataset: Dataset, known: Sequence[str], wanted: Sequence[str], subject: str, *, is_file: bool = False
) -> tuple[list[str], list[str]]:
    """(the classes that are measured, notes about those that are not).

    known: the classes that a model detects, or that a file has detections of. A class that a file does not name may
    have been looked for without success, so it is measured too.
    """
    from rtdet.evaluation.detection.measurement import labeled_classes
    from rtdet.terminal import for_terminal

    labeled = labeled_classes(dataset)
    if not labeled:
        raise UsageError(f"nothing to measure: {dataset.folder} has no labelled object")
    asked = wanted or labeled
    absent = [name for name in asked if name not in known]
    names = [name for name in asked if is_file or name not in absent]
    if not names:
        raise UsageError(
            f"nothing to measure: {dataset.folder} has labels of {for_terminal(listed(labeled))}, "
            f"none of which {subject} knows (classes are compared by name)"
        )
    notes = []
    if is_file and (unseen := [name for name in absent if name in labeled]):
        notes.append(f"{subject} has no detections of {listed(unseen)}: all such objects count as missed.")
    elif absent and not is_file:
        notes.append(f"Not measured, because {subject} does not know the class: {listed(absent)}.")
    if not wanted and (unlabeled := [name for name in known if name not in labeled]):
        notes.append(f"Not measured, because the data has no labels of the class: {listed(unlabeled)}.")
    return names, notes


def _incomplete_note(dataset: Dataset, counted: bool) -> list[str]:
    parts = []
    for label, name in enumerate(dataset.class_names):
        count = sum(label in sample.incomplete for sample in dataset.samples)
        if count:
            parts.append(f"{name} in {count}")
    if not parts:
        return []
    rule = "counted anyway" if counted else "left out there"
    return [
        f"Labels are declared incomplete, and the class is {rule}: {listed(parts)} of {len(dataset)} pictures."
    ]


def _check_folder(out: str) -> Path:
    """The folder of the report. Raises OutputError where it cannot be written; creates nothing, so that a run that
    fails later leaves nothing behind."""
    folder = Path(out)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for path in missing:
            path.rmdir()
    except OSError as error:
        raise OutputError(f"cannot write a report to {folder}: {error.strerror}; choose another") from error
    return folder


def _write(folder: Path, measured: Measurement, notes: list[str], about: dict[str, Any]) -> None:
    from rtdet.evaluation.detection.measurement import as_json, curves_as_csv
    from rtdet.evaluation.report import curves_as_png, render_report
    from rtdet.output_file import write_whole

    title = f"{about['measured']} on {about['data']}" + (f", {about['split']}" if "split" in about else "")
    settings = {key.replace("_", " "): str(value) for key, value in about.items()}
    # JSON can contain what UTF-8 cannot encode (half of a surrogate pair).
    texts = (
        render_report(measured, title=title, notes=notes, settings=settings),
        json.dumps(as_json(measured, {**about, "notes": notes}), indent=1, allow_nan=False),
        curves_as_csv(measured),
    )
    contents = [*(text.encode("utf-8", "replace") for text in texts), curves_as_png(measured)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write a report to {folder}: {error.strerror}; choose another") from error
    for name, content in zip(_REPORT, contents, strict=True):
        write_whole(folder / name, content)
    say(f"wrote {folder / 'report.html'}", err=True)
