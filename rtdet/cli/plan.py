"""`rtdet plan TRACKS|RUN --kind plan|heat|trails --out OUT.png`: pictures of where everybody was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rtdet.cli import completion, options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.cli.tracks.files import count
from rtdet.errors import UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rtdet.ground import Scale
    from rtdet.tracks.table import TrackTable
    from rtdet.types import Image

# So many pictures of the source make the one under a drawing: what moves is in few of them.
_PICTURES = 9
# Of a source in which one cannot jump, one in so many frames is taken.
_EVERY = 12


@click.command(context_settings=CONTEXT)
@click.argument("tracks", metavar="TRACKS|RUN.rtdet", shell_complete=completion.files)
@click.option(
    "--kind", type=click.Choice(["plan", "heat", "trails"]), default="plan", show_default=True,
    help="A bird's-eye plan in metres, a heat map, or trails.",
)  # fmt: skip
@options.zones("The zones file whose properties have the scale of the ground; the plan needs it.")
@click.option(
    "--source", metavar="SRC", shell_complete=completion.files,
    help="The video or picture that a heat map or trails are drawn over, in grey.",
)  # fmt: skip
@click.option("--out", required=True, metavar="OUT.png", help="The picture to write: .png or .jpg.")
@options.classes()
@click.option(
    "--fps", type=float, default=30.0, show_default=True,
    help="Frame rate, for a .txt, which holds no times; the other formats do.",
)  # fmt: skip
@options.size()
@options.max_megapixels()
@options.quiet()
def command(
    tracks: str, kind: str, zones: str | None, source: str | None, out: str, classes: tuple[str, ...] | None,
    fps: float, size: str | None, max_megapixels: float, quiet: bool,
) -> None:  # fmt: skip
    """Draw where the objects of a run were.

    A plan shows the ground as a bird sees it, with a grid of metres and each track in the colour of its ID, smoothed;
    what the camera sees is white. It needs the scale of the ground (see `rtdet tracks speed`). A heat map shows for
    how many seconds somebody was at each place, by the true times of the frames, and trails the way of each
    object; both are drawn over the source, as a calm grey picture without what moves.
    """
    import cv2

    from rtdet.output_file import check_output, suffix_of, write_whole
    from rtdet.overwriting import refuse_overwriting
    from rtdet.tracks.picture_size import with_size

    show_messages(quiet=quiet)
    suffix = suffix_of(out, "picture", (".png", ".jpg"))
    if kind == "plan" and zones is None:
        raise UsageError(
            "a plan needs the scale of the ground: --zones ZONES.json; --kind heat and trails need none"
        )
    if kind == "plan" and source is not None:
        raise UsageError("a plan has no picture under it: leave out --source, or draw --kind heat or trails")
    picture = options.picture_size(size)
    refuse_overwriting({"--out": out}, [tracks, zones, source])
    check_output(out)
    scale = None if zones is None else _scale(zones, needed=kind == "plan")
    table = _of_classes(with_size(_table(tracks, fps), picture), classes)
    if kind == "plan" and scale is not None:
        image = _plan(table, scale, quiet)
    else:
        image = _over_picture(table, kind, source, scale, max_megapixels)
    write_whole(out, cv2.imencode(suffix, image)[1].tobytes())
    say(f"wrote {out}: {count(len(table.tracks()), 'track')}", err=True)


def _scale(zones: str, *, needed: bool) -> Scale | None:
    from rtdet.ground import needed_scale, read_scale

    return needed_scale(zones) if needed else read_scale(zones)


def _table(tracks: str, fps: float) -> TrackTable:
    import math

    from rtdet.kept import tracks_in

    if not 0 < fps < math.inf:
        raise UsageError(f"--fps must be above 0, not {fps:g}")
    return tracks_in(tracks, fps)


def _of_classes(table: TrackTable, classes: tuple[str, ...] | None) -> TrackTable:
    """The rows of these classes and groups of classes. Raises UnknownNameError for one that they do not have."""
    import numpy as np

    from rtdet.class_groups import with_groups
    from rtdet.errors import UnknownNameError

    if not classes:
        return table
    wanted = with_groups(classes, table.class_names)
    for name in wanted:
        if name not in table.class_names:
            raise UnknownNameError("class of these tracks", name, table.class_names)
    return table.only(np.isin(table.labels, [table.class_names.index(name) for name in wanted]))


def _plan(table: TrackTable, scale: Scale, quiet: bool) -> Image:
    from rtdet.ground.plan import draw_plan

    with progress("measuring", len(table.tracks()), quiet) as on_track:
        return draw_plan(table, scale, on_track)


def _over_picture(
    table: TrackTable, kind: str, source: str | None, scale: Scale | None, max_megapixels: float
) -> Image:
    from rtdet.ground.over_picture import backdrop, draw_heat, draw_trails, empty_backdrop

    ground = backdrop(list(_pictures(source, max_megapixels))) if source is not None else None
    if ground is None:
        size = None if scale is None else scale.size
        ground = empty_backdrop(table, size, max_megapixels=max_megapixels)
    return draw_heat(table, ground) if kind == "heat" else draw_trails(table, ground)


def _pictures(source: str, max_megapixels: float) -> Iterator[Image]:
    """Some pictures from all over the source, or from its beginning where one cannot jump in it."""
    from contextlib import closing

    from rtdet.protocols import SeekableSource
    from rtdet.video.sources import open_source

    with closing(open_source(source, max_megapixels=max_megapixels)) as opened:
        info = opened.info
        jumps = info.is_seekable and info.duration_s and isinstance(opened, SeekableSource)
        for i in range(_PICTURES if jumps else _PICTURES * _EVERY):
            if jumps and info.duration_s and isinstance(opened, SeekableSource):
                opened.seek(info.duration_s * i / _PICTURES)
            frame = opened.read()
            if frame is None:
                return
            if jumps or i % _EVERY == 0:
                yield frame.bgr
