"""`rtdet data label DIR --model X --out DIR`: completes labels with the detections of a teacher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.datasets.raw import RawLabels
    from rtdet.protocols import Detector


@click.command(context_settings=CONTEXT)
@click.argument("folder", metavar="DIR")
@click.option(
    "--model",
    "--weights",
    "models",
    multiple=True,
    required=True,
    metavar="NAME|FILE",
    help="The teacher; may be repeated.",
)
@click.option("--out", required=True, metavar="DIR|OUT.json", help="A new data set, or its COCO JSON alone.")
@options.classes("What to look for.  [default: the classes of the labels, if any]")
@click.option(
    "--conf", "--conf-thres", type=click.FloatRange(0, 1), default=0.4, show_default=True,
    help="Lowest score at which a detection becomes a label.",
)  # fmt: skip
@click.option(
    "--conf-labelled", "conf_labeled", type=click.FloatRange(0, 1), default=0.6, show_default=True,
    help="The same, for classes that people have labelled in such pictures.",
)  # fmt: skip
@click.option(
    "--doubt", type=click.FloatRange(0, 1), default=0.15, show_default=True,
    help="Lowest score at which it becomes an ignored region.",
)  # fmt: skip
@click.option(
    "--imgsz",
    "--img-size",
    "sizes",
    type=int,
    multiple=True,
    metavar="N",
    help="Input size; may be repeated.",
)
@click.option("--no-flip", is_flag=True, help="Do not also look at the mirrored picture.")
@options.link_pictures()
@options.allow_loss()
@options.device()
@options.backend()
@options.offline()
@options.quiet()
def label(
    folder: str, models: tuple[str, ...], out: str, classes: tuple[str, ...] | None, conf: float,
    conf_labeled: float, doubt: float, sizes: tuple[int, ...], no_flip: bool, link: bool, allow_loss: bool,
    device: str, backend: str, offline: bool, quiet: bool,
) -> None:  # fmt: skip
    """Complete the labels of DIR with what MODEL sees. DIR may also hold pictures without labels.

    The detections of all models and input sizes, also on the mirrored picture, are fused (weighted boxes fusion).
    Confident detections become labels, marked with `score` and `teacher`; doubtful ones become ignored regions.
    Labels made by people stay. A label of a class outside --classes ("vehicle") takes the teacher's class where the
    teacher is confident, and is ignored elsewhere.

    OUT.json names the pictures relative to DIR/images, or to DIR: put it into DIR to use it.
    """
    from rtdet.datasets.completion import Completion
    from rtdet.datasets.label import label_parts, parts_or_pictures
    from rtdet.errors import UsageError

    if doubt > min(conf, conf_labeled):
        raise UsageError("--doubt must not be above --conf and --conf-labelled")
    show_messages(quiet=quiet)
    parts = parts_or_pictures(Path(folder))
    rule = Completion(accept=conf, accept_labeled=conf_labeled, unsure=doubt)
    options = {"device": device, "backend": backend, "offline": offline}
    count = sum(len(raw.pictures) for raw in parts.values())
    with (
        _teachers(models, sizes, doubt, options) as detectors,
        progress("labelling", count, quiet) as on_picture,
    ):
        done = label_parts(
            parts, Path(out), detectors, _wanted(classes, parts, detectors), rule,
            teacher="+".join(Path(model).stem for model in models), flip=not no_flip, link=link,
            allow_loss=allow_loss, on_picture=on_picture,
        )  # fmt: skip
    say(
        f"wrote {out}: {done.pictures} pictures, {done.kept} labels kept, {done.added} added or named by "
        f"the teacher, {done.doubted} regions in doubt"
    )
    for what, number in sorted(done.lost.items()):
        say(f"left out: {number} {what}")


def _wanted(
    classes: tuple[str, ...] | None, parts: dict[str, RawLabels], detectors: Sequence[Detector]
) -> tuple[str, ...]:
    """The classes to look for. Raises UnknownNameError or UsageError for classes that no model knows."""
    from rtdet.class_groups import with_groups
    from rtdet.datasets.convert import class_names_of
    from rtdet.errors import UnknownNameError, UsageError

    seen = tuple(dict.fromkeys(name for detector in detectors for name in detector.class_names))
    labeled = class_names_of(parts)
    if classes is None:
        if labeled and not set(labeled) & set(seen):
            raise UsageError(
                f"the models know none of the classes {', '.join(labeled)}; they know {', '.join(seen)}"
            )
        return labeled or seen
    known = tuple(dict.fromkeys((*labeled, *seen)))
    wanted = with_groups(classes, known)
    for name in wanted:
        if name not in known:
            raise UnknownNameError("class", name, known)
    return wanted


@contextmanager
def _teachers(
    models: Sequence[str], sizes: Sequence[int], doubt: float, options: dict[str, Any]
) -> Iterator[list[Detector]]:
    """Opens every model at every size; closes them at the end."""
    from rtdet.detectors.registry import load_detector
    from rtdet.types import Thresholds

    # A box with a low score in one pass still counts when the passes are fused.
    thresholds = Thresholds(confidence=min(0.05, doubt))
    opened: list[Detector] = []
    try:
        for model in models:
            for size in sizes or (None,):
                opened.append(load_detector(model, thresholds=thresholds, imgsz=size, **options))
        yield opened
    finally:
        for detector in opened:
            detector.close()
