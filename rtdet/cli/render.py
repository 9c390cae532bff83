"""`rtdet render SOURCE --tracks TRACKS --out OUT.mp4`: a film with the tracks of its finished run, drawn again."""

from __future__ import annotations

from typing import Any

import click

from rtdet.cli import completion, options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.errors import UsageError


@click.command(context_settings=CONTEXT)
@click.argument("source", metavar="SOURCE|RUN.rtdet", shell_complete=completion.files)
@click.option(
    "--tracks", metavar="TRACKS", shell_complete=completion.files,
    help="The tracks: a .txt, .csv, .jsonl, .parquet or .json, or a RUN.rtdet.  [default: those of RUN.rtdet]",
)  # fmt: skip
@click.option(
    "--out", metavar="OUT.mp4|.mkv|DIR/", help="The film to write; with --around a folder of clips."
)
@click.option("--no-boxes", is_flag=True, help="Draw no boxes.")
@click.option("--no-labels", is_flag=True, help="Write no names of classes and no further values.")
@click.option("--no-ids", is_flag=True, help="Write no IDs.")
@click.option("--no-scores", is_flag=True, help="Write no scores.")
@click.option("--no-trails", is_flag=True, help="Draw no trails.")
@click.option(
    "--trail", type=float, default=2.0, show_default=True, metavar="S", help="Length of trails in seconds."
)
@click.option(
    "--thickness", type=click.IntRange(1, 32), metavar="N",
    help="Width of lines in pixels.  [default: by the picture's size]",
)  # fmt: skip
@options.zones(
    "Draw the lines and zones of this file, with their counts.  [default: those kept with RUN.rtdet]"
)
@click.option(
    "--blur", metavar="CLASS[,CLASS]", callback=options.split_names,
    help="Make the objects of these classes, or groups of classes, unrecognisable by a blur.",
)  # fmt: skip
@click.option(
    "--pixelate", metavar="CLASS[,CLASS]", callback=options.split_names, help="The same by coarse squares."
)
@click.option("--crops", metavar="DIR", help="Write the best views of each track to DIR/ID-CLASS/FRAME.jpg.")
@click.option(
    "--most-crops", type=click.IntRange(1, 100), default=5, show_default=True, help="So many of each track."
)
@click.option("--follow", type=int, metavar="ID", help="Show only the part of the picture around this track.")
@click.option(
    "--around", metavar="EVENTS[:N]|TIME",
    help="A clip of each event in a .csv or .jsonl of events, of its N-th, or of a moment (83.5 or 1:23.5).",
)  # fmt: skip
@click.option(
    "--before", type=float, default=3.0, show_default=True, metavar="S", help="Seconds before an event."
)
@click.option(
    "--after", type=float, default=2.0, show_default=True, metavar="S", help="Seconds after an event."
)
@click.option("--no-sound", is_flag=True, help="Leave out the sound.")
@click.option("--start", type=float, default=0.0, metavar="S", help="Start S seconds into the film.")
@click.option("--duration", type=float, metavar="S", help="Stop after S seconds.")
@options.max_frames()
@click.option("--fps", type=float, metavar="F", help="Frame rate of the film, where it has none.")
@options.taken_as()
@options.video_track()
@options.max_megapixels()
@options.quiet()
def command(source: str, tracks: str | None, out: str | None, quiet: bool, **given: Any) -> None:
    """Draw the tracks of a finished run into its film again, in another style, without running a network.

    Frames and rows are matched by frame number. Boxes, labels and trails are those of --save and the viewer; times
    and sound are the film's own.

    --blur and --pixelate hide every object whose track is of the class anywhere: also where the tracker only guessed
    where it is, in gaps of up to 2 seconds, and half a second before and after the track, with a margin around the
    box. At most 8 averages along the longer side of a box are kept, too few to know a face by. What no track covers
    is not hidden: run with a low --conf and look at the result before you publish it.

    Frames that the run did not look at are not shown: those before and after the ones that it looked at, or that the
    track file lists, are left out, and where it looked at none for more than 2 seconds the whole picture is hidden.
    A .csv, .txt or .parquet lists no empty frames; a RUN.rtdet or .jsonl tells them from those not looked at. Of a
    RUN.rtdet only what was looked at is rendered, also where nothing is hidden.

    --crops takes views that are large, sharp, whole and spread over the time of the track. --follow moves and zooms
    smoothly; where the track is gone the view rests. Clips --around events that overlap are joined.
    """
    from rtdet.cli.rendering_job import RenderingJob

    show_messages(quiet=quiet)
    _check(out, given)
    job = RenderingJob(source, tracks, out, quiet, given)
    job.refuse_overwriting()
    code = job.run()
    if code:
        raise SystemExit(code)


def _check(out: str | None, given: dict[str, Any]) -> None:
    """Raises UsageError where options do not fit together."""
    if out is None and given["crops"] is None:
        raise UsageError(
            "nothing to write: give --out OUT.mp4 for a film, --crops DIR for views of each track, or both"
        )
    for name, least in (("trail", 0), ("before", 0), ("after", 0), ("start", 0)):
        if not least <= given[name] < float("inf"):
            raise UsageError(f"--{name} is in seconds, 0 or more, not {given[name]:g}")
    if given["fps"] is not None and not 0 < given["fps"] < float("inf"):
        raise UsageError(f"--fps must be above 0, not {given['fps']:g}")
    if given["around"] is None:
        return
    for name in ("crops", "start", "duration", "max_frames"):
        if given[name]:
            raise UsageError(
                f"--{name.replace('_', '-')} and --around exclude each other: an event says what is rendered"
            )
    if not given["before"] + given["after"]:
        raise UsageError("a clip needs a length: give --before or --after more than 0 seconds")
