"""`rtdet tracks speed FILE --zones ZONES.json --out OUT`."""

from __future__ import annotations

import click

from rtdet.cli import options
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.cli.tracks.files import count, kept_or_file_options, read_tracks, write
from rtdet.errors import UsageError


@click.command(context_settings=CONTEXT)
@kept_or_file_options
@options.zones("The zones file whose properties have the scale of the ground.", required=True)
@options.size()
def speed(file: str, out: str, fps: float, quiet: bool, zones: str, size: str | None) -> None:
    """Add how fast each object is and how far it went, on the ground.

    Three columns: speed and speed_se, its standard error, in m/s, and distance_m, the metres gone so far; they stay
    empty where nothing is known. Each speed also takes later frames into account, and the true times of the frames.

    The scale is in the zones file. Of a camera that looks along the street, four points of the ground or more, with
    their places in metres: {"properties": {"size": [1280, 720], "ground": {"points": [[420, 640], ...], "metres":
    [[0, 0], ...]}}}. Of one that looks straight down, "ground": {"metres_per_pixel": 0.02}.

    The standard error says how much the boxes leave open; how well the points were measured comes on top. OUT is a
    .csv, .jsonl, .parquet or .json: a .txt has no place for speeds. A RUN.rtdet stays as it is.
    """
    import numpy as np

    from rtdet.ground import needed_scale, with_speeds
    from rtdet.overwriting import refuse_overwriting
    from rtdet.tracks.picture_size import with_size
    from rtdet.tracks.read_write import format_of

    if format_of(out).suffix == ".txt":
        raise UsageError("a .txt (MOT) has no place for speeds; write a .csv, .jsonl, .parquet or .json")
    picture = options.picture_size(size)
    refuse_overwriting({"--out": out}, [zones])
    scale = needed_scale(zones)
    table = with_size(read_tracks(file, out, fps), picture)
    tracks = len(table.tracks())
    with progress("measuring", tracks, quiet) as on_track:
        table = with_speeds(table, scale, on_track)
    known = np.isfinite(table.values["speed"])
    write(table, out, quiet, f"{count(len(np.unique(table.ids[known])), 'track')} of {tracks} with a speed")
