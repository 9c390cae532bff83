"""`rtdet tracks merge|split|swap|delete|rename|class|draw|correct|renumber FILE|RUN ... --out OUT`."""

from __future__ import annotations

import click

from rtdet.cli.options import CONTEXT
from rtdet.cli.tracks.files import count, mend_options
from rtdet.cli.tracks.mending import mend
from rtdet.errors import UsageError

_box = click.option(
    "--box", required=True, metavar="LEFT,TOP,WIDTH,HEIGHT", help="The box in pixels, as track files have it."
)


@click.command(context_settings=CONTEXT)
@mend_options
@click.argument("ids", metavar="A,B[,C...]")
def merge(file: str, out: str | None, fps: float, quiet: bool, ids: str) -> None:
    """Join several tracks into one: B, C, ... become A.

    Where two of them are in the same frame, the box that was seen stays of one that was seen and one that was
    predicted, and the better one of two that overlap by half. Tracks that were seen at different places of one frame
    cannot be joined; split one of them first.
    """
    from rtdet.tracks.offline import Edit

    first, *others = _whole_numbers(ids)
    if not others:
        raise UsageError(f"merge needs at least two IDs, as in 3,7, not {ids!r}")
    edits = [Edit.of("merge", first=first, second=other) for other in others]
    mend(
        file,
        out,
        fps,
        quiet,
        edits,
        lambda after: f"ID {first} now has {count(len(after.rows_of(first)), 'row')}",
    )


@click.command(context_settings=CONTEXT)
@mend_options
@click.argument("track_id", metavar="ID", type=int)
@click.option("--frame", type=int, required=True, metavar="N", help="First frame of the new track, from 1.")
def split(file: str, out: str | None, fps: float, quiet: bool, track_id: int, frame: int) -> None:
    """Cut a track in two.

    From frame N on it has a new ID, one above the highest in the file.
    """
    from rtdet.tracks.offline import Edit

    mend(
        file, out, fps, quiet, [Edit.of("split", track_id=track_id, frame=frame)],
        lambda after: f"ID {track_id} is ID {after.ids.max()} from frame "
        f"{after.frames[after.rows_of(after.ids.max())[0]]} on",
    )  # fmt: skip


@click.command(context_settings=CONTEXT)
@mend_options
@click.argument("ids", metavar="A,B")
@click.option(
    "--frame", type=int, required=True, metavar="N", help="First frame in which they are exchanged, from 1."
)
def swap(file: str, out: str | None, fps: float, quiet: bool, ids: str, frame: int) -> None:
    """Exchange two IDs from frame N on.

    For two objects of which the tracker took one for the other when they met.
    """
    from rtdet.tracks.offline import Edit

    numbers = _whole_numbers(ids)
    if len(numbers) != 2:
        raise UsageError(f"swap needs two IDs, as in 3,7, not {ids!r}")
    first, second = numbers
    mend(
        file, out, fps, quiet, [Edit.of("swap", first=first, second=second, frame=frame)],
        lambda after: f"IDs {first} and {second} are exchanged from frame {frame} on",
    )  # fmt: skip


@click.command(context_settings=CONTEXT)
@mend_options
@click.argument("track_id", metavar="ID", type=int)
@click.option(
    "--from", "start", help="First frame to delete.  [default: the track's first]", type=int, metavar="N"
)
@click.option("--to", "end", help="Last frame to delete.  [default: the track's last]", type=int, metavar="N")
def delete(
    file: str, out: str | None, fps: float, quiet: bool, track_id: int, start: int | None, end: int | None
) -> None:
    """Delete a track, or a part of it.

    For what is no object, and for boxes that are not on theirs.
    """
    from rtdet.tracks.offline import Edit

    mend(
        file, out, fps, quiet, [Edit.of("delete", track_id=track_id, start=start, end=end)],
        lambda after: f"ID {track_id} has {count(len(after.rows_of(track_id)), 'row')} left",
    )  # fmt: skip


@click.command(context_settings=CONTEXT)
@mend_options
@click.argument("old", type=int)
@click.argument("new", type=int)
def rename(file: str, out: str | None, fps: float, quiet: bool, old: int, new: int) -> None:
    """Change the ID of a track from OLD to NEW.

    No other track may have the ID NEW; to join two tracks, use `merge`.
    """
    from rtdet.tracks.offline import Edit

    mend(
        file,
        out,
        fps,
        quiet,
        [Edit.of("rename", old=old, new=new)],
        lambda after: f"ID {old} is now ID {new}",
    )


