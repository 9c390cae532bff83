"""`rtdet compare`: several models on the same labelled pictures, how good and how quick."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import options
from rtdet.cli.console import listed, show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.errors import UnknownNameError, UsageError
from rtdet.extras import require
from rtdet.terminal import say
from rtdet.types import class_called

if TYPE_CHECKING:
    from rtdet.config import RunConfig
    from rtdet.datasets import Dataset
    from rtdet.evaluation.comparison import Comparison
    from rtdet.protocols import Detector

_SUFFIXES = (".html", ".json")


@click.command(context_settings=CONTEXT)
@click.option(
    "--data", required=True, metavar="DIR", help="Labelled pictures: COCO, VOC, YOLO, CVAT, labelme, ..."
)
@click.option("--split", metavar="PART", help="The part to use of a divided data set: train, val, test.")
@click.option(
    "--models", required=True, metavar="A,B,C", help="Names or files of models, separated by commas."
)
@click.option(
    "--out", metavar="REPORT.html|.json", help="Write the chart and the table, or all figures, to a file."
)
@options.classes()
@options.iou()
@options.max_det()
@options.imgsz()
@options.device()
@options.backend()
@options.precision("fp32, fp16, bf16, or auto: what `rtdet --source` uses on this machine.", default="auto")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 600), default=2.0, show_default=True,
    help="Time each model's speed for this long, three times over.",
)  # fmt: skip
@options.allow_loss()
@options.offline()
@options.quiet()
def command(
    data: str,
    split: str | None,
    models: str,
    out: str | None,
    classes: tuple[str, ...] | None,
    seconds: float,
    allow_loss: bool,
    **settings: Any,
) -> None:
    """Average precision and frames a second of several models on the labelled pictures in DIR, side by side.

    Compared are the labelled classes that all of the models know, by name. Speed is that of this machine, one picture
    at a time, from the picture to its boxes; the models take turns.
    """
    from rtdet.config import RunConfig
    from rtdet.datasets import load_dataset
    from rtdet.datasets.losses import say_losses
    from rtdet.evaluation.comparison import classes_of_all, compare, print_comparison
    from rtdet.evaluation.detection.files import check_pictures
    from rtdet.evaluation.detection.measurement import only_classes
    from rtdet.overwriting import refuse_overwriting

    show_messages(quiet=settings["quiet"])
    names = [name.strip() for name in models.split(",") if name.strip()]
    if not names:
        raise UsageError("--models names no model; `rtdet models` lists some")
    plain = [os.path.normpath(name) for name in names]
    if twice := [name for name, path in zip(names, plain, strict=True) if plain.count(path) > 1]:
        raise UsageError(f"--models names {twice[0]} twice")
    if out is not None:
        _check_out(out)
        refuse_overwriting({"--out": out}, [*names, data])
    dataset = load_dataset(Path(data), split=split, cut=False)
    say_losses(dataset.losses, data, allow=allow_loss)
    if not dataset.samples:
        raise UsageError(f"the labels in {data} list no pictures")
    for name in classes or ():
        if class_called(name, dataset.class_names) is None:
            raise UnknownNameError("class of the data", name, dataset.class_names)
    wanted = {class_called(name, dataset.class_names) for name in classes or ()}
    check_pictures(dataset)
    config = RunConfig(conf=0.001, **settings)
    with ExitStack() as opened:
        detectors = [
            (shown, _open(name, config, opened), _megabytes(name))
            for name, shown in zip(names, _shown(names), strict=True)
        ]
        shared = classes_of_all(dataset, [(name, one.class_names) for name, one, _ in detectors])
        if classes:
            shared = tuple(name for name in shared if name in wanted)
            if not shared:
                raise UsageError(f"not all of the models know {', '.join(classes)}; omit --classes")
        used = only_classes(dataset, shared)
        with progress("pictures", len(used) * len(names), config.quiet) as tick:
            comparison = compare(detectors, used, seconds=seconds, tick=tick)
    for name in names:
        _note_speed(name, comparison, config)
    notes = _notes(dataset, shared, [(name, one.class_names) for name, one, _ in detectors])
    print_comparison(comparison, notes)
    if out is not None:
        _write(out, comparison, notes, _About(dataset, split, config))


def _open(name: str, config: RunConfig, opened: ExitStack) -> Detector:
    from dataclasses import replace

    from rtdet.build import build_detector

    detector = build_detector(replace(config, model=name))
    opened.callback(detector.close)
    return detector


def _shown(names: Sequence[str]) -> list[str]:
    """Files by their name, with as many of its folders as tell it from the others: every training writes a
    model.safetensors. A model's name stays as it is."""
    parts = [Path(name).parts for name in names]

    def tail(own: tuple[str, ...], count: int) -> str:
        return "/".join(own[-count:])

    def shown(own: tuple[str, ...]) -> str:
        counts = range(1, len(own) + 1)
        return next(
            (tail(own, n) for n in counts if [tail(p, n) for p in parts].count(tail(own, n)) == 1), ""
        )

    return [shown(own) or name for own, name in zip(parts, names, strict=True)]


