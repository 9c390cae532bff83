"""The report of `rtdet data check`: printed, written as JSON and drawn as a contact sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rtdet.datasets import writers
from rtdet.datasets.check import KINDS, UNREADABLE, Report, name_in
from rtdet.datasets.convert import class_names_of
from rtdet.datasets.raw import RawLabels, cleaned
from rtdet.datasets.sample import Sample, read_picture
from rtdet.datasets.sheet import Tile, contact_sheet, fitted, side_by_side, spread
from rtdet.datasets.sizes import with_true_sizes
from rtdet.datasets.text import printable
from rtdet.errors import OutputError
from rtdet.output_file import check_output, write_whole
from rtdet.terminal import console as make_console
from rtdet.types import Image, Tracks
from rtdet.video.draw import DrawStyle, color_of, draw_tracks

FORMATS = {
    "coco": "COCO JSON",
    "voc": "VOC XML",
    "yolo": "YOLO txt",
    "openimages": "Open Images CSV",
    "cvat": "CVAT XML",
    "labelme": "labelme JSON",
    "epic": "EPIC-KITCHENS CSV",
}
# How many examples of each kind of problem are printed.
_SHOWN = 5
# Lines are as thick as DrawStyle makes them in a picture whose shorter side has this many pixels.
_PEN = 660.0
# With more objects than this in a picture, their names would hide them; the legend has to do.
_NAMED = 8
# How many pairs of pictures that are in two parts are drawn.
_PAIRS = 6


def print_report(report: Report) -> None:
    """Counts and problems as tables on standard output."""
    console = make_console(highlight=False)
    console.print(_counts(report))
    if not any(part.pictures for part in report.parts.values()):
        console.print("\n[yellow]Empty:[/] the data set has no pictures.")
    elif not report.problems:
        console.print("\n[green]Clean:[/] no problems were found.")
    if not report.problems:
        return
    number = len(report.problems)
    console.print(f"\n[bold red]{number:,} problem{'s' if number > 1 else ''}[/]")
    for line in _problems(report):
        console.print(line, soft_wrap=True)  # so that names of files can be copied
    if sentence := report.losses.sentence():
        end = " (more than a tenth: other commands ask for --allow-loss)" if report.losses.too_many else ""
        console.print(Text(f"In any use of it: {sentence}{end}"), soft_wrap=True)


def _counts(report: Report) -> Table:
    """A table with a row for each class and columns for each part."""
    has_ignored = any(any(part.ignored.values()) for part in report.parts.values())
    table = Table(
        title=f"{escape(printable(str(report.folder)))}  [dim]{FORMATS.get(report.kind, report.kind)}[/]",
        title_justify="left",
        title_style="bold",
    )
    table.add_column("class")
    for name in report.parts:
        prefix = f"{name}\n" if name else ""
        for what in ("objects", *(("ignored",) if has_ignored else ()), "pictures"):
            table.add_column(f"{prefix}{what}", justify="right")
    parts = list(report.parts.values())

    def add(name: str, numbers: list[tuple[int, int, int]], style: str = "") -> None:
        """Adds a row; `numbers` are (objects, ignored, pictures) of each part."""
        cells = [(o, i, p) if has_ignored else (o, p) for o, i, p in numbers]
        table.add_row(escape(name), *(_number(n) for part in cells for n in part), style=style)

    for name in dict.fromkeys(name for part in parts for name in part.objects):
        add(name, [(p.objects.get(name, 0), p.ignored.get(name, 0), p.shown_in.get(name, 0)) for p in parts])
    table.add_section()
    add("all", [(sum(p.objects.values()), sum(p.ignored.values()), p.pictures) for p in parts], "bold")
    add("without objects", [(0, 0, p.without_objects) for p in parts], "dim")
    return table


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"


def _problems(report: Report) -> list[Text]:
    """The lines to print: each kind of problem with advice and some examples."""
    lines: list[Text] = []
    for kind, problems in report.by_kind().items():
        lines.append(Text.assemble((f"{kind}: {len(problems):,}", "bold"), "  ", (KINDS[kind], "dim")))
        for problem in problems[:_SHOWN]:
            where = f"{problem.part}: {problem.where}" if problem.part else problem.where
            lines.append(Text.assemble("  ", (printable(where), "cyan"), f"  {printable(problem.text)}"))
        if len(problems) > _SHOWN:
            lines.append(Text(f"  ... and {len(problems) - _SHOWN:,} more; --json OUT.json lists all", "dim"))
    return lines


def write_json(report: Report, path: Path) -> None:
    """Writes the whole report. Raises OutputError."""
    content = {
        "folder": str(report.folder),
        "format": report.kind,
        "parts": {name: asdict(part) for name, part in report.parts.items()},
        "lost": {
            "boxes": report.losses.boxes,
            "pictures": report.losses.pictures,
            "dropped_boxes": report.losses.dropped,
            "left_out_pictures": report.losses.left_out,
            "not_as_written": report.losses.noted,
        },
        "problem_counts": {kind: len(problems) for kind, problems in report.by_kind().items()},
        "problems": [asdict(problem) for problem in report.problems],
    }
    write_whole(path, writers.as_json(content, indent=1))


def write_sheet(parts: Mapping[str, RawLabels], report: Report, path: Path, count: int) -> int:
    """Writes a picture of samples of all parts with their boxes; returns how many samples. Raises OutputError."""
    names = class_names_of(parts)
    unreadable = {(p.part, p.where) for p in report.problems if p.kind in UNREADABLE}
    tiles: list[Tile] = []
    for number, (part, raw) in enumerate(parts.items()):
        readable = [p for p in raw.pictures if (part, name_in(raw.folder, p.path)) not in unreadable]
        samples, _ = cleaned(with_true_sizes(replace(raw, pictures=readable)), names)
        share = (count - len(tiles)) // (len(parts) - number)
        tiles += [_tile(sample, names, part) for sample in spread(samples, share)]
    shown = len(tiles)
    tiles += _pairs(parts, report)
    title = f"{report.folder.resolve().name}  ·  {FORMATS.get(report.kind, report.kind)}"
    present = [i for i, name in enumerate(names) if any(p.shown_in.get(name) for p in report.parts.values())]
    legend = [(names[i], color_of(-i)) for i in present]
    _write_picture(path, contact_sheet(tiles, title, _summary(report), legend))
    return shown


def _pairs(parts: Mapping[str, RawLabels], report: Report) -> list[Tile]:
    """Tiles of pictures that two parts share, side by side, for a person to judge whether they are the same."""
    found = report.by_kind().get("picture in two parts", [])
    tiles = []
    for problem in found[:: max(1, len(found) // _PAIRS)][:_PAIRS]:
        paths = (parts[problem.part].folder / problem.where, Path(problem.twin))
        pair = side_by_side(*(read_picture(path) for path in paths))
        tiles.append(Tile(pair, " = ".join(path.name for path in paths), "two parts"))
    return tiles


def _tile(sample: Sample, names: tuple[str, ...], part: str) -> Tile:
    image, boxes = fitted(sample)
    # A class has one colour on the whole sheet; ignored boxes are dashed, like those of a track out of sight.
    tracks = Tracks(
        boxes,
        labels=np.where(sample.labels < 0, len(names), sample.labels),
        scores=sample.scores,
        since_update_s=np.where(sample.ignored, 0.3, 0.0),
        class_names=(*names, "?"),
    )
    # Lines and letters have one size on all tiles, whatever the picture's shape.
    few = len(boxes) <= _NAMED
    style = DrawStyle(show_ids=False, show_labels=few, show_scores=few, scale=_PEN / min(image.shape[:2]))
    taught = sample.scores < 1
    image = draw_tracks(image, tracks[~taught], replace(style, show_scores=False))
    return Tile(draw_tracks(image, tracks[taught], style), sample.path.name, part or sample.source)


def _summary(report: Report) -> str:
    texts = []
    for name, part in report.parts.items():
        objects = sum(part.objects.values())
        texts.append(f"{name + ': ' if name else ''}{part.pictures:,} pictures, {objects:,} objects")
    if any(any(part.ignored.values()) for part in report.parts.values()):
        texts.append("dashed: ignored")
    return "      ".join(texts)


def check_sheet(path: Path) -> None:
    """Raises OutputError for a sheet that cannot be written, or that is called as no picture is."""
    check_output(path)
    try:
        is_picture = cv2.haveImageWriter(path.suffix)
    except cv2.error:  # there is no suffix
        is_picture = False
    if not is_picture:
        raise OutputError(f"{path} does not have the suffix of a picture; use .png")


def _write_picture(path: Path, image: Image) -> None:
    check_sheet(path)
    write_whole(path, cv2.imencode(path.suffix, image)[1].tobytes())