@click.command("class", context_settings=CONTEXT)
@mend_options
@click.argument("track_id", metavar="ID", type=int)
@click.argument("name", metavar="CLASS")
def set_class(file: str, out: str | None, fps: float, quiet: bool, track_id: int, name: str) -> None:
    """Set the class of a track.

    CLASS may be one that no other track has. A .txt has numbers: those of its class column, from 1.
    """
    from rtdet.tracks.offline import Edit

    mend(
        file, out, fps, quiet, [Edit.of("set_class", track_id=track_id, name=_class_name(file, name))],
        lambda after: f"ID {track_id} is of class {name}",
    )  # fmt: skip


@click.command(context_settings=CONTEXT)
@mend_options
@click.argument("track_id", metavar="ID", type=int)
@click.option(
    "--frame", type=int, required=True, metavar="N", help="The frame in which it was missed, from 1."
)
@_box
@click.option("--class", "name", metavar="CLASS", help="Of an ID that is new.  [default: the first class]")
def draw(
    file: str, out: str | None, fps: float, quiet: bool, track_id: int, frame: int, box: str, name: str | None
) -> None:
    """Add a box that was missed.

    It is of the track ID, or begins a new one, has a score of 1, and counts as seen. Boxes between two of a track
    can be filled in: `rtdet tracks fill`.
    """
    from rtdet.tracks.offline import Edit

    class_name = None if name is None else _class_name(file, name)
    edit = Edit.of("draw", track_id=track_id, frame=frame, box=_corners(box), class_name=class_name)
    mend(
        file, out, fps, quiet, [edit],
        lambda after: f"ID {track_id} now has {count(len(after.rows_of(track_id)), 'row')}",
    )  # fmt: skip


@click.command(context_settings=CONTEXT)
@mend_options
@click.argument("track_id", metavar="ID", type=int)
@click.option("--frame", type=int, required=True, metavar="N", help="The frame with the wrong box, from 1.")
@_box
@click.option("--from", "start", help="The key frame before, which stays as it is.", type=int, metavar="N")
@click.option("--to", "end", help="The key frame behind, which stays as it is.", type=int, metavar="N")
def correct(
    file: str, out: str | None, fps: float, quiet: bool, track_id: int, frame: int, box: str,
    start: int | None, end: int | None,
) -> None:  # fmt: skip
    """Put a box right, with those around it following.

    By how much it is moved and resized, the boxes around are too, less and less the further away in time, and not at
    all from the key frames --from and --to on. These are a second away, unless they are given; in a kept run they are
    the nearest frames with a corrected box of the same track.
    """
    from rtdet.tracks.offline import Edit

    edit = Edit.of("correct", track_id=track_id, frame=frame, box=_corners(box), start=start, end=end)
    mend(file, out, fps, quiet, [edit], lambda after: f"ID {track_id} corrected in frame {frame}")


@click.command(context_settings=CONTEXT)
@mend_options
def renumber(file: str, out: str | None, fps: float, quiet: bool) -> None:
    """Number the tracks 1, 2, 3, ... as they begin."""
    from rtdet.tracks.offline import Edit

    mend(
        file, out, fps, quiet, [Edit.of("renumber")],
        lambda after: f"IDs 1 to {len(after.tracks())}" if len(after) else "no tracks",
    )  # fmt: skip


def _whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"IDs are whole numbers separated by commas, as in 3,7, not {text!r}") from None


def _corners(text: str) -> tuple[float, float, float, float]:
    """The box xyxy of left, top, width and height."""
    try:
        left, top, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--box is left, top, width and height, as in 10,20,30,60, not {text!r}") from None
    return left, top, left + width, top + height


def _class_name(file: str, name: str) -> str:
    """What tables call a class; a .txt counts its numbers from 1, a table from 0."""
    if not file.lower().endswith(".txt"):
        return name
    if not (name.isascii() and name.isdecimal() and len(name) <= 5 and int(name) >= 1):
        raise UsageError(f"a .txt has numbers for its classes, from 1 to 99999, not {name!r}")
    return str(int(name) - 1)