def _megabytes(name: str) -> float | None:
    """The size of a model's files."""
    from rtdet.detectors.registry import files_of_model, model_card, weights_of

    own = [path for path in files_of_model(name) if path.is_file()]
    if own:
        first = own[0]
        parts = [first, *(path for path in own[1:] if path.suffix in (".bin", ".weights"))]
        return sum(path.stat().st_size for path in parts) / 1e6
    return weights_of(model_card(name), offline=True).stat().st_size / 1e6


def _note_speed(name: str, comparison: Comparison, config: RunConfig) -> None:
    """For `rtdet models`."""
    from rtdet.detectors.registry import model_names
    from rtdet.detectors.speeds import note_speed

    if name in model_names():
        one = next(one for one in comparison.models if one.name == name)
        size = f", {config.imgsz} pixels" if config.imgsz else ""
        note_speed(name, one.per_second, f"one picture at a time{size}")


def _notes(dataset: Dataset, shared: tuple[str, ...], known: list[tuple[str, Any]]) -> list[str]:
    from rtdet.evaluation.detection.measurement import labeled_classes

    notes = [f"Pictures: {len(dataset)}. Classes: {listed(shared)}."]
    left = [name for name in labeled_classes(dataset) if name not in shared]
    if left:
        lacking = [name for name, classes in known if any(one not in classes for one in left)]
        notes.append(f"Not compared, because not every model knows them ({listed(lacking)}): {listed(left)}.")
    return notes


def _check_out(out: str) -> None:
    from rtdet.output_file import check_output, suffix_of

    if suffix_of(out, "report", _SUFFIXES) == ".html":
        require("report", "the report of --out", "jinja2")
    check_output(out)


@dataclass(frozen=True)
class _About:
    """What the report says of itself."""

    dataset: Dataset
    split: str | None
    config: RunConfig

    def lines(self) -> dict[str, str]:
        import platform

        config = self.config
        lines = {
            "data": self.dataset.folder.resolve().name + (f", {self.split}" if self.split else ""),
            "NMS IoU": f"{config.iou:g}",
            "device": config.device,
            "precision": config.precision,
            "machine": f"{platform.system()} {platform.machine()}",
        }
        if config.imgsz is not None:
            lines["input size"] = str(config.imgsz)
        return lines


def _write(out: str, comparison: Comparison, notes: list[str], about: _About) -> None:
    from rtdet.evaluation.comparison import render_comparison
    from rtdet.output_file import write_whole

    lines = about.lines()
    if out.lower().endswith(".json"):
        content = json.dumps({**lines, **comparison.as_json(), "notes": notes}, indent=1, allow_nan=False)
    else:
        title = f"{len(comparison.models)} models on {lines['data']}"
        content = render_comparison(comparison, title=title, notes=notes[1:], settings=lines)
    write_whole(out, content.encode("utf-8", errors="replace"))
    say(f"wrote {out}", err=True)
