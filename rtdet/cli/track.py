"""`rtdet track DETS.txt --out TRACKS.txt`: a tracker on a file of detections."""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import options
from rtdet.cli.options import CONTEXT
from rtdet.errors import UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.protocols import Tracker
    from rtdet.tracks.formats.format import RowWriter
    from rtdet.tracks.motchallenge import DetectionRows


DEFAULT_FPS = 30.0


@click.command(context_settings=CONTEXT)
@click.argument("detections", metavar="DETS.txt")
@options.out_tracks("TRACKS")
@options.tracker()
@options.detections_fps()
@click.option(
    "--frames", metavar="LIST.txt", help="Numbers of the frames that the tracker sees.  [default: all]"
)
@options.tracker_settings()
def command(
    detections: str, out: str, tracker: str, fps: float | None, frames: str | None, settings: tuple[str, ...]
) -> None:
    """Track objects through MOTChallenge detection rows: frame,id,left,top,width,height,score.

    The tracker is updated with every frame from 1 to the last, also with those without detections. With --frames it
    sees only the frames listed, still at their true times. A setting may hold for one class alone, which is given by
    its number from 0 (the eighth column minus 1): --set max_age_s.0=2. SORT as published is --tracker sort
    --set min_score=0 --set max_age=1 --set min_hits=3
    """
    from rtdet.overwriting import refuse_overwriting
    from rtdet.tracks.motchallenge import read_detections, read_frame_list

    refuse_overwriting({"--out": out}, [detections, frames])
    fps = fps_of(fps, detections)
    instance = load_with(tracker, settings, fps)
    rows = read_detections(detections)
    seen = read_frame_list(frames) if frames is not None else range(1, max(rows.last_frame, 1) + 1)
    with closing(open_checked(out)) as writer:
        _track(instance, rows, seen, fps, writer)
    say(f"wrote {out}", err=True)


def fps_of(given: float | None, detections: str) -> float:
    """The frame rate as given; else the one in SEQ/seqinfo.ini, beside SEQ/det/ in MOTChallenge's layout; else 30."""
    from rtdet.tracks.motchallenge import frame_rate

    if given is None:
        return frame_rate(detections) or DEFAULT_FPS
    if not 0 < given < math.inf:
        raise UsageError(f"--fps must be above 0, not {given:g}")
    return given


def load_with(name: str, texts: tuple[str, ...], fps: float) -> Tracker:
    """The tracker `name` with settings KEY=VALUE, for detections at `fps` frames a second whose classes have
    numbers but no names."""
    from rtdet.trackers.registry import check_classes, load_tracker, parse_settings, tracker_settings

    check_classes(name, texts, ())
    settings: dict[str, Any] = {"fps": fps} if "fps" in tracker_settings(name) else {}
    settings |= parse_settings(name, texts)
    return load_tracker(name, **settings)


def open_checked(out: str) -> RowWriter:
    """Opens the track file `out`. Raises OutputError where it cannot be written."""
    from rtdet.output_file import check_output
    from rtdet.tracks import open_writer

    check_output(out)
    return open_writer(out)


def _track(
    tracker: Tracker, rows: DetectionRows, frames: list[int] | range, fps: float, writer: RowWriter
) -> None:
    from rtdet.tracks.rows import FrameRecord

    for number in frames:
        t = (number - 1) / fps
        writer.write(FrameRecord(number, t, tracker.update(rows.at(number), t)))
