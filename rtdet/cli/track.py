"""`rtdet track DETS.json --out TRACKS`: a tracker on a file of detections."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rtdet.cli import options
from rtdet.cli.options import CONTEXT
from rtdet.cli.tracks.files import count
from rtdet.config import RunConfig
from rtdet.errors import UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.protocols import Tracker
    from rtdet.tracks.detected_film import DetectedFilm, DetectedFrame
    from rtdet.tracks.formats.format import RowWriter
    from rtdet.types import Tracks

log = logging.getLogger("rtdet.cli")

DEFAULT_FPS = 30.0
# No tracker: the detections as they are, with ID 0.
NONE = "none"


@click.command(cls=options.TrackerCommand, context_settings=CONTEXT)
@click.argument("detections", metavar="RUN.rtdet|DETS.json|.txt")
@options.out_tracks("TRACKS")
@options.tracker()
@options.tracker_settings()
@click.option(
    "--conf",
    type=float,
    metavar="C",
    help="The score that begins a track, as --conf of a run.  "
    "[default: 0.25; with a seqinfo.ini beside SEQ/det/DETS.txt what the tracker's paper has]",
)
@options.iou()
@options.classes()
@options.detections_fps()
@click.option(
    "--frames", metavar="LIST.txt", help="Numbers of the frames that the tracker sees.  [default: all]"
)
@click.option(
    "--edits/--no-edits",
    default=True,
    help="With what was mended in a kept run, or as the tracker had it.  [default: with]",
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    detections: str,
    out: str,
    tracker: str,
    conf: float | None,
    iou: float,
    classes: tuple[str, ...] | None,
    fps: float | None,
    frames: str | None,
    edits: bool,
    settings: tuple[str, ...],
) -> None:
    """Track objects through a kept run or a file of detections, as a run of rtdet would.

    RUN.rtdet, what --keep of a run wrote, holds every candidate of the detector: its tracks are those of the run,
    byte for byte, or those of other thresholds, classes and trackers, without the network.

    A .json of `rtdet detect` holds classes and times: its tracks are those of the live run, byte for byte. A .txt of
    MOTChallenge rows (frame,id,left,top,width,height,score) holds neither: frame n is at (n - 1) / fps seconds, and
    a class has a number from 0 (the eighth column minus 1): --set max_age_s.0=2. The tracker is updated with every
    frame, also with those without detections; with --frames it sees only the frames listed, at their true times.

    Beside a benchmark's seqinfo.ini a tracker begins tracks as published, unless --conf is given. SORT as published
    is --tracker sort --set min_score=0 --set max_age=1 --set min_hits=3
    """
    from rtdet.kept import is_named_kept
    from rtdet.overwriting import refuse_overwriting
    from rtdet.tracks.detected_film import read_detected_film
    from rtdet.tracks.motchallenge import read_frame_list

    refuse_overwriting({"--out": out}, [detections, frames])
    if conf is not None and not 0 <= conf <= 1:
        raise UsageError(f"--conf is between 0 and 1, not {conf:g}")
    if is_named_kept(detections):
        given = _given(ctx, ("conf", "iou", "classes", "tracker", "settings"))
        _track_run(detections, out, fps, frames, given, with_edits=edits)
        return
    for name in _given(ctx, ("iou", "classes", "edits")):
        raise UsageError(f"--{name} is for a kept run; {detections} holds what was detected with another one")
    is_published = conf is None and tracker != NONE and _is_benchmark(detections)
    if fps is not None:
        fps_of(fps, detections)
    check_settings(tracker, settings)
    film = read_detected_film(detections)
    seen = set(read_frame_list(frames)) if frames is not None else None
    rate = fps
    steps: _Published | _AsInARun
    if is_published:
        rate = fps_of(fps, detections)
        steps = _Published(load_with(tracker, settings, rate))
    else:
        rate = rate or film.about.fps
        if rate is None and any(frame.time_s is None for frame in film.frames):
            rate = fps_of(None, detections)
        steps = _AsInARun(film, tracker, settings, rate, RunConfig.conf if conf is None else conf)
    with closing(open_checked(out)) as writer:
        rows = _track(steps, film, rate, writer, keeps_times=fps is None, seen=seen)
    say(f"wrote {out}: {steps.said}", err=True)
    if not rows:
        has_some = any(len(frame.detections) for frame in film.frames)
        why = (
            "no detection begins one; try a lower --conf" if has_some else f"{detections} holds no detections"
        )
        say(f"no tracks: {why}", err=True)


def _given(ctx: click.Context, names: tuple[str, ...]) -> dict[str, Any]:
    """Of these parameters those that the user gave, by name."""
    return {
        name: ctx.params[name]
        for name in names
        if ctx.get_parameter_source(name) not in (ParameterSource.DEFAULT, None)
    }


def _track_run(
    path: str, out: str, fps: float | None, frames: str | None, given: dict[str, Any], *, with_edits: bool
) -> None:
    """The tracks of a kept run, by its own settings but for those given."""
    from rtdet.detectors.selection import check_classes
    from rtdet.kept import KeptRun, Tracking, edits_of, records
    from rtdet.kept.reviewed import reviewed
    from rtdet.tracks import write_table

    for name, value in (("--fps", fps), ("--frames", frames)):
        if value is not None:
            raise UsageError(f"{name} is for a file of detections; a kept run knows when its frames were")
    if "settings" in given:
        given["set"] = given.pop("settings")
    with KeptRun(path) as run:
        tracking = Tracking.of(run.about, given)
        check_settings(tracking.tracker, tracking.set)
        if "classes" in given:
            check_classes(tracking.thresholds, run.class_names)
        edits = len(edits_of(run).done) if with_edits else 0
        if edits:
            table, unfitting = reviewed(run, tracking)
            write_table(table, out)
            done = count(edits - len(unfitting), "edit")
            say(f"wrote {out}: {tracking.tracker}, with {done} (--no-edits: without)", err=True)
            return
        is_empty = True
        with closing(open_checked(out)) as writer:
            for record in records(run, tracking):
                writer.write(record)
                is_empty = False
            if is_empty:
                writer.write_no_frames()
    say(f"wrote {out}: {tracking.tracker}, from a score of {tracking.conf:g}", err=True)


def _is_benchmark(detections: str) -> bool:
    from rtdet.tracks.motchallenge import frame_rate

    return not detections.lower().endswith(".json") and frame_rate(detections) is not None


def check_settings(tracker: str, settings: tuple[str, ...]) -> None:
    """Before any file is read."""
    from rtdet.trackers.registry import load_tracker, parse_settings

    if tracker != NONE:
        load_tracker(tracker, **parse_settings(tracker, settings))
    elif settings:
        raise UsageError(f"--tracker none has no settings; leave out --set {settings[0]}")


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


class _Published:
    """A tracker by its own settings."""

    said = "tracks begin as the tracker's paper has it; --conf 0.25 for those of a run"

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def update(self, frame: DetectedFrame, t: float) -> Tracks:
        return self._tracker.update(frame.detections, t)


class _AsInARun:
    """A tracker that is told what a run's is."""

    def __init__(
        self, film: DetectedFilm, tracker: str, settings: tuple[str, ...], fps: float | None, conf: float
    ) -> None:
        from rtdet.pipeline.shared_tracker import SharedTracker
        from rtdet.trackers.registry import check_classes, load_tracker_for
        from rtdet.types import SourceInfo, Thresholds

        are_pictures = film.about.are_pictures
        instance = None
        if tracker != NONE and not are_pictures:
            check_classes(tracker, settings, film.class_names)
            instance = load_tracker_for(tracker, SourceInfo("", 0, 0, fps=fps), settings)
        self._shared = SharedTracker(instance, carries_over=not are_pictures)
        self._thresholds = Thresholds(conf)
        least = film.about.least_score
        wanted = min(conf, conf if self._shared.low is None else self._shared.low)
        if least is not None and least > wanted:
            log.warning(
                "the detections score %g at least, but a run uses those from %g on; for the same tracks make them "
                "with rtdet detect --conf %g", least, wanted, wanted,
            )  # fmt: skip
        self.said = f"tracks begin at a score of {conf:g}, as in a run (--conf)"
        if are_pictures:
            self.said = "single pictures, not tracked"

    def update(self, frame: DetectedFrame, t: float) -> Tracks:
        from rtdet.pipeline.found import split

        size = frame.size if min(frame.size) > 0 else None
        return self._shared.update(split(frame.detections, self._thresholds), t, 0, size=size)


