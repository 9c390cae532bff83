"""Tracks a kept run again, with other thresholds or another tracker, without its pictures and its network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtdet import track_columns
from rtdet.config import RunConfig
from rtdet.errors import SourceError, UsageError
from rtdet.ground import SpeedMeter, scale_in_text
from rtdet.kept.about import About
from rtdet.kept.reading import KeptRun
from rtdet.pipeline.found import split
from rtdet.pipeline.keeping import chosen
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.pipeline.shared_tracker import SharedTracker
from rtdet.protocols import Tracker
from rtdet.trackers.registry import check_classes, load_tracker_for
from rtdet.tracks.rows import FrameRecord
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.types import Thresholds, Tracks

NO_TRACKER = "none"
_SETTINGS = ("conf", "iou", "classes", "max_det", "tracker", "set")


@dataclass(frozen=True)
class Tracking:
    """What turns candidates into tracks; names and meanings are those of the command line."""

    conf: float = RunConfig.conf
    iou: float = RunConfig.iou
    classes: tuple[str, ...] = ()
    max_det: int = RunConfig.max_det
    tracker: str = RunConfig.tracker
    set: tuple[str, ...] = ()

    @classmethod
    def of(cls, about: About, changed: Mapping[str, Any] = {}) -> Tracking:
        """The settings of a run, with some of them `changed` (None: as they were). The settings of a tracker are not
        those of another that takes its place."""
        values = {name: about.settings[name] for name in _SETTINGS if name in about.settings}
        given = {name: value for name, value in changed.items() if value is not None}
        if given.get("tracker", values.get("tracker")) != values.get("tracker"):
            values.pop("set", None)
        values |= given
        for name in ("classes", "set"):
            values[name] = tuple(values.get(name, ()))
        try:
            return cls(**values)
        except TypeError as error:
            raise UsageError(f"these are no settings of tracking: {error}") from error

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(self.conf, self.iou, frozenset(self.classes), self.max_det)


def retrack(
    run: KeptRun, tracking: Tracking | None = None, *, first: int = 1, end: int | None = None
) -> Iterator[tuple[KeptFrame, Tracks]]:
    """Each frame that the run's detector looked at, or that its tracks were carried to, of the numbers from `first`
    to before `end`, with its tracks: by the run's own settings, or others.

    With its own settings and from its first frame on these are the tracks of the run, to the last bit. Raises
    UnknownNameError and UsageError for settings that do not fit.
    """
    shared, thresholds = shared_tracker(run, tracking or Tracking.of(run.about))
    for frame in run.walk(first, end):
        yield frame, tracks_of(run, shared, thresholds, frame)


def shared_tracker(run: KeptRun, tracking: Tracking) -> tuple[SharedTracker, Thresholds]:
    """A tracker for the frames of the run, from its first on, and what it is given of them. Raises UnknownNameError
    and UsageError."""
    shared = SharedTracker(
        _tracker(run, tracking), carries_over=not run.about.are_pictures, meter=_meter(run)
    )
    return shared, replace(tracking.thresholds, low=shared.low)


def tracks_of(run: KeptRun, shared: SharedTracker, thresholds: Thresholds, frame: KeptFrame) -> Tracks:
    """The tracks of the next frame."""
    size = frame.size if min(frame.size) > 0 else None
    if frame.candidates is None:
        return shared.carry(frame.t, 0, size)
    found = split(chosen(frame.candidates, thresholds, run.about.suppression), thresholds)
    return shared.update(found, frame.t, 0, frame.camera_step, size=size)


def _meter(run: KeptRun) -> SpeedMeter | None:
    """What measures speeds, where the run has zones with a scale of the ground."""
    text = run.document("zones")
    scale = None if text is None else scale_in_text(text, f"the zones of {run.path}")
    return None if scale is None else SpeedMeter(scale)


def _tracker(run: KeptRun, tracking: Tracking) -> Tracker | None:
    if tracking.tracker == NO_TRACKER:
        if tracking.set:
            raise UsageError(f"--tracker none has no settings; leave out --set {tracking.set[0]}")
        return None
    check_classes(tracking.tracker, tracking.set, run.class_names)
    if run.about.are_pictures:
        return None
    return load_tracker_for(tracking.tracker, run.about.info, tracking.set)


def records(run: KeptRun, tracking: Tracking | None = None) -> Iterator[FrameRecord]:
    """What a track file of the run is told, frame by frame, as `--tracks` of the run would have been."""
    are_pictures = run.about.are_pictures
    for place, (frame, tracks) in enumerate(retrack(run, tracking), start=1):
        number, time_s = (place, math.nan) if are_pictures else (frame.number, frame.t)
        yield FrameRecord(number, time_s, tracks, frame.name, frame.size)


def retracked(run: KeptRun, tracking: Tracking | None = None) -> TrackTable:
    """The tracks of the whole run as a table, without the edits that were made of it. Raises UsageError where there
    are none because nothing tracks, and SourceError where the run's numbers make no tracks."""
    tracking = tracking or Tracking.of(run.about)
    if tracking.tracker == NO_TRACKER or run.about.are_pictures:
        raise UsageError(
            f"{run.path} was not tracked, so it has detections and no tracks; give --tracker rtdet to track it"
            if not run.about.are_pictures
            else f"{run.path} is of single pictures, between which nothing can be tracked"
        )
    try:
        return table_of(records(run, tracking), run.class_names)
    except ValueError as error:  # the value of a damaged file
        raise SourceError(f"{run.path} is damaged: {error}") from error


def table_of(frames: Iterator[FrameRecord], class_names: tuple[str, ...]) -> TrackTable:
    """The table of tracks that frames hold, each of which is listed."""
    listed = list(frames)
    parts = [record.objects for record in listed if isinstance(record.objects, Tracks)]
    assert len(parts) == len(listed)
    counts = [len(part) for part in parts]
    numbers = np.array([record.number for record in listed], dtype=np.int64)
    names = tuple(record.name for record in listed)
    frame_list = FrameList(
        numbers,
        np.array([record.time_s for record in listed], dtype=np.float64),
        names if any(names) else (),
        True,
        np.array([record.size for record in listed], dtype=np.int64).reshape(-1, 2),
    )
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) if parts else np.zeros(0)
        for name in ("ids", "boxes", "scores", "labels")
    }
    values: dict[str, Any] = {}
    if parts:
        known = set[str]().union(*(part.values for part in parts))
        whole = Tracks(**joined, since_update_s=np.concatenate([part.since_update_s for part in parts]))
        values = {
            column.name: np.concatenate([column.values(part) for part in parts])
            if column.name in known
            else column.values(whole)
            for column in track_columns.kept(known)
        }
    return TrackTable(
        np.repeat(numbers, counts), **joined, frame_list=frame_list, class_names=class_names, values=values
    )
