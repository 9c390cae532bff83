"""Formats of track files, by suffix. To add one: a file like those beside this one, and a line in FORMATS."""

from __future__ import annotations

from rtdet.tracks.formats.coco import COCO
from rtdet.tracks.formats.csv_file import CSV
from rtdet.tracks.formats.format import Format
from rtdet.tracks.formats.json_lines import JSON_LINES
from rtdet.tracks.formats.mot import MOT
from rtdet.tracks.formats.parquet import PARQUET

FORMATS: dict[str, Format] = {
    one.suffix: one
    for one in (
        MOT,
        CSV,
        JSON_LINES,
        PARQUET,
        COCO,
    )
}