def _track(
    steps: _Published | _AsInARun,
    film: DetectedFilm,
    fps: float | None,
    writer: RowWriter,
    *,
    keeps_times: bool,
    seen: set[int] | None,
) -> int:
    """Writes the tracks of every frame; returns how many boxes they have in all."""
    from rtdet.tracks.rows import FrameRecord

    rows = 0
    if not film.frames and seen is None:
        writer.write_no_frames()
    for frame in _chosen(film, seen):
        if frame.time_s is not None and keeps_times:
            t = frame.time_s
        else:
            t = (frame.number - 1) / (fps or DEFAULT_FPS)
        time_s = math.nan if film.about.are_pictures else t
        tracks = steps.update(frame, t)
        rows += len(tracks)
        writer.write(FrameRecord(frame.number, time_s, tracks, frame.name, frame.size))
    return rows


def _chosen(film: DetectedFilm, seen: set[int] | None) -> Iterator[DetectedFrame]:
    """The frames of the film, or those listed, of which there may be more: without detections."""
    from rtdet.tracks.detected_film import DetectedFrame
    from rtdet.types import Detections

    if seen is None:
        yield from film.frames
        return
    known = {frame.number: frame for frame in film.frames}
    nothing = Detections(class_names=film.class_names)
    for number in sorted(seen):
        yield known.get(number) or DetectedFrame(number, None, "", (0, 0), nothing)
